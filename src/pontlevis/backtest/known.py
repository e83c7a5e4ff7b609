"""Who may count as familiar, where a log says nothing of accounts: whoever was served well on several days."""

from dataclasses import dataclass

from msgspec.structs import replace

from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.setting import setting
from pontlevis.brain.vocabulary import Standing

DAY_S = 86_400
_BAD = frozenset({Outcome.BAD_CREDENTIAL, Outcome.UNKNOWN_USER, Outcome.INVALID})


@dataclass(frozen=True, slots=True)
class KnownPolicy:
    """How standing is guessed from a log."""

    familiar_days: int = setting(
        3,
        unit="days",
        doc="A source, or a named account, served on so many earlier days counts as recent; 0: never.",
        source="choice: one more than standing.recent_days, since a log proves less",
    )
    established_days: int = setting(
        7,
        unit="days",
        doc="A named account served on so many earlier days counts as established; 0: never.",
        source="choice: standing.established_after_s is a week",
    )
    most_bad: float = setting(
        0.2,
        unit="share",
        doc="Nobody of whose acts a greater share failed becomes familiar.",
        source="choice: honest people fail one in five at most",
    )
    max_known: int = setting(
        65_536, unit="names", doc="Sources and accounts remembered.", source="measurement: 250 bytes each"
    )


class _Seen:
    __slots__ = ("bad", "born", "day", "days", "good")

    def __init__(self, day: int) -> None:
        self.born: float | None = None
        """When it signed up, where the log tells."""
        self.day = day
        self.days = 0
        self.good = 0
        self.bad = 0


class Known:
    """Days on which sources and accounts were served; whoever came first is forgotten first."""

    def __init__(self, policy: KnownPolicy) -> None:
        self._policy = policy
        self._seen: dict[str, _Seen] = {}

    def standing(self, o: Observation) -> Standing:
        """What ``o``'s account, or its source, had earned before; takes ``o`` into account for later."""
        name = f"@{o.account}" if o.account else o.source
        if not name:
            return Standing.ANONYMOUS
        day = int(o.at) // DAY_S
        seen = self._seen.get(name)
        if seen is None:
            if o.outcome is not Outcome.OK:
                return Standing.ANONYMOUS
            if len(self._seen) >= self._policy.max_known:
                for each in list(self._seen)[: max(1, self._policy.max_known // 8)]:
                    del self._seen[each]
            seen = self._seen[name] = _Seen(day)
        if day > seen.day:
            seen.days += seen.good > 0
            seen.day = day
        standing = self._earned(seen, o.at, named=bool(o.account))
        if o.outcome is Outcome.OK:
            seen.good += 1
            if o.kind is Kind.SIGNUP and o.account:
                seen.born = o.at
        elif o.outcome in _BAD:
            seen.bad += 1
        return standing

    def _earned(self, seen: _Seen, at: float, *, named: bool) -> Standing:
        policy = self._policy
        sound = seen.bad <= policy.most_bad * (seen.good + seen.bad)
        if sound and named and 0 < policy.established_days <= seen.days:
            return Standing.ESTABLISHED
        if sound and 0 < policy.familiar_days <= seen.days:
            return Standing.RECENT
        if not named:
            return Standing.ANONYMOUS
        # Made before the log begins, for all that is known: only who signed up in it is surely new.
        young = seen.born is not None and at - seen.born < DAY_S
        return Standing.NEW if young else Standing.RECENT


def with_standing(o: Observation, standing: Standing) -> Observation:
    """``o`` as the brain takes it. A page, and a failed log-in, vouch for nobody."""
    if standing is Standing.ANONYMOUS or (o.kind is not Kind.REQUEST and o.outcome is not Outcome.OK):
        return o
    if o.kind is Kind.SIGNUP:
        return o
    return replace(o, standing=standing.value)
