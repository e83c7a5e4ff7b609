"""What a measure closes to the place that it names."""

import pytest
from detection_dialogue import Dialogue

from pontlevis.brain.detection.finding import Measure
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.reach import Reach

HOUSE = "203.0.113.5"


def flood(dialogue: Dialogue, seconds: int = 8) -> None:
    """Made-up keys from sixty houses, one of them ours to look at."""
    houses = [HOUSE, *(dialogue.fresh() for _ in range(59))]
    for _ in range(seconds):
        for source in houses:
            dialogue.see(Kind.REQUEST, Outcome.BAD_CREDENTIAL, source, fingerprint=0xBAD)
        dialogue.tick()


def guess(dialogue: Dialogue, seconds: int = 12) -> None:
    """A list of passwords from that house."""
    for second in range(seconds):
        dialogue.see(Kind.LOGIN, Outcome.BAD_CREDENTIAL, HOUSE, account=f"u{second}")
        dialogue.tick()


def against(dialogue: Dialogue, value: str) -> list[Measure]:
    """The measures that name this place, oldest first."""
    return [each for said in dialogue.judgements for each in said.measures if each.value == value]


def test_made_up_keys_close_calls_without_a_valid_key() -> None:
    """Pages, log-ins and other people's keys have nothing to do with it."""
    dialogue = Dialogue()
    dialogue.quiet(700)
    flood(dialogue)
    assert {each.reach for said in dialogue.judgements for each in said.measures} == {Reach.KEYLESS}


def test_guessing_closes_log_ins() -> None:
    """A household's pages and keys go on."""
    dialogue = Dialogue()
    guess(dialogue)
    assert [each.reach for each in against(dialogue, HOUSE)] == [Reach.LOG_INS]


def test_a_place_that_did_two_things_earns_two_measures_and_each_once() -> None:
    """One of a narrow reach does not stand in the way of another."""
    dialogue = Dialogue()
    dialogue.quiet(700)
    flood(dialogue)
    guess(dialogue)
    flood(dialogue)
    assert sorted(each.reach for each in against(dialogue, HOUSE)) == [Reach.KEYLESS, Reach.LOG_INS]


@pytest.mark.parametrize(
    ("reach", "closed"),
    [
        (Reach.EVERYTHING, {Kind.REQUEST, Kind.LOGIN, Kind.SIGNUP, Kind.PAGE}),
        (Reach.KEYLESS, {Kind.REQUEST}),
        (Reach.LOG_INS, {Kind.LOGIN}),
        (Reach.SIGN_UPS, {Kind.SIGNUP}),
        (Reach.PAGES, {Kind.PAGE}),
    ],
)
def test_each_reach_closes_what_its_name_says(reach: Reach, closed: set[Kind]) -> None:
    """Of keyless calls those that bring a valid key pass."""
    assert {kind for kind in Kind if reach.closes(kind)} == closed
    assert reach.closes(Kind.REQUEST, keyed=True) is (reach is Reach.EVERYTHING)
    assert reach.closes(Kind.PAGE, keyed=True) is (reach is Reach.EVERYTHING)
    assert Reach.EVERYTHING.covers(reach)
    assert reach.covers(Reach.KEYLESS) is (reach in (Reach.EVERYTHING, Reach.KEYLESS))
