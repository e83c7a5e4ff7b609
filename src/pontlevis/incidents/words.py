"""What the service tells the public by itself, in English and French: measured facts, no guesses, no blame."""

from dataclasses import dataclass
from math import floor


@dataclass(frozen=True, slots=True)
class Words:
    """One text in both languages."""

    en: str
    fr: str

    def then(self, more: "Words") -> "Words":
        return Words(f"{self.en} {more.en}", f"{self.fr} {more.fr}")


NAME_ATTACK = Words("Registrations limited during an attack", "Inscriptions limitées pendant une attaque")
NAME_LIMITED = Words("Registrations limited", "Inscriptions limitées")
NAME_SLOW = Words("Slower answers than usual", "Réponses plus lentes que d'habitude")
NAME_FAILING = Words("Requests are not answered", "Demandes sans réponse")
NAMES = (NAME_ATTACK, NAME_LIMITED, NAME_SLOW, NAME_FAILING)

EXISTING = Words(
    "If you already have an account, you can log in and use the service as usual.",
    "Si vous avez déjà un compte, vous pouvez vous connecter et utiliser le service comme d'habitude.",
)
EXISTING_DISTURBED = Words(
    "Requests of those who already have an account are served first; some of them fail or take longer than "
    "usual at the moment.",
    "Les demandes de ceux qui ont déjà un compte sont servies en premier ; certaines échouent ou prennent plus "
    "de temps que d'habitude en ce moment.",
)
_ATTACK = Words("The service is under attack.", "Le service est la cible d'une attaque.")
SUSPENDED = Words(
    "New registrations are suspended for now.",
    "Les nouvelles inscriptions sont suspendues pour le moment.",
)
ATTACKED_AND_SUSPENDED = _ATTACK.then(SUSPENDED)
ATTACKED = _ATTACK
RELAPSE = Words(
    "The attack has come back. New registrations are suspended again.",
    "L'attaque a repris. Les nouvelles inscriptions sont de nouveau suspendues.",
)
REOPENED = Words(
    "Registrations are open to everyone again. We go on watching.",
    "Les inscriptions sont de nouveau ouvertes à tous. Nous continuons à surveiller la situation.",
)
RESOLVED = Words(
    "No further sign of the attack has been seen, and registrations are open to everyone again.",
    "Plus aucun signe de l'attaque n'a été observé, et les inscriptions sont de nouveau ouvertes à tous.",
)
RESOLVED_LIMITED = Words(
    "Registrations are open to everyone again.",
    "Les inscriptions sont de nouveau ouvertes à tous.",
)
WAITLIST = Words(
    "New registrations go to a waitlist for now.",
    "Les nouvelles inscriptions vont sur une liste d'attente pour le moment.",
)
APPROVAL = Words(
    "New accounts are looked at by a person before they can be used.",
    "Les nouveaux comptes sont examinés par une personne avant de pouvoir être utilisés.",
)
SLOW = Words(
    "Some answers take longer than usual at the moment. We are watching it.",
    "Certaines réponses prennent plus de temps que d'habitude en ce moment. Nous suivons la situation.",
)
FAILING = Words(
    "Some requests are not answered at the moment. We are looking into it.",
    "Certaines demandes restent sans réponse en ce moment. Nous examinons la situation.",
)
DOWN = Words(
    "Requests cannot be answered at the moment. We are looking into it.",
    "Les demandes ne peuvent pas recevoir de réponse en ce moment. Nous examinons la situation.",
)
RESOLVED_DISTURBANCE = Words(
    "Everything works as usual again.", "Tout fonctionne de nouveau comme d'habitude."
)


def recovery(share: float) -> Words:
    """The first stage."""
    return Words(
        "No further sign of the attack has been seen for a while.",
        "Plus aucun signe de l'attaque n'a été observé depuis un moment.",
    ).then(stage(share))


def stage(share: float) -> Words:
    """Registrations come back step by step."""
    if share >= 1.0:
        return Words(
            "All new registrations are let through again. We go on watching before we call it over.",
            "Toutes les nouvelles inscriptions sont de nouveau acceptées. Nous continuons à surveiller la "
            "situation avant de conclure.",
        )
    return Words(
        f"Registrations come back step by step: {_percent(share)}% of new registrations are let through now, "
        "the others can join the waitlist.",
        f"Les inscriptions reviennent par étapes : {_percent(share)}\u00a0% des nouvelles inscriptions sont "
        "acceptées en ce moment, les autres peuvent rejoindre la liste d'attente.",
    )


def step_back(share: float) -> Words:
    """A sign of the attack during recovery."""
    return Words(
        f"The attack has shown itself again. {_percent(share)}% of new registrations are let through for now.",
        f"L'attaque s'est de nouveau manifestée. {_percent(share)}\u00a0% des nouvelles inscriptions sont acceptées "
        "pour le moment.",
    )


def availability(asked: int, unserved: int) -> Words:
    """The measured share of existing users' requests that were served; rounded down, never up to 100 %."""
    share = floor(1000 * (asked - min(asked, unserved)) / asked) / 10
    return Words(
        f"Since it began, {share:.1f}% of existing users' requests were served.",
        f"Depuis le début, {share:.1f}\u00a0% des demandes des utilisateurs existants ont été servies.".replace(
            f"{share:.1f}", f"{share:.1f}".replace(".", ",")
        ),
    )


def _percent(share: float) -> str:
    return f"{share * 100:.3g}"


MAINTENANCE_SCHEDULED = Words(
    "The announcement has changed; see the times above.",
    "L'annonce a changé ; voir les horaires ci-dessus.",
)
MAINTENANCE_BEGINS = Words("The announced work has begun.", "Les travaux annoncés ont commencé.")
MAINTENANCE_VERIFIED = Words(
    "The work is done; we are checking that everything is well.",
    "Les travaux sont terminés ; nous vérifions que tout va bien.",
)
MAINTENANCE_ENDS = Words("The announced work is over.", "Les travaux annoncés sont terminés.")
MAINTENANCE_CANCELLED = Words("The announced work has been called off.", "Les travaux annoncés sont annulés.")
