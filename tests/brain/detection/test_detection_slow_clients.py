"""Dialogues about slow senders and readers."""

from __future__ import annotations

from detection_dialogue import Dialogue
from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.slow_ledger import CAPACITY, SlowLedger
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Standing, Verdict

SLOW, PAGE, REQUEST = Outcome.SLOW, Kind.PAGE, Kind.REQUEST
DETECTOR = DetectorName.SLOW_CLIENTS


def test_one_source_with_several_slow_connections_is_named_and_measured_alone() -> None:
    """It is a matter between it and us: the verdict stays calm."""
    dialogue = Dialogue()
    for _ in range(4):
        dialogue.see(PAGE, SLOW, "203.0.113.9", fingerprint=0)
        dialogue.tick()
    finding = dialogue.said(DETECTOR)
    assert finding is not None
    assert finding.hostile
    assert finding.local
    assert "203.0.113.9 with 4" in finding.sentence
    assert dialogue.judgements[-1].verdict is Verdict.CALM
    assert {m.value for j in dialogue.judgements for m in j.measures} == {"203.0.113.9"}


def test_a_bad_line_is_not_accused() -> None:
    """Two cut connections, and people whose calls are served beside their cut ones."""
    dialogue = Dialogue()
    for second in range(60):
        if second % 10 == 0:
            dialogue.see(REQUEST, SLOW, "203.0.113.9", fingerprint=2, account="a", standing=Standing.NEW)
            dialogue.see(REQUEST, source="203.0.113.9", fingerprint=2, account="a", standing=Standing.NEW)
        if second in (5, 25):
            dialogue.see(PAGE, SLOW, "198.51.100.4", fingerprint=0)
        assert dialogue.tick().findings == ()


def test_an_office_with_existing_users_is_never_named() -> None:
    """A whole office behind one address and one bad line."""
    dialogue = Dialogue()
    for _ in range(20):
        dialogue.served([7])
        dialogue.see(REQUEST, SLOW, "10.0.0.7", account="user7", standing=Standing.ESTABLISHED)
        judgement = dialogue.tick()
        assert judgement.findings == ()
        assert judgement.measures == ()


def test_many_sources_with_one_slow_connection_each_are_an_attack() -> None:
    """Nobody was ever served there, and their headers never end."""
    dialogue = Dialogue()
    for _ in range(20):
        dialogue.served(range(1, 9))
        for _ in range(4):
            dialogue.see(PAGE, SLOW, fingerprint=0)
        dialogue.tick()
    finding = dialogue.said(DETECTOR)
    assert finding is not None
    assert finding.hostile
    assert not finding.local
    assert finding.sentence == (
        "80 connections in 60 s sent or took bytes too slowly, from 80 sources (usual 3): nobody was "
        "ever served at 100 % of them and 100 % never got their headers through."
    )
    assert dialogue.judgements[-1].verdict is Verdict.ATTACK
    assert dialogue.quiet(70).findings == ()


def test_a_weak_network_of_strangers_is_not_accused() -> None:
    """A festival: many strangers whose bodies and answers crawl, with as many clients as people have."""
    dialogue = Dialogue()
    for second in range(40):
        for index in range(3):
            dialogue.see(REQUEST, SLOW, fingerprint=1 + (second + index) % 9)
        assert not dialogue.tick().hostile
    finding = dialogue.said(DETECTOR)
    assert finding is not None
    assert finding.sentence.endswith("too little to accuse anybody, a network may be weak.")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 5), st.integers(0, 30)), max_size=60))
def test_the_ledger_names_exactly_who_was_cut_often_lately(acts: list[tuple[int, int, int]]) -> None:
    """No source is named for another's deeds, and none of a minute ago is lost."""
    ledger = SlowLedger()
    now = 1000.0
    counts: dict[str, int] = {}
    for source, count, later in acts:
        now += later / 30
        ledger.add(f"s{source}", count, now)
        counts[f"s{source}"] = counts.get(f"s{source}", 0) + count
    assert now <= 1060
    assert {s: n for n, s in ledger.holding(3, now)} == {s: n for s, n in counts.items() if n >= 3}


def test_the_ledger_is_bounded() -> None:
    """However many sources are slow."""
    ledger = SlowLedger()
    for number in range(3 * CAPACITY):
        ledger.add(f"s{number}", 3, 1000.0)
    assert len(ledger.holding(1, 1000.0)) <= CAPACITY
