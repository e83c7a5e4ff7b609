"""Where accounts are served: familiar places, those that existing accounts vouch for, and who may say so."""

from collections.abc import Iterable

from pontlevis.brain.detection.familiar import Familiar, FamiliarState
from pontlevis.brain.detection.good import GoodRow, Vouched
from pontlevis.brain.places import PlaceBudget


class Homes:
    """Lets an account speak for a few new places in half a day, and for those that are known as often as it likes."""

    __slots__ = ("_budget", "_familiar", "_vouched")

    def __init__(self, familiar: Familiar, vouched: Vouched, places_per_account: int, keep_s: float) -> None:
        self._familiar = familiar
        self._vouched = vouched
        self._budget = PlaceBudget(places_per_account, keep_s)

    def served(self, account: str, source: str, at: float, *, vouches: bool) -> bool:
        """An account above new was served there, one that ``vouches`` an existing user's; whether its word counts."""
        if not (vouches and self._vouched.is_recent(source)):
            known = source in (self._vouched if vouches else self._familiar)
            if not known and not self._budget.take(account, at):
                return False
        self._familiar.add(source, at)
        if vouches:
            self._vouched.add(source, at)
        return True

    def known_before(
        self, rows: Iterable[GoodRow], places: tuple[FamiliarState, FamiliarState] | None, now: float
    ) -> bool:
        """Takes up familiar and vouched places, and those of accounts known good; whether the familiar ones still held."""
        held = False
        if places is not None:
            held = self._familiar.restore(places[0], now)
            self._vouched.restore(places[1], now)
        for row in sorted(rows, key=lambda each: each.at):
            for place in row.places:
                self._familiar.add(place, row.at)
                if row.vouches:
                    self._vouched.add(place, row.at)
        return held
