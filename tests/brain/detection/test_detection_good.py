"""Measures are replayed against those who were served well, before anybody hears of them."""

from __future__ import annotations

import pytest
from detection_dialogue import T0, Dialogue
from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.brain.detection.finding import Measure, Withheld
from pontlevis.brain.detection.good import KnownGood, Vouched
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Standing

LOGIN, REQUEST = Kind.LOGIN, Kind.REQUEST
BAD = Outcome.BAD_CREDENTIAL
RECENT, PAID = Standing.RECENT, Standing.PAID


def flood(dialogue: Dialogue, sources: list[str], seconds: int = 12) -> tuple[list[Measure], list[Withheld]]:
    """Made-up keys, each source once a second, one fingerprint; what was proposed and what withheld."""
    proposed: list[Measure] = []
    withheld: list[Withheld] = []
    for _ in range(seconds):
        for source in sources:
            dialogue.see(REQUEST, BAD, source, fingerprint=0xBAD)
        judgement = dialogue.tick()
        proposed += judgement.measures
        withheld += judgement.withheld
    return proposed, withheld


def guess(dialogue: Dialogue, sources: list[str], seconds: int = 12) -> tuple[list[Measure], list[Withheld]]:
    """Passwords tried at ever other accounts, each source once a second."""
    proposed: list[Measure] = []
    withheld: list[Withheld] = []
    for second in range(seconds):
        for number, source in enumerate(sources):
            dialogue.see(LOGIN, BAD, source, fingerprint=number % 9, account=f"x{second}-{number}")
        judgement = dialogue.tick()
        proposed += judgement.measures
        withheld += judgement.withheld
    return proposed, withheld


def people(dialogue: Dialogue, number: int, standing: Standing = RECENT, *, net: str = "10.9") -> None:
    """So many accounts, each served from an address of its own."""
    for each in range(number):
        source = f"{net}.{each >> 8}.{each & 255}"
        dialogue.see(
            REQUEST, source=source, account=f"p{each}", standing=standing, tokens=50, fingerprint=each % 6
        )


def scattered(count: int) -> list[str]:
    """Addresses, each in a prefix of its own."""
    return [f"203.{number}.113.9" for number in range(count)]


def test_a_measure_that_would_hit_more_than_one_in_a_hundred_is_withheld_with_its_reason() -> None:
    """An account above new, but not yet established, was served at one of fifty hostile addresses."""
    dialogue = Dialogue()
    people(dialogue, 40)
    sources = scattered(50)
    dialogue.see(REQUEST, source=sources[7], account="ada", standing=RECENT, tokens=50)
    proposed, withheld = guess(dialogue, sources)
    assert {each.value for each in proposed} == set(sources) - {sources[7]}
    (kept,) = withheld
    assert (kept.scope, kept.value) == ("address", sources[7])
    assert "would hit 2 % of the accounts served well in the last hour" in kept.why
    assert "log-ins failed from here" in kept.reason


def test_among_many_good_accounts_one_may_be_hit_but_not_ten() -> None:
    """The share counts all measures in force together."""
    dialogue = Dialogue()
    people(dialogue, 390)
    sources = scattered(50)
    for number in range(10):
        dialogue.see(REQUEST, source=sources[number], account=f"ada{number}", standing=RECENT, tokens=50)
    proposed, withheld = guess(dialogue, sources)
    hit = {each.value for each in proposed} & set(sources[:10])
    assert len(hit) == 4  # of 400 accounts
    assert {each.value for each in withheld} == set(sources[:10]) - hit


def test_an_address_that_three_accounts_share_is_never_measured() -> None:
    """A shared address, though none of them is established and there are thousands elsewhere."""
    dialogue = Dialogue()
    people(dialogue, 2000)
    sources = scattered(40)
    for name in ("ada", "bob", "eve"):
        dialogue.see(REQUEST, source=sources[0], account=name, standing=RECENT, tokens=50)
    proposed, withheld = guess(dialogue, sources)
    assert sources[0] not in {each.value for each in proposed}
    assert [each.why for each in withheld] == [
        "3 accounts were served there in the last hour: a shared address"
    ]


def test_what_is_withheld_is_told_once() -> None:
    """Not every ten seconds, for as long as the decision would have stood."""
    dialogue = Dialogue()
    sources = scattered(40)
    dialogue.see(REQUEST, source=sources[0], account="ada", standing=PAID, tokens=50)
    _, withheld = guess(dialogue, sources, seconds=60)
    assert [each.why for each in withheld] == ["an existing account was served there lately"]


def test_many_hostile_addresses_of_one_prefix_make_a_measure_against_the_prefix() -> None:
    """Sixteen that each earned their own; then no more of them one by one."""
    dialogue = Dialogue()
    sources = [f"198.51.100.{number}" for number in range(200)]
    proposed, withheld = flood(dialogue, sources)
    addresses = [each for each in proposed if each.scope == "address"]
    (prefix,) = [each for each in proposed if each.scope == "prefix"]
    assert len(addresses) == 16
    assert prefix.value == "198.51.100.0/24"
    assert "16 sources in this prefix each earned a decision within ten minutes" in prefix.reason
    assert prefix.finding.startswith("rotating_flood:")
    assert withheld == []


def test_an_existing_user_in_the_prefix_keeps_the_measures_narrow() -> None:
    """The reason is on record."""
    dialogue = Dialogue()
    dialogue.see(REQUEST, source="198.51.100.250", account="ada", standing=PAID, tokens=50)
    sources = [f"198.51.100.{number}" for number in range(60)]
    proposed, withheld = flood(dialogue, sources)
    assert {each.value for each in proposed} == set(sources)
    assert [(each.scope, each.value) for each in withheld] == [("prefix", "198.51.100.0/24")]
    assert withheld[0].why == "an existing account was served there lately"


