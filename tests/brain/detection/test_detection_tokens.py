"""Young accounts, and calls without one, that take more than their share."""

from __future__ import annotations

from detection_deeds import crowd
from detection_dialogue import T0, Dialogue

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Standing

SIGNUP, LOGIN, REQUEST = Kind.SIGNUP, Kind.LOGIN, Kind.REQUEST


OK, BAD, UNKNOWN = Outcome.OK, Outcome.BAD_CREDENTIAL, Outcome.UNKNOWN_USER


FLOOD, DRAIN, IMPACT = DetectorName.ROTATING_FLOOD, DetectorName.TOKEN_DRAIN, DetectorName.IMPACT


NEW = Standing.NEW


def drain(
    dialogue: Dialogue, seconds: int, *, accounts: int, fingerprint: int = 0xBAD, wait: int = 0
) -> None:
    """Accounts made with one fingerprint, each asking for much and often."""
    names = [f"b{fingerprint}-{number}" for number in range(accounts)]
    sources = [dialogue.fresh() for _ in names]
    for name, source in zip(names, sources, strict=True):
        dialogue.see(SIGNUP, source=source, fingerprint=fingerprint, domain="gmail.com", account=name)
    for _ in range(wait):
        dialogue.tick()
    for _ in range(seconds):
        for name, source in zip(names, sources, strict=True):
            dialogue.see(
                REQUEST, source=source, account=name, standing=NEW, tokens=2000, fingerprint=fingerprint
            )
        dialogue.served(range(1, 5))
        dialogue.tick()


def test_accounts_used_up_at_once_are_a_drain_and_are_measured_as_accounts() -> None:
    """Greedy within seconds of their sign-up: each is named, nobody's address is."""
    dialogue = Dialogue()
    drain(dialogue, 8, accounts=30)
    finding = dialogue.said(DRAIN)
    assert finding is not None
    assert finding.hostile
    assert finding.since <= T0 + 5
    assert "30 of 30 young accounts are greedy at once" in finding.sentence
    dialogue.quiet(1)
    drain_again = [measure for judgement in dialogue.judgements for measure in judgement.measures]
    assert all(measure.scope == "account" for measure in drain_again)


def test_a_drain_is_known_by_its_sign_ups_while_others_chat() -> None:
    """Used later than at once, but all of one sign-up cluster, while other newcomers use it as people do."""
    dialogue = Dialogue()
    for number in range(20):
        dialogue.see(
            SIGNUP,
            source=f"60.1.{number}.1",
            fingerprint=number % 9,
            domain="gmail.com",
            account=f"p{number}",
        )
    names = [f"b{number}" for number in range(20)]
    for number, name in enumerate(names):
        dialogue.see(SIGNUP, source=f"61.1.{number}.1", fingerprint=0xBAD, domain="gmail.com", account=name)
    dialogue.quiet(40)
    for second in range(10):
        for number, name in enumerate(names):
            dialogue.see(REQUEST, source=f"61.1.{number}.1", account=name, standing=NEW, tokens=2000)
        for number in range(second % 2, 20, 2):
            dialogue.see(REQUEST, source=f"60.1.{number}.1", account=f"p{number}", standing=NEW, tokens=150)
        dialogue.tick()
    finding = dialogue.said(DRAIN)
    assert finding is not None
    assert finding.hostile
    assert finding.fingerprints == (0xBAD,)
    assert "few of the others are greedy" in finding.sentence


def test_newcomers_who_take_most_tokens_together_are_a_crowd() -> None:
    """A share is no accusation."""
    dialogue = Dialogue()
    for second in range(40):
        crowd(dialogue, second, 5)
        for number in range(40):
            if (second + number) % 12 == 0:
                dialogue.see(
                    REQUEST, source=f"60.1.{number}.1", account=f"p{number}", standing=NEW, tokens=900
                )
        dialogue.served([second % 50 + 1])
        assert not dialogue.tick().hostile


def test_heavy_calls_without_an_account_by_few_fingerprints_are_a_drain() -> None:
    """Where calls without a key are served, they may not take what they like."""
    dialogue = Dialogue()
    for second in range(20):
        dialogue.served(range(second % 40, second % 40 + 4))
        dialogue.tick()
    for _ in range(10):
        for _ in range(10):
            source = dialogue.fresh()
            dialogue.see(REQUEST, source=source, account=f"anon:{source}", tokens=4000, fingerprint=0xBAD)
        dialogue.served(range(1, 5))
        dialogue.tick()
    finding = dialogue.said(DRAIN)
    assert finding is not None
    assert finding.hostile
    assert "Calls without an account ask for 95 % of tokens" in finding.sentence


def insist(dialogue: Dialogue, *, pace: int, seconds: int = 20) -> None:
    """Thirty young accounts of many clients, made well before, of which every call is turned away."""
    for number in range(30):
        dialogue.see(
            SIGNUP,
            source=f"77.1.{number}.1",
            fingerprint=number % 9,
            domain="gmail.com",
            account=f"y{number}",
        )
    dialogue.quiet(20)
    for second in range(seconds):
        for number in range(30):
            if (second + number) % 4 and pace == 1:
                continue
            outcome = Outcome.REFUSED if second > 3 else OK
            dialogue.see(
                REQUEST, outcome, f"77.1.{number}.1", account=f"y{number}", standing=NEW, tokens=900 * pace,
                fingerprint=number % 9, count=pace,
            )  # fmt: skip
        dialogue.tick()


def test_young_accounts_that_do_not_slow_down_when_turned_away_insist() -> None:
    """Ten tries in ten seconds each, refused or not: the second sign beside their greed."""
    dialogue = Dialogue()
    insist(dialogue, pace=3)
    finding = dialogue.said(DRAIN)
    assert finding is not None
    assert finding.hostile
    assert "that were turned away ask" in finding.sentence


def test_young_accounts_that_wait_before_they_try_again_do_not_insist() -> None:
    """Turned away, a person waits some seconds."""
    dialogue = Dialogue()
    insist(dialogue, pace=1)
    assert not any(judgement.hostile for judgement in dialogue.judgements)
