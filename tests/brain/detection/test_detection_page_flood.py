"""Dialogues about floods of pages, and about crowds that read them."""

from __future__ import annotations

import msgspec
import pytest
from detection_dialogue import T0, Dialogue
from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.brain.detection.cluster import Table
from pontlevis.brain.detection.columns import VISITS, VISITS_BARE, WIDTH
from pontlevis.brain.detection.detection import Detection, DetectionState
from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.detection.first_visits import AGES_S, FirstVisits, Tally
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Observation, Outcome, PagePart
from pontlevis.brain.posture.evidence import Evidence
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.reach import Reach
from pontlevis.brain.vocabulary import Posture, Standing, Verdict

DETECTOR = DetectorName.PAGE_FLOOD
VIEW, ASSET = PagePart.VIEW.value, PagePart.ASSET.value
BROWSERS = range(101, 113)
"""Twelve header sets, equally frequent: as diverse as people's."""
FRONT = 0xF0


class Site(Dialogue):
    """A service whose pages people open."""

    def open(self, source: str = "", *, fingerprint: int = 101, outcome: Outcome = Outcome.OK, target: int = FRONT, parameters: int = 0) -> str:  # fmt: skip
        """Somebody opens a page."""
        source = source or self.fresh()
        self.see(Kind.PAGE, outcome, source, fingerprint=fingerprint, target=target, parameters=parameters, part=VIEW)  # fmt: skip
        return source

    def load(self, source: str) -> None:
        """A browser fetches what the page needs."""
        self.see(Kind.PAGE, source=source, fingerprint=0, part=ASSET)

    def second(self, visits: int, *, loads: bool = True, goes_on: bool = False) -> None:
        """So many people come within a second."""
        for number in range(visits):
            source = self.open(fingerprint=BROWSERS[(number + int(self.now)) % len(BROWSERS)])
            if loads:
                self.load(source)
            if goes_on:
                self.see(Kind.SIGNUP, source=source, account=f"a{source}", domain=f"d{number}.example")

    def calm(self, seconds: int = 240, *, loads: bool = True) -> None:
        """A visitor a second; one of three goes on at once."""
        for second in range(seconds):
            self.second(1, loads=loads, goes_on=second % 3 == 0)
            self.tick()

    def flood(self, seconds: int, rate: int = 30, *, prints: range = BROWSERS, paths: int = 1) -> None:
        """Pages from fresh addresses, and nothing that they need."""
        for _ in range(seconds):
            for number in range(rate):
                self.open(fingerprint=prints[number % len(prints)], target=FRONT + number % paths)
            self.tick()

    @property
    def finding(self) -> Finding:
        found = self.said(DETECTOR)
        assert found is not None
        return found

    @property
    def accused(self) -> bool:
        return any(
            each.hostile
            for judgement in self.judgements
            for each in judgement.findings
            if each.detector is DETECTOR
        )


def test_browsers_that_load_nothing_and_do_nothing_are_a_flood() -> None:
    """Two signs of headers that are known to load here; nobody is named who came once."""
    site = Site()
    site.calm()
    site.flood(12)
    assert site.finding.hostile
    assert site.finding.sentence.startswith(
        "270 pages opened in 10 s from 270 unfamiliar sources (usual 10): "
    )
    assert "visits with headers of browsers that loaded style and scripts here before load nothing now (usual 0 %)" in site.finding.sentence  # fmt: skip
    assert " went on to sign up, log in or call within 4 s (usual 3" in site.finding.sentence
    assert site.judgements[-1].verdict is Verdict.ATTACK
    assert not any(judgement.measures for judgement in site.judgements)
    site.quiet(45)
    assert site.said(DETECTOR) is None


def test_it_is_one_witness() -> None:
    """The posture is raised, and not further by it alone."""
    site = Site()
    site.calm()
    evidence = Evidence(PosturePolicy())
    site.flood(20)
    for judgement in site.judgements:
        evidence.take(judgement.at, judgement)
    assert evidence.concern(site.now) is not None
    assert evidence.attack(site.now) is None


def test_people_who_read_and_leave_are_a_crowd() -> None:
    """A link in the news: nobody goes on, but every browser loads what the page needs."""
    site = Site()
    site.calm()
    for _ in range(40):
        site.second(40)
        site.tick()
        assert not site.accused
    assert site.judgements[-1].verdict is Verdict.CROWD
    assert "360 pages opened by strangers in 10 s where " in site.judgements[-1].reason


def test_people_who_have_it_all_cached_are_not_accused() -> None:
    """They load nothing, and go on as people do."""
    site = Site()
    site.calm()
    for _ in range(40):
        site.second(20, loads=False, goes_on=True)
        site.tick()
        assert not site.accused


