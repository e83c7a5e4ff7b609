"""Calls that nobody will serve, from many places."""

from __future__ import annotations

from detection_deeds import flood
from detection_dialogue import T0, Dialogue

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.observation import Kind, Outcome

SIGNUP, LOGIN, REQUEST = Kind.SIGNUP, Kind.LOGIN, Kind.REQUEST


OK, BAD, UNKNOWN = Outcome.OK, Outcome.BAD_CREDENTIAL, Outcome.UNKNOWN_USER


FLOOD, DRAIN, IMPACT = DetectorName.ROTATING_FLOOD, DetectorName.TOKEN_DRAIN, DetectorName.IMPACT


def test_made_up_keys_from_rotating_addresses_are_a_flood() -> None:
    """Few fingerprints, hundreds of strangers, keys that were never issued."""
    dialogue = Dialogue()
    flood(dialogue, 6)
    finding = dialogue.said(FLOOD)
    assert finding is not None
    assert finding.hostile
    assert finding.since <= T0 + 5
    assert "72 calls turned away in 10 s from 72 unfamiliar sources (usual 10 and 5)" in finding.sentence
    assert "100 % of strangers' calls bring made-up keys" in finding.sentence
    assert "2 fingerprints share 100 % of the calls" in finding.sentence


def test_calls_without_a_key_are_a_flood_too_where_one_is_needed() -> None:
    """The gateway calls them malformed where it serves nobody without a key."""
    dialogue = Dialogue()
    flood(dialogue, 6, outcome=Outcome.INVALID)
    finding = dialogue.said(FLOOD)
    assert finding is not None
    assert finding.hostile


def test_refused_calls_accuse_nobody_where_calls_without_a_key_are_served() -> None:
    """A crowd that meets the limit of the anonymous quota is turned away, and that is all."""
    dialogue = Dialogue()
    for _ in range(8):
        for number in range(12):
            source = dialogue.fresh()
            account = f"anon:{source}"
            dialogue.see(REQUEST, OK, source, fingerprint=number, account=account, tokens=200)
            dialogue.see(REQUEST, Outcome.REFUSED, source, fingerprint=number, account=account)
        judgement = dialogue.tick()
        assert not judgement.hostile


def test_a_client_with_a_wrong_key_is_no_flood() -> None:
    """One source that insists is one source."""
    dialogue = Dialogue()
    for _ in range(20):
        dialogue.see(REQUEST, BAD, "203.0.113.5", count=30)
        assert not dialogue.tick().hostile


def test_a_flood_that_is_banned_and_goes_on_is_still_there_and_over_when_it_stops() -> None:
    """Turned away at the door, it is no less an attack; the finding ends seconds after it does."""
    dialogue = Dialogue()
    sources = [dialogue.fresh() for _ in range(60)]
    for second in range(60):
        banned = {measure.value for each in dialogue.judgements for measure in each.measures}
        for source in sources:
            outcome = Outcome.REFUSED if source in banned else BAD
            dialogue.see(REQUEST, outcome, source, fingerprint=0xBAD, count=2)
        judgement = dialogue.tick()
        assert judgement.hostile or second < 2
    assert len(banned) == 60
    finding = dialogue.said(FLOOD)
    assert finding is not None
    assert finding.at == dialogue.now
    assert "they go on" in finding.sentence
    assert dialogue.quiet(16).findings == ()
