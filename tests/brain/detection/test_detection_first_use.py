"""What accounts do in their first seconds: a handful that is used up at once tells, in a crowd as well."""

from __future__ import annotations

from detection_dialogue import Dialogue

from pontlevis.brain.detection.detection import Detection
from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.statistics import BernoulliCusum
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Standing

DRAIN = DetectorName.TOKEN_DRAIN
NEW = Standing.NEW


def person(dialogue: Dialogue, number: int) -> None:
    """Signs up; will call a quarter of a minute later."""
    dialogue.see(
        Kind.SIGNUP,
        source=f"20.1.{number >> 8}.{number & 255}",
        fingerprint=number % 9,
        account=f"p{number}",
        domain="gmail.com",
    )


def chats(dialogue: Dialogue, number: int, tokens: int = 700, outcome: Outcome = Outcome.OK) -> None:
    """One call of that person."""
    dialogue.see(
        Kind.REQUEST,
        outcome,
        f"20.1.{number >> 8}.{number & 255}",
        fingerprint=number % 9,
        account=f"p{number}",
        standing=NEW,
        tokens=tokens,
    )


def calm(dialogue: Dialogue, seconds: int = 620) -> None:
    """Ten minutes of existing users, whose calls ask for 500 tokens."""
    for second in range(seconds):
        dialogue.served([1 + second % 40])
        dialogue.tick()


def drained(dialogue: Dialogue, *, people: int, outcome: Outcome = Outcome.OK) -> Finding | None:
    """So many people a second, and one account in two seconds that is used up a second after its sign-up."""
    number = 0
    for second in range(30):
        for _ in range(people):
            person(dialogue, number)
            number += 1
        late = number - 15 * people
        for each in range(max(0, late), max(0, late + people)):
            chats(dialogue, each)
        if second % 2 == 0:
            person(dialogue, 10_000 + second)
        else:
            chats(dialogue, 10_000 + second - 1, 2200, outcome)
            chats(dialogue, 10_000 + second - 1, 2200, outcome)
        dialogue.tick()
        if (finding := dialogue.said(DRAIN)) is not None:
            return finding
    return None


def test_a_few_accounts_used_up_at_once_tell_within_a_crowd() -> None:
    """One in seven: greed joined to haste needs no full window."""
    finding = drained(Dialogue(), people=3)
    assert finding is not None
    assert finding.hostile
    assert "asked for more than a person does" in finding.sentence
    assert "each of them began within seconds of its sign-up" in finding.sentence
    assert finding.figures["drained_at_once"] <= 8


def test_being_turned_away_does_not_hide_that_accounts_are_used_up_at_once() -> None:
    """A full service refuses most calls; who asks for so much in the first seconds does not back off."""
    finding = drained(Dialogue(), people=3, outcome=Outcome.REFUSED)
    assert finding is not None
    assert finding.hostile


def test_one_long_text_in_the_first_seconds_accuses_nobody() -> None:
    """However heavy: a person may come with a document to ask about."""
    dialogue = Dialogue()
    for number in range(60):
        person(dialogue, number)
        dialogue.tick()
        chats(dialogue, number, 20_000)
    assert not any(judgement.hostile for judgement in dialogue.judgements)


def test_what_calm_hours_taught_about_first_seconds_is_usual() -> None:
    """A service whose app asks for much at the first opening: its newcomers are no drain, and that survives a restart."""
    policy = DetectionPolicy(learning_logins=20.0)
    before = Dialogue(policy)
    for number in range(400):
        if number % 4 == 0:
            person(before, number)
        before.tick()
        if number % 16 == 0:
            chats(before, number, 2500)
            chats(before, number, 2500)
        before.tick()
    assert not any(judgement.hostile for judgement in before.judgements)
    usual = before.detection.baseline.prompt_share
    assert 0.1 < usual < 0.4
    after = Detection(policy)
    after.restore(before.detection.state(before.now), before.now)
    assert after.baseline.prompt_share == usual


def wake(dialogue: Dialogue, tokens: int) -> None:
    """Twenty accounts a second whose sign-ups nobody saw."""
    for second in range(6):
        for number in range(20):
            dialogue.see(
                Kind.REQUEST,
                account=f"old{second}-{number}",
                fingerprint=number % 12,
                standing=NEW,
                tokens=tokens,
            )
        dialogue.tick()


def test_accounts_kept_until_they_are_used_up_together_are_a_drain() -> None:
    """Made before anybody watched: that they begin together, each with a heavy call, tells in seconds."""
    dialogue = Dialogue()
    calm(dialogue)
    wake(dialogue, 3000)
    finding = dialogue.said(DRAIN)
    assert finding is not None
    assert finding.hostile
    assert "used for the first time" in finding.sentence
    assert "heavier than the usual 500 tokens" in finding.sentence


def test_many_who_come_back_together_with_usual_calls_are_no_drain() -> None:
    """As after a letter to all of them."""
    dialogue = Dialogue()
    calm(dialogue)
    wake(dialogue, 550)
    assert not any(judgement.hostile for judgement in dialogue.judgements)


def test_after_a_start_nobody_is_taken_for_woken() -> None:
    """Whoever was there before looks as if never seen."""
    dialogue = Dialogue()
    calm(dialogue, 60)
    wake(dialogue, 1200)
    assert not any(judgement.hostile for judgement in dialogue.judgements)


def test_the_test_of_shares_is_raised_by_what_is_rare_and_lowered_by_the_rest() -> None:
    """Its sum never falls below nothing, and is capped, so that an end is noticed soon."""
    cusum = BernoulliCusum(5.0)
    for _ in range(100):
        assert not cusum.add(0, 50, 0.01, 0.1)
    assert cusum.sum == 0.0
    assert not cusum.add(2, 2, 0.01, 0.1)
    assert cusum.add(1, 1, 0.01, 0.1)
    cusum.add(100, 100, 0.01, 0.1)
    assert cusum.sum == 10.0
    assert not cusum.add(0, 60, 0.01, 0.1)