def test_a_service_whose_style_comes_from_elsewhere_is_not_judged_by_it() -> None:
    """Nobody was ever seen to load anything."""
    site = Site()
    site.calm(loads=False)
    for _ in range(40):
        site.second(40, loads=False)
        site.tick()
    assert not site.accused
    assert site.finding.sentence.endswith("; too little to accuse anybody.")
    assert ":" not in site.finding.sentence


def test_where_nothing_was_learned_nothing_is_said_of_it() -> None:
    """A first start into the middle of a flood: volume alone accuses nobody."""
    site = Site()
    site.flood(40)
    assert not site.accused


def test_servers_that_preview_a_shared_link_are_said_and_not_accused() -> None:
    """Once from each, all of the same page, of a program or two; people follow the link."""
    site = Site()
    site.calm()
    for _ in range(40):
        site.flood(1, 60, prints=range(7, 9))
        site.second(3)
    assert not site.accused
    assert "once from each, as programs show a link; too little" in site.finding.sentence
    assert "first visits load nothing of what a page needs (usual 0 %)" in site.finding.sentence


def test_more_servers_than_any_link_brings_are_accused_and_so_is_a_program_that_opens_several_pages() -> None:
    """What explains a preview explains neither."""
    many = Site(DetectionPolicy(preview_sources=500))
    many.calm()
    many.flood(30, 60, prints=range(7, 8))
    assert many.finding.hostile
    assert "1 fingerprint shares 100 % of the visits" in many.finding.sentence
    assert many.finding.fingerprints == (7,)
    several = Site()
    several.calm()
    several.flood(12, prints=range(7, 8), paths=5)
    assert several.finding.hostile


def test_header_sets_made_up_for_each_try_are_a_sign() -> None:
    """People share theirs: a twelfth of them has each."""
    site = Site()
    site.calm()
    for second in range(10):
        site.flood(1, prints=range(10_000 + 50 * second, 10_050 + 50 * second))
    assert site.finding.hostile
    assert "hardly a fingerprint comes twice" in site.finding.sentence


def test_ever_new_parameters_on_one_page_are_a_sign() -> None:
    """No cache knows any of them."""
    site = Site()
    site.calm()
    for second in range(8):
        for number in range(30):
            site.open(fingerprint=BROWSERS[number % 12], parameters=1 + 100 * second + number)
        site.tick()
    assert site.finding.hostile
    assert "one page is asked for with ever new parameters" in site.finding.sentence


def test_a_flood_beside_a_crowd_is_found() -> None:
    """One to one: the people's half loads what it needs."""
    site = Site()
    site.calm()
    for _ in range(20):
        site.second(30)
        site.tick()
    assert not site.accused
    for _ in range(20):
        site.second(30)
        site.flood(1)
    assert site.finding.hostile


def test_headless_browsers_that_load_everything_are_not_seen() -> None:
    """A limit: they look as readers do."""
    site = Site()
    site.calm()
    for _ in range(30):
        site.second(60)
        site.tick()
    assert not site.accused


def test_who_insists_earns_a_measure_that_closes_pages_alone() -> None:
    """Not a place where an existing user was served, nor one from which anything was loaded."""
    site = Site()
    site.calm()
    houses = [site.fresh() for _ in range(60)]
    site.served([7])
    readers = [site.fresh()]
    for _ in range(30):
        for number, house in enumerate([*houses, *readers, "10.0.0.7"]):
            site.open(house, fingerprint=BROWSERS[number % 12])
        site.load(readers[0])
        site.flood(1, 20)
    measures = [each for judgement in site.judgements for each in judgement.measures]
    assert {each.value for each in measures} == set(houses)
    assert {each.reach for each in measures} == {Reach.PAGES}
    assert measures[0].reason == (
        "10 pages were opened from here in half a minute, and nothing of what they need was loaded during an attack of "
        "that kind."
    )


def test_those_who_got_no_page_have_nothing_to_load() -> None:
    """A full service turns people away: they are in number, and no visits."""
    site = Site()
    site.calm()
    for _ in range(30):
        for number in range(40):
            site.open(fingerprint=BROWSERS[number % 12], outcome=Outcome.REFUSED)
        site.tick()
    assert not site.accused
    assert site.finding.figures["first_visits"] <= 60


def test_what_was_learned_outlives_a_restart() -> None:
    """As the controller keeps it."""
    before = Site()
    before.calm()
    state = msgspec.msgpack.encode(before.detection.state(before.now))
    after = Site()
    after.now = before.now + 60
    after.detection.restore(msgspec.msgpack.decode(state, type=DetectionState), after.now)
    after.flood(12)
    assert after.finding.hostile


