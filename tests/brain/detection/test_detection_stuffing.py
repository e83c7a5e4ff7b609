"""Passwords tried from lists: what tells, and what does not."""

from __future__ import annotations

from detection_dialogue import T0, Dialogue

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Standing, Verdict

SIGNUP, LOGIN, REQUEST = Kind.SIGNUP, Kind.LOGIN, Kind.REQUEST


OK, BAD, UNKNOWN = Outcome.OK, Outcome.BAD_CREDENTIAL, Outcome.UNKNOWN_USER


SURGE, STUFFING = DetectorName.SIGNUP_SURGE, DetectorName.CREDENTIAL_STUFFING


NEW = Standing.NEW


def test_failures_from_many_sources_to_unknown_users_are_stuffing() -> None:
    """One try a source: the share of failures and the accounts that do not exist tell."""
    dialogue = Dialogue()
    for second in range(4):
        for number in range(20):
            outcome = UNKNOWN if number % 2 else BAD
            dialogue.see(LOGIN, outcome, account=f"u{second}-{number}", fingerprint=number)
        dialogue.tick()
    finding = dialogue.said(STUFFING)
    assert finding is not None
    assert finding.hostile
    assert finding.since == T0 + 2
    assert "Failures 100 % of 80 log-ins in 10 s from 80 sources (usual 12 %)" in finding.sentence
    assert "40 tried accounts that do not exist" in finding.sentence
    assert finding.figures["unknown_users"] == 40
    assert dialogue.judgements[-1].verdict is Verdict.ATTACK


def test_a_clusters_failures_are_stuffing_while_the_others_log_in() -> None:
    """Known users only, but all failures keep to two fingerprints."""
    dialogue = Dialogue()
    for second in range(5):
        for number in range(6):
            dialogue.see(LOGIN, BAD, account=f"u{second}-{number}", fingerprint=0xBAD + number % 2)
            dialogue.see(LOGIN, OK, account=f"p{number}", standing=NEW, fingerprint=number)
        dialogue.tick()
    finding = dialogue.said(STUFFING)
    assert finding is not None
    assert finding.hostile
    assert set(finding.fingerprints) == {0xBAD, 0xBAE}
    assert "100 % fail in 2 fingerprints and 0 % elsewhere" in finding.sentence
    assert finding.sources


def test_whoever_mistypes_is_not_listed_among_guessers_who_are_told_by_their_client() -> None:
    """Each guesser tries once, and somebody three times in the seconds before: the worst by number."""
    dialogue = Dialogue()
    for _ in range(3):
        dialogue.see(LOGIN, BAD, "198.51.100.7", account="me", fingerprint=3)
        dialogue.tick()
    guessers = set()
    for second in range(8):
        for number in range(6):
            guessers.add(source := dialogue.fresh())
            dialogue.see(LOGIN, BAD, source, account=f"u{second}-{number}", fingerprint=0xBAD + number % 2)
            dialogue.see(LOGIN, OK, account=f"p{number}", standing=NEW, fingerprint=number)
        dialogue.tick()
    finding = dialogue.said(STUFFING)
    assert finding is not None
    assert set(finding.fingerprints) == {0xBAD, 0xBAE}
    assert finding.sources
    assert set(finding.sources) <= guessers


def test_usual_failures_say_nothing() -> None:
    """A tenth fails every day."""
    dialogue = Dialogue()
    for _ in range(60):
        for number in range(10):
            dialogue.see(LOGIN, BAD if number == 0 else OK, account=f"p{number}", fingerprint=number)
        assert dialogue.tick().findings == ()


def test_failures_of_familiar_sources_are_a_fault_of_ours() -> None:
    """Where people were served before, a wave of failures accuses nobody."""
    dialogue = Dialogue()
    for _ in range(15):
        dialogue.served(range(1, 60))
        dialogue.tick()
    for _ in range(10):
        for user in range(1, 30):
            dialogue.see(LOGIN, BAD, f"10.0.0.{user}", account=f"user{user}", fingerprint=0xC0 + user % 2)
        dialogue.tick()
    finding = dialogue.said(STUFFING)
    assert finding is not None
    assert not finding.hostile
    assert finding.sentence.endswith("a fault of ours.")
    assert dialogue.judgements[-1].verdict is Verdict.CALM
    assert not any(judgement.measures for judgement in dialogue.judgements)


def test_low_and_slow_stuffing_is_found_within_minutes_and_ends_with_the_attack() -> None:
    """One try every two seconds, a new source each: the long window sees it."""
    dialogue = Dialogue()
    for second in range(240):
        if second % 2:
            dialogue.see(
                LOGIN, UNKNOWN if second % 4 == 1 else BAD, account=f"u{second}", fingerprint=second % 9
            )
        if second % 5 == 0:
            dialogue.see(LOGIN, OK, "10.0.0.1", account="user1", standing=Standing.ESTABLISHED)
        dialogue.tick()
    first = next(each.at for each in dialogue.judgements if each.hostile)
    assert first - T0 <= 150
    assert dialogue.quiet(60).findings == ()


def test_a_client_that_fails_twelve_times_a_minute_is_told_by_ten_minutes_of_its_own() -> None:
    """Too slow for a minute's count; at accounts of newcomers, so that nobody's home tells; others log in as usual."""
    dialogue = Dialogue()
    for second in range(600):
        if second % 20 == 0:
            dialogue.see(LOGIN, OK, account=f"p{second}", standing=NEW, fingerprint=1 + second // 20 % 20)
        if second > 300 and second % 5 == 0:
            dialogue.see(LOGIN, BAD, account=f"u{second}", standing=NEW, fingerprint=0xBAD)
        dialogue.tick()
    finding = dialogue.said(STUFFING)
    assert finding is not None
    assert finding.hostile
    assert finding.figures["window_s"] == 600
    assert finding.fingerprints == (0xBAD,)
    assert "in 10 min" in finding.sentence
    assert "100 % fail in one fingerprint and 0 % elsewhere" in finding.sentence
