"""Where acts come from, as far as that is known: autonomous systems, data centres, VPN exits.

A share of data centres and VPN exits far above usual is one hostile sign and never two: honest
developers call from servers, honest people hide behind VPNs. So it is compared with what is usual for
the same kind of act here, and of itself it accuses nobody.
"""

from pontlevis.brain.detection import columns as c
from pontlevis.brain.detection.cluster import Row, Table, View
from pontlevis.brain.detection.columns import HOSTED, LOGIN_FAILURES, SIGNUPS, TURNED_AWAY, Counts, total
from pontlevis.brain.detection.knowledge import EMPTY, Knowledge, Place
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import Snapshot
from pontlevis.brain.detection.statistics import share_at_least
from pontlevis.brain.detection.wording import share
from pontlevis.brain.observation import Observation

SORTS = {
    SIGNUPS: (c.HOSTED_SIGNUPS, "signups"),
    LOGIN_FAILURES: (c.HOSTED_FAILURES, "logins"),
    TURNED_AWAY: (c.HOSTED_AWAY, "requests"),
    (c.PAGE,): (c.HOSTED_PAGES, "pages"),
}
"""Acts that may be judged by their share of data centres: its column, and what is usual for it."""
BUSIEST_ASNS = 24


class Origins:
    """Counts acts by what is known of their source; without knowledge it does nothing."""

    __slots__ = ("_asns", "knowledge", "known")

    def __init__(self, policy: DetectionPolicy) -> None:
        self.knowledge = Knowledge(EMPTY, EMPTY)
        self.known = False
        """Whether there is anything to look up."""
        self._asns: Table[int] = Table(policy.max_asns)

    def learn(self, knowledge: Knowledge) -> None:
        """Takes what a body has read; counts go on."""
        self.knowledge = knowledge
        self.known = bool(knowledge)

    def take(self, o: Observation, column: int, slot: Counts, row: Row | None, second: int) -> None:
        """Counts one observation by its network, and where it is hosted in everyone's and the cluster's
        counts, ``slot`` and ``row``."""
        place = self.knowledge.find(o.source)
        if place.asn:
            own = self._asns.row(place.asn, second, o.count)
            if own is not None:
                own.slot[column] += o.count
        else:
            own = None
        if not (place.data_centre or place.vpn):
            return
        for hosted in HOSTED.get(column, ()):
            slot[hosted] += o.count
            if row is not None:
                row.slot[hosted] += o.count
            if own is not None:
                own.slot[hosted] += o.count

    def network_of(self, address: str) -> str | None:
        """``AS64500``; None where it is not known."""
        asn = self.knowledge.find(address).asn
        return f"AS{asn}" if asn else None

    def place(self, source: str) -> Place:
        """What is known of a source."""
        return self.knowledge.find(source)

    def busiest(self, second: int) -> list[View[int]]:
        """The autonomous systems with the most acts lately, heaviest first."""
        return self._asns.busiest(second, BUSIEST_ASNS) if self.known else []

    def listed(self, second: int, most: int) -> list[tuple[str, int, int]]:
        """What the busiest are called, their acts of a minute, and how many of them were hosted."""
        hosted = (c.HOSTED_SIGNUPS, c.HOSTED_LOGINS, c.HOSTED_REQUESTS)
        acts = (*c.SIGNUPS, *c.LOGINS, *c.REQUESTS)
        return [
            (self.knowledge.network(view.key), total(view.sixty, acts), total(view.sixty, hosted))
            for view in self.busiest(second)[:most]
        ]

    def prune(self, second: int) -> None:
        """Forgets who is idle; call every few seconds."""
        self._asns.prune(second)


def hosted_sign(
    snapshot: Snapshot, policy: DetectionPolicy, acts: tuple[int, ...], counts: Counts, whose: str
) -> str:
    """The sign that surely far more of these acts than usual come from data centres and VPN exits, or
    empty. ``acts``: one of ``SORTS``; ``counts``: everyone's or a cluster's; ``whose``: ``the sign-ups``.
    """
    column, kind = SORTS[acts]
    number, hosted = total(counts, acts), counts[column]
    if number < policy.hosted_acts or not hosted:
        return ""
    usual = snapshot.baseline.hosted_share(kind)
    if share_at_least(hosted, number) <= max(policy.hosted_share, usual + policy.hosted_margin):
        return ""
    return f"{share(hosted / number)} of {whose} come from data centres or VPN exits (usual {share(usual)})"
