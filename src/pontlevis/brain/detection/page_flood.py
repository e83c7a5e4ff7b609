"""Floods of pages from many addresses: whoever asks for a page and for nothing that it needs.

Volume from many sources is only the gate: a link in the news does the same. Readers' browsers load what a page
needs, and usually some of the readers go on to do something. Both are compared with what is usual here, so
that a service whose style sheets come from elsewhere is never judged by them. That nothing is loaded and that
nobody goes on are one sign where programs fetch a page, and two where browsers come of which it is known
that they load: only a change of ours would explain the one, only a dull page the other, and nothing explains both.
"""

from pontlevis.brain.detection import columns as c
from pontlevis.brain.detection.cluster import part
from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.first_visits import AGES_S, FirstVisits, Tally
from pontlevis.brain.detection.origins import hosted_sign
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import Snapshot
from pontlevis.brain.detection.statement import Statement
from pontlevis.brain.detection.statistics import Cusum, confidence, share_at_least, share_at_most
from pontlevis.brain.detection.window import SIXTY, TEN
from pontlevis.brain.detection.wording import few_fingerprints, listed, number, share

LEAST_GOING_ON = 0.01
"""Where usually fewer go on, that nobody does says nothing."""
ONE_PATH = 0.8
"""Share of visits that begin with one path when a link was shared."""
ONCE = 1.2
"""Pages a source up to which each came once, but for a retry."""
TOO_DIVERSE = 0.5
"""As many equally frequent fingerprints as half of the visits: people's leading browser alone prevents it."""
NEW_NAMES = 20
"""As for a single source: an application knows the names of its own parameters."""
_VISITS, _BARE = (c.VISITS,), (c.VISITS_BARE,)


