"""For how many places one account may speak: whoever keeps one must not whitewash a botnet with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from detection_dialogue import T0, Dialogue

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.places import PlaceBudget
from pontlevis.brain.vocabulary import Standing

BOTS = [f"198.{51 + number // 200}.{number % 7}.{number % 250}" for number in range(400)]
HALF_DAY_S = DetectionPolicy().familiar_s


def whitewash(dialogue: Dialogue) -> None:
    """One account that is long established is served once from each of the botnet's addresses."""
    for number, bot in enumerate(BOTS):
        dialogue.see(
            Kind.REQUEST,
            fingerprint=7,
            account="mallory",
            standing=Standing.ESTABLISHED,
            tokens=2,
            source=bot,
        )
        if number % 10 == 9:
            dialogue.tick()


def named(dialogue: Dialogue) -> set[DetectorName]:
    return {finding.detector for each in dialogue.judgements for finding in each.findings if finding.hostile}


def test_one_account_does_not_hide_a_flood_of_keys() -> None:
    """It did: four hundred addresses became familiar by one call each, so that none of what they sent counted as a stranger's
    and no measure might name them."""
    dialogue = Dialogue()
    whitewash(dialogue)
    for second in range(30):
        for number in range(40):
            dialogue.see(
                Kind.REQUEST, Outcome.BAD_CREDENTIAL, BOTS[(second * 40 + number) % 400], fingerprint=0xBAD
            )
        dialogue.tick()
    assert DetectorName.ROTATING_FLOOD in named(dialogue)
    measured = {measure.value for each in dialogue.judgements for measure in each.measures}
    assert len(measured & set(BOTS)) > 200


def test_one_account_does_not_pass_guesses_off_as_a_fault_of_ours() -> None:
    """It did: guesses that come from where people were served before are said to be our own fault."""
    dialogue = Dialogue()
    whitewash(dialogue)
    for second in range(30):
        for number in range(40):
            act = second * 40 + number
            dialogue.see(
                Kind.LOGIN, Outcome.BAD_CREDENTIAL, BOTS[act % 400], fingerprint=0xBAD, account=f"v{act % 300}",
                standing=Standing.ESTABLISHED,
            )  # fmt: skip
        dialogue.tick()
    assert DetectorName.CREDENTIAL_STUFFING in named(dialogue)


@pytest.mark.parametrize("kind", [Kind.REQUEST, Kind.LOGIN])
def test_its_first_places_are_familiar_and_stay_so(kind: Kind) -> None:
    """As many as the setting says, by a call and by a log-in; the next ones are not, and half a day later they may be."""
    dialogue = Dialogue(replace(DetectionPolicy(), places_per_account=3))
    signals = dialogue.detection._signals

    def served(source: str) -> bool:
        dialogue.see(kind, source=source, account="ada", standing=Standing.ESTABLISHED)
        return signals.familiar(source) and source in signals.vouched

    addresses = [f"192.0.2.{number}" for number in range(6)]
    assert [served(each) for each in addresses] == [True, True, True, False, False, False]
    dialogue.tick(HALF_DAY_S / 2)
    assert [served(each) for each in addresses] == [True, True, True, False, False, False]
    dialogue.tick(HALF_DAY_S / 2 + 61)
    assert served(addresses[5])


def test_where_somebody_else_is_served_too_costs_nothing() -> None:
    """An office's address is familiar by whoever came first."""
    dialogue = Dialogue(replace(DetectionPolicy(), places_per_account=1))
    for account in ("ada", "grace", "ada"):
        dialogue.see(Kind.REQUEST, source="192.0.2.1", account=account, standing=Standing.ESTABLISHED)
        dialogue.tick()
    dialogue.see(Kind.REQUEST, source="192.0.2.2", account="grace", standing=Standing.ESTABLISHED)
    assert dialogue.detection._signals.familiar("192.0.2.2")


def test_a_recent_account_makes_familiar_and_vouches_for_nobody() -> None:
    dialogue = Dialogue()
    dialogue.see(Kind.REQUEST, source="192.0.2.1", account="ada", standing=Standing.RECENT)
    assert dialogue.detection._signals.familiar("192.0.2.1")
    assert "192.0.2.1" not in dialogue.detection._signals.vouched


def test_the_accounts_counted_are_bounded() -> None:
    """Where there is room for one, whoever was counted before begins anew."""
    budget = PlaceBudget(1, 100.0, lg_room=0)
    assert [budget.take(each, T0) for each in ("a", "a", "b", "b")] == [True, False, True, False]
    assert budget.take("a", T0)
    assert not budget.take("a", T0 + 99.0)
    assert budget.take("a", T0 + 100.0)
