"""Measures: narrow, explained, ended, and never against whom we serve."""

from __future__ import annotations

import pytest
from detection_dialogue import Dialogue
from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.brain.detection.address import Protected, measurable, place_of, prefix_of
from pontlevis.brain.detection.finding import Measure
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Standing

LOGIN, REQUEST = Kind.LOGIN, Kind.REQUEST
BAD = Outcome.BAD_CREDENTIAL


def guess(dialogue: Dialogue, source: str, *, tries: int = 10) -> list[Measure]:
    """A list of passwords tried from one source, a few a second."""
    found: list[Measure] = []
    for number in range(tries):
        dialogue.see(LOGIN, BAD, source, account=f"u{number}")
        if number % 3 == 2:
            found += dialogue.tick().measures
    return found + list(dialogue.tick().measures)


def flood(dialogue: Dialogue, sources: list[str], seconds: int) -> list[Measure]:
    """Made-up keys, each source once a second, one fingerprint."""
    found: list[Measure] = []
    for _ in range(seconds):
        for source in sources:
            dialogue.see(REQUEST, BAD, source, fingerprint=0xBAD)
        found += dialogue.tick().measures
    return found


def test_a_source_that_guesses_is_measured_with_reason_and_end() -> None:
    """Seven failures at seven accounts, one decision for an hour."""
    (measure,) = guess(Dialogue(), "203.0.113.9")
    assert (measure.scope, measure.value, measure.duration_s) == ("address", "203.0.113.9", 3600.0)
    assert "log-ins failed from here in a way that people's do not" in measure.reason


def test_during_stuffing_fewer_failures_are_enough_and_the_finding_is_named() -> None:
    """What the whole shows weighs in the single case."""
    dialogue = Dialogue()
    for second in range(5):
        for number in range(15):
            dialogue.see(LOGIN, Outcome.UNKNOWN_USER, account=f"n{second}-{number}", fingerprint=0xBAD)
        dialogue.tick()
    (measure,) = guess(dialogue, "203.0.113.9", tries=6)
    assert measure.finding.startswith("credential_stuffing:")
    assert "during an attack of that kind" in measure.reason


def test_members_of_a_flood_are_measured_once_and_again_when_the_decision_has_ended() -> None:
    """Three made-up keys each while the flood is found; no proposal twice."""
    dialogue = Dialogue(DetectionPolicy(ban_s=30.0))
    sources = [dialogue.fresh() for _ in range(40)]
    found = flood(dialogue, sources, 20)
    assert sorted(each.value for each in found) == sorted(sources)
    again = flood(dialogue, sources, 40)
    assert {each.value for each in again} == set(sources)
    assert all(each.finding.startswith("rotating_flood:") for each in found)


def test_no_more_measures_a_tick_than_the_policy_says() -> None:
    """The rest waits; nothing is lost within the bound."""
    dialogue = Dialogue(DetectionPolicy(measures_per_tick=25))
    sources = [dialogue.fresh() for _ in range(200)]
    for second in range(14):
        if second < 5:
            for source in sources:
                dialogue.see(REQUEST, BAD, source, fingerprint=0xBAD)
        assert len(dialogue.tick().measures) <= 25
    found = {each.value for judgement in dialogue.judgements for each in judgement.measures}
    assert found == set(sources)


@pytest.mark.parametrize("source", ["127.0.0.1", "::1", "10.1.2.3", "192.0.2.7", "2001:db8:1::5"])
def test_ourselves_and_trusted_proxies_are_never_measured(source: str) -> None:
    """Loopback, and what the operator trusts, by address and by prefix."""
    protected = frozenset({"10.0.0.0/8", "192.0.2.7", "2001:db8::/32"})
    assert guess(Dialogue(protected=protected), source, tries=60) == []


def test_what_is_no_address_is_never_measured() -> None:
    """A trace without addresses has words instead."""
    assert guess(Dialogue(), "client-7", tries=60) == []


def test_where_an_existing_account_was_served_nobody_is_measured() -> None:
    """A shared address with one paying user stays open, whatever else comes from there."""
    dialogue = Dialogue()
    shared = "203.0.113.9"
    dialogue.see(REQUEST, source=shared, account="user1", standing=Standing.PAID, tokens=10)
    dialogue.tick()
    assert guess(dialogue, shared, tries=60) == []
    others = [dialogue.fresh() for _ in range(40)]
    found = flood(dialogue, [*others, shared], 20)
    assert {each.value for each in found} == set(others)


def test_a_new_accounts_calls_protect_nobody() -> None:
    """A bot that signed up has a valid key too."""
    dialogue = Dialogue()
    dialogue.see(REQUEST, source="203.0.113.9", account="bot", standing=Standing.NEW, tokens=10)
    dialogue.tick()
    assert len(guess(dialogue, "203.0.113.9")) == 1


def test_a_guessers_hit_protects_nobody() -> None:
    """One right password among many wrong ones is what the attack is for."""
    dialogue = Dialogue()
    for number in range(5):
        dialogue.see(LOGIN, BAD, "203.0.113.9", account=f"v{number}")
    dialogue.see(LOGIN, Outcome.OK, "203.0.113.9", account="v6", standing=Standing.ESTABLISHED)
    dialogue.tick()
    assert len(guess(dialogue, "203.0.113.9", tries=12)) == 1


def test_measures_can_be_switched_off() -> None:
    """Findings without decisions."""
    assert guess(Dialogue(DetectionPolicy(measures=False)), "203.0.113.9", tries=60) == []


def test_an_ipv6_host_is_measured_by_its_64() -> None:
    """The host owns it, and changes within it at will."""
    (measure,) = guess(Dialogue(), "2001:db8:1:2::99")
    assert (measure.scope, measure.value) == ("prefix", "2001:db8:1:2::/64")


def test_a_protected_entry_must_be_an_address_or_a_prefix() -> None:
    """A typing error is told at the start, not during the attack."""
    with pytest.raises(ValueError, match="example"):
        Protected(frozenset({"proxy.example"}))


@pytest.mark.parametrize(
    ("source", "prefix"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2::99", "2001:db8:1::/48"),
        ("client-7", "client-7"),
        ("", ""),
        ("not:an:address", "not:an:address"),
    ],
)
def test_prefixes_of_every_sort_of_source(source: str, prefix: str) -> None:
    """Addresses have prefixes, words are their own."""
    assert prefix_of(source) == prefix


@pytest.mark.parametrize(
    ("protected", "source"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2::99"),
        ("2001:db8:1:2::/96", "2001:db8:1:2:9::9"),
        ("10.0.0.0/8", "10.9.9.9"),
    ],
)
def test_a_measure_never_covers_what_is_protected(protected: str, source: str) -> None:
    """A proxy's neighbour in the same /64 is left alone too."""
    assert source in Protected(frozenset({protected}))
    assert "203.0.113.9" not in Protected(frozenset({protected}))


def test_an_existing_user_protects_the_whole_64() -> None:
    """The measure would hit both."""
    dialogue = Dialogue()
    dialogue.see(REQUEST, source="2001:db8:1:2::7", account="user1", standing=Standing.PAID, tokens=10)
    dialogue.tick()
    assert guess(dialogue, "2001:db8:1:2::99", tries=60) == []


@settings(deadline=None)
@given(st.one_of(st.text(max_size=60), st.ip_addresses().map(str)))
def test_any_text_may_be_a_source(text: str) -> None:
    """Nothing that arrives as a source raises."""
    prefix_of(text)
    place_of(text)
    if measurable(text) is not None:
        assert (text in Protected(frozenset())) in (True, False)