def test_a_state_of_before_is_taken_up_without_visits() -> None:
    """An older service kept none."""
    state = msgspec.to_builtins(Detection(DetectionPolicy()).state(T0))
    del state["visits"]
    kept = msgspec.convert(state, DetectionState)
    Detection(DetectionPolicy()).restore(kept, T0)
    assert kept.visits is None


def test_a_flood_teaches_nothing() -> None:
    """Nor what led up to it: the shares are those of the calm before."""
    site = Site()
    site.calm()
    visits = site.detection.visits
    before = visits.loads_all.ones / visits.loads_all.whole
    site.flood(60)
    site.posture = Posture.ELEVATED
    site.flood(60)
    assert visits.loads_all.ones / visits.loads_all.whole == pytest.approx(before)
    assert not visits._loads(999)


def test_a_program_behind_a_readers_address_is_no_browser() -> None:
    """Now and then it seems to load something: less than half of the time."""
    site = Site()
    site.calm(60)
    for second in range(120):
        source = site.open(fingerprint=7)
        if second % 4 == 0:
            site.load(source)
        site.second(1)
        site.tick()
    site.quiet(40)
    assert site.detection.visits._loads(101)
    assert not site.detection.visits._loads(7)


def test_it_can_be_tried_and_switched_off() -> None:
    """On trial it is heard and moves nothing."""
    for policy in (
        DetectionPolicy(detectors_dry_run=("page_flood",)),
        DetectionPolicy(detectors_off=("page_flood",)),
    ):
        site = Site(policy)
        site.calm()
        site.flood(12)
        assert {judgement.verdict for judgement in site.judgements} == {Verdict.CALM}
        said = site.said(DETECTOR)
        assert (said is not None and said.dry_run) == bool(policy.detectors_dry_run)
        assert not site.accused


def test_existing_users_at_home_are_no_visitors() -> None:
    """Their places are familiar."""
    site = Site()
    site.served(range(1, 100))
    for _ in range(30):
        for user in range(1, 100):
            site.open(f"10.0.0.{user}")
        site.tick()
        assert site.said(DETECTOR) is None


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["view", "fetch", "act", "tick"]),
        st.integers(0, 30),
        st.integers(0, 5),
        st.integers(0, 3),
    ),
    max_size=300,
)


@given(ACTS, st.integers(1, 40))
@settings(max_examples=150)
def test_every_visit_is_judged_once_and_nothing_grows(
    acts: list[tuple[str, int, int, int]], room: int
) -> None:
    """Whatever comes in whatever order: counts agree with one another and stay within their bounds."""
    policy = DetectionPolicy(max_visits=32 * room, max_browsers=4)
    visits, second, slot = FirstVisits(policy), int(T0), [0] * WIDTH
    table: Table[int] = Table(8)
    whole = Tally(0)
    came = 0

    def judge() -> None:
        visits.judge(second, slot, table)
        whole.add(visits._tallies[-1])
        visits.learn(second)

    for act, number, print_, steps in acts:
        source = f"192.0.2.{number}"
        if act == "view":
            before = len(visits.open)
            seen = Observation(second, Kind.PAGE, Outcome.OK, source, print_, target=steps, part=VIEW)
            visits.viewed(seen, slot, None, second, accused=True)
            came += len(visits.open) - before
        elif act == "fetch":
            visits.fetched(source, second)
        elif act == "act":
            visits.acted(source)
        else:
            second += steps
            judge()
        assert len(visits.open) <= policy.max_visits
        assert len(visits._prints) <= policy.max_browsers
    second += 2 * AGES_S[-1]
    judge()
    assert not visits.open
    assert whole.visits == came == slot[VISITS]
    assert whole.bare == slot[VISITS_BARE]
    assert sum(whole.paths.values()) == whole.bare
    assert 0 <= whole.known_bare <= whole.known <= whole.visits
    for age in range(len(AGES_S)):
        assert whole.went[age] <= whole.reached[age] == whole.known
        assert whole.bare_went[age] <= whole.bare_reached[age] == whole.known_bare
    assert list(whole.went) == sorted(whole.went)


@given(st.integers(3, 60), st.integers(0, 60), st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_crowd_that_loads_as_usual_is_never_accused(rate: int, more: int, goes_on: bool) -> None:
    """However large it is, and whether it goes on or not."""
    site = Site()
    site.calm(120)
    for second in range(25):
        site.second(rate + more * (second > 12), goes_on=goes_on and second % 2 == 0)
        site.tick()
    assert not site.accused


def test_strangers_behind_a_proxy_of_ours_keep_their_standing() -> None:
    """A page that an account above new opened is nobody's first visit."""
    site = Site()
    site.see(Kind.PAGE, source="203.0.113.1", account="a", standing=Standing.ESTABLISHED, part=VIEW)
    assert not site.detection.visits.open
