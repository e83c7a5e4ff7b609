"""API keys in other hands: used from several new networks, and far beyond what they ever did.

Neither alone says so. Honest users burst hard, a batch job more than anybody; and people travel.
Services grow into new networks too, but keep the client they have.
"""

from collections.abc import Callable
from ipaddress import ip_network
from math import ceil

from pontlevis.brain.detection import columns as c
from pontlevis.brain.detection.candidate import Candidate, Deed
from pontlevis.brain.detection.columns import total
from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.key_ledger import KeyView
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import Snapshot
from pontlevis.brain.detection.statement import Statement
from pontlevis.brain.detection.statistics import confidence
from pontlevis.brain.detection.wording import listed, number

EVERY_S = 3
"""Keys are looked at once in so many seconds while many move; what is said stands meanwhile."""
FEW = 64
"""So few keys that move are looked at every second."""
PROGRAMS = 4
"""So many clients at once that a key never had are nobody's new release, where the networks are many too."""
SCATTERED = 2
"""Times the least number of new networks from which they are so many that the client does not matter."""
MANY_KEYS = 3
"""So many keys at once are no matter of a single account any more."""

NetworkOf = Callable[[str], str | None]
"""Names the network (an autonomous system) of an address; None where it is not known."""


class LeakedKeys:
    """Looks at ten minutes of each key that moved, against its own history."""

    name = DetectorName.LEAKED_KEY

    def __init__(self, policy: DetectionPolicy, network_of: NetworkOf | None = None) -> None:
        self._policy = policy
        self.network_of = network_of
        """None while nobody knows which network an address belongs to."""
        self._said: Statement | None = None

    def look(self, snapshot: Snapshot) -> Statement | None:
        """A statement while a key is used from too many new networks and beyond its own measure."""
        if snapshot.second % EVERY_S and snapshot.ledgers.keys.on_the_move > FEW:
            return self._said
        found = []
        for view in snapshot.ledgers.keys.moving(snapshot.now, self._policy.key_networks, self._wide):
            signs = self._signs(view)
            if len(signs) >= 2:
                found.append((view, signs))
                snapshot.ledgers.keys.accuse(view.credential, snapshot.now)
        self._said = self._state(snapshot, found) if found else None
        return self._said

    def _wide(self, prefix: str) -> str:
        """The network of a /24 or /48: its autonomous system, or the /16 or /32 around it."""
        address, slash, _ = prefix.partition("/")
        known = self.network_of(address) if self.network_of is not None else None
        if known is not None or not slash:
            return known or prefix
        if ":" in prefix:
            return str(ip_network(prefix).supernet(new_prefix=32))
        return ".".join(prefix.split(".", 2)[:2]) + ".0.0/16"

    def _signs(self, view: KeyView) -> list[str]:
        """Networks first; empty unless they are too many, and somebody else's."""
        policy = self._policy
        least = policy.key_networks
        if view.networks < least or view.networks <= policy.surge_ratio * view.usual_networks:
            return []
        scattered = self.network_of is not None or view.networks >= SCATTERED * least
        if not view.clients and not scattered:
            return []
        signs = [
            f"{number(view.networks)} new networks in 10 min where {ceil(view.usual_networks)} were most"
        ]
        if view.spend_z > policy.key_spend_z:
            signs.append(f"{number(view.spend_ratio)} times its usual tokens a minute")
        if view.at_once >= max(policy.key_at_once, policy.key_at_once_ratio * view.usual_at_once):
            signs.append(
                f"{number(view.at_once)} calls at once where {number(view.usual_at_once)} were its most"
            )
        programs = view.clients >= PROGRAMS and view.networks >= SCATTERED * least
        if programs or (len(signs) >= 2 and view.clients):
            word = "client" if view.clients == 1 else "clients"
            signs.append(f"{number(view.clients)} {word} that it never had")
        return signs

    def _state(self, snapshot: Snapshot, found: list[tuple[KeyView, list[str]]]) -> Statement:
        found.sort(key=lambda pair: (-len(pair[1]), -pair[0].networks, pair[0].credential))
        worst, signs = found[0]
        tail = ""
        if len(found) > 1:
            others = [view.credential for view, _ in found[1:4]]
            more = f" and {number(len(found) - 4)} more" if len(found) > 4 else ""
            tail = f" So do {listed(others)}{more}."
        counts = snapshot.sixty
        return Statement(
            hostile=True,
            local=len(found) < MANY_KEYS,
            confidence=confidence(len(signs), 30.0 * len(found)),
            sentence=f"Key {worst.credential} of account {worst.account} shows {listed(signs)}.{tail}",
            figures={
                "keys": len(found),
                "new_networks": worst.networks,
                "spend_z": round(worst.spend_z, 2),
                "at_once": worst.at_once,
                "usual_at_once": worst.usual_at_once,
                "calls": total(counts, (c.REQUEST_OK, c.REQUEST_REFUSED)),
            },
            candidates=tuple(
                Candidate(Deed.LEAKED, "", view.account, view.networks, view.credential) for view, _ in found
            ),
        )
