"""What is known of addresses: whose network it is, and whether it is a data centre's or a VPN's exit.

Made once from what a body has read, never changed afterwards. An IPv6 address is known by its /64, as
everywhere here: whoever has a host there has all of it (RFC 6177).
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv6Address

import msgspec

from pontlevis.brain.detection.layers import Layer, Runs

RECENT_SOURCES = 8192
"""Answers of one generation of the cache; two are kept."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """What is known of one address; each distinct one exists once."""

    asn: int
    """Number of the autonomous system; 0 where unknown."""
    data_centre: bool
    vpn: bool
    """Exit of a VPN, of a proxy service or of an anonymising network."""

    @property
    def hosted(self) -> bool:
        """No household and no office: a machine that anybody may rent or pass through."""
        return self.data_centre or self.vpn


NOWHERE = Place(0, False, False)
"""Of addresses of which nothing is known."""


class Knowledge:
    """Looks addresses up: a binary search in sorted arrays of disjoint ranges.

    ``v4`` and ``v6`` hold for each family the layers ASN, data centres and VPN exits, in this order;
    the ranges of one layer are disjoint and sorted. ``names`` says what an autonomous system is called.
    """

    __slots__ = ("_index4", "_index6", "_names", "_new", "_old", "_places", "_starts4", "_starts6", "ranges")

    def __init__(
        self,
        v4: tuple[Layer, Layer, Layer],
        v6: tuple[Layer, Layer, Layer],
        names: Mapping[int, str] | None = None,
    ) -> None:
        self._names = names if names is not None else {}
        self._places: list[Place] = [NOWHERE]
        known: dict[Place, int] = {NOWHERE: 0}
        self._starts4, self._index4 = self._overlay("I", v4, known)
        self._starts6, self._index6 = self._overlay("Q", v6, known)
        self.ranges = len(self._starts4) + len(self._starts6)
        """Ranges of both families after all layers were laid over one another."""
        self._new: dict[str, Place] = {}
        self._old: dict[str, Place] = {}

    def _overlay(
        self, code: str, layers: tuple[Layer, Layer, Layer], known: dict[Place, int]
    ) -> "tuple[array[int], array[int]]":
        """Where what is known changes, and to what. Between the layers' borders nothing does."""
        starts, index = array(code), array("I")
        for start, (asn, centre, vpn) in Runs(layers):
            if start >> 8 * starts.itemsize:
                break  # the border behind the last address there is
            place = Place(asn, bool(centre), bool(vpn))
            at = known.get(place)
            if at is None:
                at = known[place] = len(self._places)
                self._places.append(place)
            if index and index[-1] == at:
                continue
            starts.append(start)
            index.append(at)
        return starts, index

    def __bool__(self) -> bool:
        """Whether anything is known at all."""
        return self.ranges > 0

    @property
    def knows_networks(self) -> bool:
        """Whether any address's autonomous system is known."""
        return any(place.asn for place in self._places)

    def find(self, source: str) -> Place:
        """What is known of an address given as text; ``NOWHERE`` for a word that is none."""
        place = self._new.get(source)
        if place is None:
            place = self._old.get(source)
            if place is None:
                place = self._look_up(source)
            if len(self._new) >= RECENT_SOURCES:
                self._old, self._new = self._new, {}
            self._new[source] = place
        return place

    def _look_up(self, source: str) -> Place:
        if ":" in source:
            try:
                number = int(IPv6Address(source.removesuffix("/64"))) >> 64
            except ValueError:
                return NOWHERE
            starts, index = self._starts6, self._index6
        else:
            parts = source.split(".")
            if len(parts) != 4:
                return NOWHERE
            try:
                first, second, third, last = map(int, parts)
            except ValueError:
                return NOWHERE
            number = first << 24 | second << 16 | third << 8 | last
            if number >> 32:
                return NOWHERE
            starts, index = self._starts4, self._index4
        at = bisect_right(starts, number) - 1
        return self._places[index[at]] if at >= 0 else NOWHERE

    def network(self, asn: int) -> str:
        """``AS64500 (Example Net)``; without a name only the number."""
        name = self._names.get(asn, "")
        return f"AS{asn} ({name})" if name else f"AS{asn}"


def flat(ranges: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """Disjoint ranges from nested or overlapping ones ``(first, last, value)``, ordered by ``first``, the
    widest first of those that begin together: the narrower one says more, so it wins where both lie.
    """
    open_: list[tuple[int, int]] = []
    at = 0
    for first, last, value in ranges:
        while open_ and open_[-1][0] < first:
            end, held = open_.pop()
            if at <= end:
                yield at, end, held
                at = end + 1
        if open_ and at < first:
            yield at, first - 1, open_[-1][1]
        at = max(at, first) if open_ else first
        open_.append((last, value))
    while open_:
        end, held = open_.pop()
        if at <= end:
            yield at, end, held
            at = end + 1


EMPTY: tuple[Layer, Layer, Layer] = (Layer(), Layer(), Layer())
"""No ranges at all."""