class PageFlood:
    """Looks at ten seconds of pages, and at the visits that were judged within a minute."""

    name = DetectorName.PAGE_FLOOD

    def __init__(self, policy: DetectionPolicy) -> None:
        self._policy = policy
        self._cusum = Cusum(policy.flood_ratio, policy.surge_limit)

    def look(self, snapshot: Snapshot) -> Statement | None:
        """A statement while strangers open far more pages than usual."""
        policy, baseline = self._policy, snapshot.baseline
        visits = snapshot.ledgers.visits
        views = snapshot.ten[c.STRANGER_PAGES]
        expected = baseline.pages * max(snapshot.dt, 0.001)
        self._cusum.add(snapshot.fresh[c.STRANGER_PAGES], expected, baseline.dispersion("pages"))
        # Fewer tell where they have come for a minute.
        lasting = 2 * views >= policy.page_acts and snapshot.sixty[c.STRANGER_PAGES] >= 3 * policy.page_acts
        if not self._cusum.raised or not (views >= policy.page_acts or lasting):
            return None
        sources = visits.sources.count(snapshot.second)
        if sources < policy.flood_sources:
            return None
        ten, minute = (visits.judged(snapshot.second, seconds) for seconds in (TEN, SIXTY))
        shared = self._link_was_shared(minute)
        signs, accused = self._signs(snapshot, (ten, minute), views, sources, shared=shared)
        hostile = len(signs) >= 2
        usual = baseline.pages * TEN
        sentence = f"{number(views)} pages opened in 10 s from {number(sources)} unfamiliar sources (usual {number(usual)})"
        if signs:
            sentence += f": {listed(signs)}"
        if not hostile:
            sentence += "; one page, once from each, as programs show a link" if signs and shared else ""
            sentence += "; too little to accuse anybody"
        return Statement(
            hostile=hostile,
            confidence=confidence(len(signs), views) if hostile else 0.5,
            sentence=sentence + ".",
            figures={
                "pages": views,
                "sources": sources,
                "usual_pages": usual,
                "first_visits": minute.visits,
                "loaded": minute.loaded,
                "usual_loaded_share": round(visits.loads_all.at_least, 3),
            },
            fingerprints=accused if hostile else (),
            volume=views,
            pushing=(c.STRANGER_PAGES,),
        )

    def _signs(
        self, snapshot: Snapshot, spans: tuple[Tally, Tally], views: int, sources: int, *, shared: bool
    ) -> tuple[list[str], tuple[int, ...]]:
        policy, visits = self._policy, snapshot.ledgers.visits
        signs: list[str] = []
        browsers = next((said for each in spans if (said := self._browsers_load_nothing(visits, each))), "")
        if browsers:
            signs.append(browsers)
            nobody = next((said for each in spans if (said := self._nobody_goes_on(visits, each))), "")
            if nobody:
                signs.append(nobody)
        else:
            anybody = next((said for each in spans if (said := self._nothing_loaded(visits, each))), "")
            if anybody:
                signs.append(anybody)
        accused: tuple[int, ...] = ()
        likeness = snapshot.likeness(_BARE, SIXTY)
        if likeness.acts >= policy.page_acts and likeness.diversity > TOO_DIVERSE * likeness.acts:
            signs.append(f"hardly a fingerprint comes twice in {number(likeness.acts)} visits")
        elif not shared:
            software, accused = self._alike(snapshot)
            if software:
                signs.append(software)
            # Programs of one kind run on servers, so that where they are says nothing besides what they are.
            hosted = (
                ""
                if accused
                else hosted_sign(snapshot, policy, (c.PAGE,), snapshot.ten, "the pages' readers")
            )
            if hosted:
                signs.append(hosted)
        if views > policy.insistence * sources:
            signs.append(f"each source opens {number(views / sources)} pages in 10 s")
        names = visits.names.count(snapshot.second)
        if names >= NEW_NAMES and 2 * names > views and spans[0].top_path > ONE_PATH:
            signs.append(f"one page is asked for with ever new parameters, {number(names)} sets of names")
        return signs, accused

    def _browsers_load_nothing(self, visits: FirstVisits, judged: Tally) -> str:
        """Of visits with headers of browsers that load here."""
        usual = visits.loads.at_least
        if judged.known < self._policy.least_acts or not self._too_bare(
            judged.known_bare, judged.known, usual
        ):
            return ""
        return (
            f"{share(judged.known_bare / judged.known)} of {number(judged.known)} visits with headers of browsers that "
            f"loaded style and scripts here before load nothing now (usual {share(1 - visits.loads.ones / visits.loads.whole)})"
        )

    def _nothing_loaded(self, visits: FirstVisits, judged: Tally) -> str:
        """Of all visits, whatever they come with."""
        usual = visits.loads_all.at_least
        bare = judged.bare
        if judged.visits < self._policy.least_acts or not self._too_bare(bare, judged.visits, usual):
            return ""
        return (
            f"{share(bare / judged.visits)} of {number(judged.visits)} first visits load nothing of what a page needs "
            f"(usual {share(1 - visits.loads_all.ones / visits.loads_all.whole)})"
        )

    def _too_bare(self, bare: int, visits: int, loads: float) -> bool:
        """``loads``: the share that surely loads usually. Where few do this is never true."""
        return share_at_least(bare, visits) > 1 - loads + self._policy.page_margin

    def _nobody_goes_on(self, visits: FirstVisits, judged: Tally) -> str:
        """Of those browsers' visits that loaded nothing, at the first age that tells."""
        policy = self._policy
        for age, after_s in enumerate(AGES_S):
            usual = visits.goes_on[age]
            came, went = judged.bare_reached[age], judged.bare_went[age]
            if came < policy.least_acts or usual.at_least < LEAST_GOING_ON:
                continue
            if share_at_most(went, came) < policy.page_going_on * usual.at_least:
                return (
                    f"{number(went)} of {number(came)} went on to sign up, log in or call within {after_s} s "
                    f"(usual {share(usual.ones / usual.whole)})"
                )
        return ""

    def _link_was_shared(self, minute: Tally) -> bool:
        """Whether programs that preview one link that many servers share would look the same."""
        return (
            minute.top_path > ONE_PATH
            and minute.bare_views <= ONCE * minute.bare
            and minute.bare < self._policy.preview_sources
        )

    def _alike(self, snapshot: Snapshot) -> tuple[str, tuple[int, ...]]:
        """What the fingerprints of visits that loaded nothing tell, and whom that accuses."""
        policy = self._policy
        likeness = snapshot.likeness(_BARE, SIXTY)
        if likeness.acts >= policy.diversity_acts and likeness.diversity < policy.poor_diversity:
            accused = likeness.fingerprints
            return few_fingerprints(len(accused), likeness.share, "visits"), accused
        parted = part(
            snapshot.fingerprints,
            snapshot.sixty,
            SIXTY,
            bad=_BARE,
            whole=_VISITS,
            least=policy.cluster_acts,
            share=policy.cluster_share,
        )
        if parted.apart(policy.rest_share, policy.cluster_acts):
            accused = tuple(view.key for view in parted.condemned if view.key)
            loaded = parted.good / (parted.bad + parted.good)
            return f"of {len(accused)} fingerprints' visits {share(loaded)} load anything", accused
        return "", ()
