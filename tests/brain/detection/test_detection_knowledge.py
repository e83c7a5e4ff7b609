"""Knowledge of addresses: looked up quickly, one sign at most, and everything works without it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from detection_dialogue import Dialogue
from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.brain.detection.finding import DetectorName, Measure
from pontlevis.brain.detection.knowledge import EMPTY, NOWHERE, RECENT_SOURCES, Knowledge, Place, flat
from pontlevis.brain.detection.layers import Layer
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Standing, Verdict

SIGNUP, LOGIN = Kind.SIGNUP, Kind.LOGIN
STANDING = Standing.ESTABLISHED
LAST4 = 2**32 - 1


def number(address: str) -> int:
    return int(IPv4Address(address))


def known(*hosted: str, vpn: bool = False) -> Knowledge:
    """45.0.0.0/8 and so on belong to a data centre, or to VPN exits."""
    layer = Layer((number(f"{each}.0.0.0"), number(f"{each}.255.255.255"), 1) for each in sorted(hosted))
    asns = Layer([(number("45.0.0.0"), number("94.255.255.255"), 64500)])
    return Knowledge(
        (asns, Layer() if vpn else layer, layer if vpn else Layer()), EMPTY, {64500: "Example Net"}
    )


HOSTING = known(*(str(each) for each in range(45, 95)))
"""All of the dialogue's fresh addresses."""


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30), st.integers(1, 5)), max_size=12),
    st.integers(0, 95),
)
def test_of_ranges_that_overlap_the_narrower_one_that_began_last_says_what_holds(
    drawn: list[tuple[int, int, int]], asked: int
) -> None:
    """Disjoint, ascending, and the same as asking every range in turn."""
    ranges = sorted(((a, a + n, v) for a, n, v in drawn), key=lambda each: (each[0], -each[1]))
    flattened = list(flat(ranges))
    layer = Layer(flattened)
    said = next((v for a, b, v in flattened if a <= asked <= b), 0)
    holding = [each for each in ranges if each[0] <= asked <= each[1]]
    assert said == (holding[-1][2] if holding else 0)
    assert len(layer) == len(flattened)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, LAST4), st.integers(0, LAST4)), max_size=6),
    st.lists(st.tuples(st.integers(0, LAST4), st.integers(0, LAST4)), max_size=6),
    st.integers(0, LAST4),
)
def test_layers_over_one_another_say_what_each_says_alone(
    networks: list[tuple[int, int]], centres: list[tuple[int, int]], asked: int
) -> None:
    """At every address, borders and the last one included."""

    def layer(pairs: list[tuple[int, int]], value: int) -> Layer:
        ranges = sorted(((min(p), max(p), value) for p in pairs), key=lambda each: (each[0], -each[1]))
        return Layer(flat(ranges))

    knowledge = Knowledge((layer(networks, 7), layer(centres, 1), Layer()), EMPTY)
    borders = {end + step for pair in networks + centres for end in pair for step in (-1, 0, 1)}
    for value in {asked, 0, LAST4, *(each for each in borders if 0 <= each <= LAST4)}:
        place = knowledge.find(str(IPv4Address(value)))
        assert place.asn == (7 if any(min(p) <= value <= max(p) for p in networks) else 0)
        assert place.data_centre is any(min(p) <= value <= max(p) for p in centres)


def test_an_ipv6_address_is_known_by_its_64() -> None:
    """As text of the address, or of the /64 that stands for it."""
    first = int(IPv6Address("2001:db8:1:2::")) >> 64
    layer = Layer([(first, first, 64501)], wide=True)
    knowledge = Knowledge(EMPTY, (layer, Layer(wide=True), Layer(wide=True)))
    for source in ("2001:db8:1:2::9", "2001:db8:1:2:ffff::", "2001:db8:1:2::/64"):
        assert knowledge.find(source) == Place(64501, False, False)
    assert knowledge.find("2001:db8:1:3::9") is NOWHERE


@pytest.mark.parametrize(
    "word", ["", "client-7", "1.2.3", "1.2.3.4.5", "300.1.1.1.", "a.b.c.d", "::x", "9" * 5000, "999.1.1.1"]
)
def test_a_word_that_is_no_address_is_nowhere(word: str) -> None:
    """Nothing that arrives as a source raises."""
    assert HOSTING.find(word) is NOWHERE


@given(st.text(max_size=50))
def test_any_text_may_be_looked_up(text: str) -> None:
    """Whatever it is."""
    HOSTING.find(text)


def test_the_cache_is_bounded() -> None:
    """Two generations, however many addresses are asked for."""
    knowledge = known("45")
    for value in range(3 * RECENT_SOURCES):
        knowledge.find(f"45.0.{value >> 8}.{value & 255}")
    assert len(knowledge._new) + len(knowledge._old) <= 2 * RECENT_SOURCES
    assert knowledge.find("45.0.0.1").data_centre


