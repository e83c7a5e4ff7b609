"""What the service tells the public by itself, in English and French: facts, no guesses, no blame."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """One text in both languages."""

    en: str
    fr: str


NAME_ATTACK = Words("Registrations limited during an attack", "Inscriptions limitées pendant une attaque")
NAME_BUSY = Words("Slower answers than usual", "Réponses plus lentes que d'habitude")

SUSPENDED = Words(
    "The service is under attack. New registrations are suspended for now. If you already have an account, you can log in and use the service as usual.",
    "Le service est la cible d'une attaque. Les nouvelles inscriptions sont suspendues pour le moment. Si vous avez déjà un compte, vous pouvez vous connecter et utiliser le service comme d'habitude.",
)
ATTACKED = Words(
    "The service is under attack. If you already have an account, you can log in and use the service as usual.",
    "Le service est la cible d'une attaque. Si vous avez déjà un compte, vous pouvez vous connecter et utiliser le service comme d'habitude.",
)
BUSY = Words(
    "Many people use the service at this moment and some answers take longer than usual. We are watching it.",
    "Beaucoup de personnes utilisent le service en ce moment et certaines réponses prennent plus de temps que d'habitude. Nous suivons la situation.",
)
RELAPSE = Words(
    "The attack has come back. New registrations are suspended again. Existing accounts work as usual.",
    "L'attaque a repris. Les nouvelles inscriptions sont de nouveau suspendues. Les comptes existants fonctionnent comme d'habitude.",
)
RESOLVED = Words(
    "The attack is over. Registrations are open to everyone again.",
    "L'attaque est terminée. Les inscriptions sont de nouveau ouvertes à tous.",
)
RESOLVED_BUSY = Words(
    "Answers are as quick as usual again.", "Les réponses sont de nouveau aussi rapides que d'habitude."
)


def stage(share: float) -> Words:
    """Registrations come back step by step."""
    if share <= 0.0:
        return Words(
            "The attack has stopped. Registrations stay suspended while we watch; they will come back step by step.",
            "L'attaque a cessé. Les inscriptions restent suspendues pendant que nous surveillons la situation ; elles reviendront par étapes.",
        )
    return Words(
        f"Registrations are coming back step by step: {share:.0%} of new registrations are let through now, the others can join the waitlist.",
        f"Les inscriptions reviennent par étapes : {share:.0%} des nouvelles inscriptions sont acceptées en ce moment, les autres peuvent rejoindre la liste d'attente.".replace(
            "%", " %"
        ),
    )


def with_availability(words: Words, asked: int, unserved: int) -> Words:
    """Adds the measured share of existing users' requests that were served, where there were enough to say."""
    if asked < 100:
        return words
    share = 100.0 * (1 - unserved / asked)
    return Words(
        f"{words.en} Since it began, {share:.1f} % of existing users' requests were served.",
        f"{words.fr} Depuis le début, {share:.1f} % des demandes des utilisateurs existants ont été servies.".replace(
            f"{share:.1f}", f"{share:.1f}".replace(".", ",")
        ),
    )
