"""What the gateway reports of calls, and of keys under a decision."""

from __future__ import annotations

import msgspec

from pontlevis.brain.credential import CredentialCodec
from pontlevis.brain.fingerprint import Fingerprint
from pontlevis.brain.observation import Kind, Observation, Outcome, PagePart
from pontlevis.gateway.directory import Directory
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.recorder import Recorder
from pontlevis.gateway.under_way import UnderWay
from pontlevis.link.messages import Changes, DecisionRecord

KEY, OTHER = "00000000000000aa", "00000000000000bb"


def test_alike_calls_of_a_key_are_one_observation_with_sums_and_the_most_at_once() -> None:
    """Tokens and bytes add up, calls at once do not."""
    recorder = Recorder(0, GatewayPolicy())
    for at_once, key in ((1, KEY), (3, KEY), (2, KEY), (1, OTHER)):
        recorder.see(Kind.REQUEST, Outcome.OK, "192.0.2.1", 7, "acct", 3, 100, key, 1000, at_once)
    batch = recorder.take(5.0, None, {})
    assert batch.observations == [
        Observation(5.0, Kind.REQUEST, Outcome.OK, "192.0.2.1", 7, "acct", 3, "", 3, 300, KEY, 3000, 3),
        Observation(5.0, Kind.REQUEST, Outcome.OK, "192.0.2.1", 7, "acct", 3, "", 1, 100, OTHER, 1000, 1),
    ]


def test_an_observation_of_an_older_gateway_is_still_understood() -> None:
    """Fields are appended only."""
    older = msgspec.msgpack.encode([1.0, "request", "ok", "192.0.2.1", 7, "acct", 3, "", 2, 40])
    seen = msgspec.msgpack.decode(older, type=Observation)
    assert (seen.count, seen.tokens, seen.credential, seen.bytes, seen.in_flight) == (2, 40, "", 0, 0)


def test_pages_are_told_by_path_and_parameters_and_take_no_room_from_calls() -> None:
    """Beyond their own bound only how many, and how they ended; a call that comes later is told as ever."""
    recorder = Recorder(0, GatewayPolicy(batch_observations=2))
    view, asset = PagePart.VIEW, PagePart.ASSET
    for parameters in (0, 0, 5, 6, 7):
        recorder.see_page(Outcome.OK, "192.0.2.1", Fingerprint(7, "curl 8"), view, 11, parameters)
    recorder.see_page(Outcome.OK, "192.0.2.1", 0, asset, 0, 0)
    recorder.see(Kind.REQUEST, Outcome.OK, "192.0.2.9", 7)
    batch = recorder.take(5.0, None, {})
    call, *pages = batch.observations
    assert (call.kind, call.source, call.part) == (Kind.REQUEST, "192.0.2.9", 0)
    assert [(each.source, each.count, each.target, each.parameters, each.part) for each in pages] == [
        ("192.0.2.1", 2, 11, 0, view),
        ("192.0.2.1", 1, 11, 5, view),
        ("", 2, 0, 0, view),
        ("", 1, 0, 0, asset),
    ]
    assert batch.dropped == 3
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(pages), type=list[Observation]) == pages
    assert recorder.take(6.0, None, {}).observations == []


def test_names_make_no_observation_of_their_own() -> None:
    """Somebody who changes theirs with each request fills no batch; that there were several is told."""
    recorder = Recorder(0, GatewayPolicy())
    for agent in ("curl 8", "curl 8", "Chrome 131"):
        recorder.see(Kind.REQUEST, Outcome.REFUSED, "192.0.2.1", Fingerprint(7, agent))
    recorder.see(Kind.REQUEST, Outcome.REFUSED, "192.0.2.2", Fingerprint(7, "curl 8"))
    (rotating, steady) = recorder.take(5.0, None, {}).observations
    assert (rotating.count, rotating.agent, steady.agent) == (3, "several", "curl 8")
    assert type(rotating.fingerprint) is int


def test_calls_under_way_are_counted_by_key_and_forgotten_with_the_last() -> None:
    """An end that never began, or a call without a key, changes nothing."""
    under_way = UnderWay()
    under_way.begin(KEY)
    under_way.begin(KEY)
    under_way.begin("")
    assert (under_way.count(KEY), under_way.count(""), under_way.count(OTHER)) == (2, 0, 0)
    under_way.end(OTHER)
    under_way.end(KEY)
    under_way.end(KEY)
    under_way.end(KEY)
    assert under_way.count(KEY) == 0


def test_a_decision_against_a_key_holds_for_it_alone_until_it_ends() -> None:
    """Its account, and its other keys, go on."""
    directory = Directory(CredentialCodec(b"p" * 32))
    directory.apply(Changes(1, decisions=[DecisionRecord(1, "credential", KEY, "leaked", 0.0, 100.0)]))
    assert directory.banned_credential(KEY, 50.0) is not None
    assert directory.banned_credential(OTHER, 50.0) is None
    assert directory.banned_account(KEY, 50.0) is None
    assert directory.banned_credential(KEY, 101.0) is None
    directory.expire(101.0)
    assert directory.decisions == 0