def test_a_network_is_called_by_its_name_where_it_has_one() -> None:
    """Else by its number."""
    assert HOSTING.network(64500) == "AS64500 (Example Net)"
    assert HOSTING.network(64501) == "AS64501"


def crowd(dialogue: Dialogue, seconds: int, *, each: int = 12) -> None:
    """Honest sign-ups: many browsers, the large mailbox providers."""
    domains = ("gmail.com", "outlook.com", "icloud.com", "proton.me", "uni.example", "works.example")
    for second in range(seconds):
        for one in range(each):
            at = second * each + one
            dialogue.see(SIGNUP, fingerprint=1 + at % 9, domain=domains[at % len(domains)], account=f"n{at}")
        dialogue.tick()


@pytest.mark.parametrize("vpn", [False, True])
def test_a_crowd_that_comes_through_data_centres_or_vpns_is_a_crowd(vpn: bool) -> None:
    """One sign, and no more: it convicts nobody."""
    dialogue = Dialogue()
    dialogue.detection.know(known(*(str(each) for each in range(45, 95)), vpn=vpn))
    crowd(dialogue, 40)
    assert not any(judgement.hostile for judgement in dialogue.judgements)
    finding = dialogue.said(DetectorName.SIGNUP_SURGE)
    assert finding is not None
    assert (
        "come from data centres or VPN exits (usual 15 %), too little to accuse anybody" in finding.sentence
    )
    assert dialogue.judgements[-1].verdict is Verdict.CROWD


def test_with_a_second_sign_it_convicts() -> None:
    """Alike browsers alone do not, and neither does where they come from; both do."""
    verdicts = {}
    for name, knowledge in (("told", HOSTING), ("untold", None)):
        dialogue = Dialogue()
        if knowledge is not None:
            dialogue.detection.know(knowledge)
        for second in range(15):
            for one in range(8):
                domain = ("gmail.com", "outlook.com")[one % 2]
                dialogue.see(SIGNUP, fingerprint=7, domain=domain, account=f"n{second}-{one}")
            dialogue.tick()
        verdicts[name] = dialogue.judgements[-1].verdict
    assert verdicts == {"told": Verdict.ATTACK, "untold": Verdict.CROWD}


def test_failures_of_a_fault_of_ours_stay_that_when_users_sit_behind_vpns() -> None:
    """Those who were served before say so, wherever they come from."""
    dialogue = Dialogue()
    dialogue.detection.know(HOSTING)
    users = [dialogue.fresh() for _ in range(60)]
    for source in users:
        dialogue.see(Kind.REQUEST, source=source, account=source, standing=STANDING, tokens=10)
    dialogue.tick()
    for second in range(10):
        for source in users[second % 3 :: 3]:
            dialogue.see(LOGIN, Outcome.BAD_CREDENTIAL, source, account=source, fingerprint=second % 7)
        dialogue.tick()
    finding = dialogue.said(DetectorName.CREDENTIAL_STUFFING)
    assert finding is not None
    assert not finding.hostile
    assert "a fault of ours" in finding.sentence


def test_what_is_usual_here_is_no_sign() -> None:
    """A service whose users all sit behind VPNs learns so, by acts and in calm seconds."""
    dialogue = Dialogue()
    dialogue.detection.know(HOSTING)
    for second in range(400):
        for one in range(20 if second % 2 else 19):
            dialogue.see(LOGIN, account=f"u{second}-{one}", fingerprint=one % 7)
        dialogue.tick()
    assert dialogue.detection.baseline.hosted_share("logins") > 0.85
    assert dialogue.detection.baseline.hosted_share("signups") == pytest.approx(0.15)


def test_networks_are_listed_with_their_acts() -> None:
    """The busiest first, as an operator reads them; without knowledge there are none."""
    dialogue = Dialogue()
    dialogue.see(LOGIN)
    dialogue.tick()
    assert dialogue.detection.networks(5) == []
    dialogue.detection.know(HOSTING)
    for _ in range(6):
        dialogue.see(LOGIN)
        dialogue.see(LOGIN, source="8.8.4.4")
    dialogue.tick()
    assert dialogue.detection.networks(5) == [("AS64500 (Example Net)", 6, 6)]


def test_a_data_centres_prefix_is_measured_sooner() -> None:
    """Six hostile addresses of it are enough, where a household's takes sixteen."""
    for knowledge, needed in ((known("45"), 6), (known("46"), 16)):
        dialogue = Dialogue()
        dialogue.detection.know(knowledge)
        found: list[Measure] = []
        for _ in range(8):
            for one in range(40):
                dialogue.see(Kind.REQUEST, Outcome.BAD_CREDENTIAL, f"45.1.1.{one}", fingerprint=0xBAD)
            found += dialogue.tick().measures
        assert len([each for each in found if each.scope == "address"]) == needed
        assert [each.value for each in found if each.scope == "prefix"] == ["45.1.1.0/24"]