def test_hosts_of_one_48_are_measured_by_their_64_and_then_together() -> None:
    """The same for IPv6; an address more or less in one's own /64 makes nobody many."""
    dialogue = Dialogue()
    one_host = [f"2001:db8:1:2::{number:x}" for number in range(1, 120)]
    proposed, _ = flood(dialogue, one_host, seconds=4)
    assert [(each.scope, each.value) for each in proposed] == [("prefix", "2001:db8:1:2::/64")]
    hosts = [f"2001:db8:2:{number:x}::1" for number in range(1, 60)]
    proposed, _ = flood(Dialogue(), hosts)
    assert len([each for each in proposed if each.value.endswith("/64")]) == 16
    assert [each.value for each in proposed if each.value.endswith("/48")] == ["2001:db8:2::/48"]


def test_a_prefix_with_a_trusted_proxy_in_it_is_never_measured() -> None:
    """Its addresses are, but not the proxy."""
    dialogue = Dialogue(protected=frozenset({"198.51.100.5"}))
    sources = [f"198.51.100.{number}" for number in range(60)]
    proposed, withheld = flood(dialogue, sources)
    assert {each.value for each in proposed} == set(sources) - {"198.51.100.5"}
    assert {(each.value, each.why) for each in withheld} == {
        ("198.51.100.5", "this service itself or a proxy that it trusts"),
        ("198.51.100.0/24", "this service itself or a proxy that it trusts"),
    }


def test_in_a_dry_run_measures_are_proposed_as_such() -> None:
    """Each once, all with the mark."""
    dialogue = Dialogue(DetectionPolicy(measures_dry_run=True))
    sources = scattered(40)
    proposed, _ = flood(dialogue, sources, seconds=20)
    assert sorted(each.value for each in proposed) == sorted(sources)
    assert all(each.dry_run for each in proposed)


@settings(max_examples=25, deadline=None)
@given(
    st.sets(st.integers(0, 59), min_size=1, max_size=8),
    st.sampled_from([Standing.ESTABLISHED, Standing.PAID, Standing.OPERATOR]),
    st.booleans(),
)
def test_no_measure_ever_covers_a_place_that_is_vouched_for(
    users: set[int], standing: Standing, one_prefix: bool
) -> None:
    """Whoever attacks from there as well, by address or by prefix."""
    dialogue = Dialogue(DetectionPolicy(prefix_sources=4))
    sources = [f"198.51.{100 if one_prefix else number}.{number}" for number in range(60)]
    for number in users:
        dialogue.see(REQUEST, source=sources[number], account=f"u{number}", standing=standing, tokens=9)
    proposed, _ = flood(dialogue, sources, seconds=6)
    for measure in proposed:
        for number in users:
            assert measure.value not in (sources[number], sources[number].rpartition(".")[0] + ".0/24")
    assert {each.value for each in proposed if each.scope == "address"} == {
        source for number, source in enumerate(sources) if number not in users
    }


@settings(max_examples=30, deadline=None)
@given(st.permutations(list(range(400))), st.integers(16, 64))
def test_the_sample_is_the_same_in_whatever_order_they_came(order: list[int], capacity: int) -> None:
    """So that two nodes agree; and it never exceeds its bound."""
    samples = []
    for numbers in (range(400), order):
        good = KnownGood(capacity, 3600)
        for number in numbers:
            good.served(f"a{number}", f"10.0.{number % 50}.1", 1, T0)
        samples.append(set(good.accounts))
        assert len(good.accounts) <= capacity
        assert good.scale * len(good.accounts) == pytest.approx(400, rel=0.7)
    assert samples[0] == samples[1]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40), st.integers(0, 900)), max_size=200))
def test_its_counts_are_those_of_what_it_holds(served: list[tuple[int, int, int]]) -> None:
    """After any history: each account once at each place and prefix, nothing left of who was forgotten."""
    good = KnownGood(16, 1800)
    now = T0
    for account, place, gap in served:
        now += gap
        good.expire(now)
        good.served(f"a{account}", f"10.0.{place % 4}.{place}", 1, now)
    for number in range(41):
        address = f"10.0.{number % 4}.{number}"
        assert good.hit("address", address) == sum(address in each.places for each in good.accounts.values())
    for inside in ("10.0.0.", "10.0.1.", "10.0.2.", "10.0.3."):
        count = sum(any(p.startswith(inside) for p in each.places) for each in good.accounts.values())
        assert good.hit("prefix", f"{inside}0/24") == count
    good.expire(now + 3600)
    assert not good.accounts
    assert all(good.share("address", f"10.0.{n % 4}.{n}") == 0 for n in range(41))


def test_two_nodes_known_good_is_merged() -> None:
    """An account that both know counts once."""
    one, two = KnownGood(100, 3600), KnownGood(100, 3600)
    one.served("ada", "192.0.2.1", 1, T0)
    two.served("ada", "192.0.2.1", 1, T0 + 5)
    two.served("bob", "192.0.2.1", 1, T0 + 6)
    one.merge(two.state())
    assert one.hit("address", "192.0.2.1") == 2
    assert one.hit("account", "bob") == 1


def test_whoever_vouches_is_remembered_as_long_as_is_said_though_told_rarely() -> None:
    """The short cut within a minute must not shorten it."""
    vouched = Vouched(600)
    for second in range(0, 1200, 10):
        vouched.add("192.0.2.1", T0 + second)
    vouched.add("198.51.100.1", T0 + 1195 + 599)
    assert "192.0.2.1" in vouched
    assert "192.0.2.0/24" in vouched
