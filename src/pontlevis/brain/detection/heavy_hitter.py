"""One account, place or client that takes far more of the tokens than it ever did.

That alone is news, not an accusation: existing users' batch jobs look just so. It takes two signs of
another kind to accuse: nobody but young or anonymous accounts behind it, in number, each greedier
than a person, or another finding against the same fingerprints.
"""

from math import exp

from pontlevis.brain.detection.address import prefix_of
from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.newcomers import MEMORY_S
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import Snapshot
from pontlevis.brain.detection.statement import Statement
from pontlevis.brain.detection.statistics import confidence, share_at_least
from pontlevis.brain.detection.takers import WINDOW_S, Taken
from pontlevis.brain.detection.window import TEN
from pontlevis.brain.detection.wording import listed, number, share
from pontlevis.brain.vocabulary import EXISTING, Standing

DIMENSIONS = ("account", "address", "prefix", "fingerprint")
"""One every other second, in turn."""
EVERY_S = 2
HISTORY_S = 3600.0
"""Time constant of an own usual share: last night's batch job is no news tonight, last month's is."""
KEPT = 1024
NOTED = 0.01
"""Smaller shares are not remembered."""
YOUNG_SHARE = 0.9
Key = str | int


class HeavyHitter:
    """Looks at a minute of kept calls, one dimension a second."""

    name = DetectorName.HEAVY_HITTER

    def __init__(self, policy: DetectionPolicy) -> None:
        self._policy = policy
        self._usual: dict[str, dict[Key, tuple[float, float]]] = {each: {} for each in DIMENSIONS}
        self._said: dict[str, Statement] = {}

    def look(self, snapshot: Snapshot) -> Statement | None:
        """A statement while somebody's share is far above its own."""
        if snapshot.second % EVERY_S:
            return self._loudest()
        taken = snapshot.ledgers.takers.minute(snapshot.second)
        dimension = DIMENSIONS[snapshot.second // EVERY_S % len(DIMENSIONS)]
        said = self._in(snapshot, dimension, taken)
        if said is not None:
            self._said[dimension] = said
        else:
            self._said.pop(dimension, None)
        return self._loudest()

    def _loudest(self) -> Statement | None:
        ranked = [self._said[each] for each in DIMENSIONS if each in self._said]
        return max(ranked, key=lambda each: each.hostile, default=None)

    def _in(self, snapshot: Snapshot, dimension: str, taken: list[Taken]) -> Statement | None:
        keys = _keys(dimension, taken)
        sums: dict[Key, int] = {}
        for key, each in zip(keys, taken, strict=True):
            sums[key] = sums.get(key, 0) + each.tokens
        tokens = sum(sums.values())
        best: tuple[float, Key, float, float] | None = None
        for key, asked in sums.items():
            part = asked / tokens
            if part < NOTED or not key:
                continue
            usual = self._learned(dimension, key, part, snapshot)
            if len(sums) > 1 and (best is None or part - usual > best[0]):
                best = (part - usual, key, part, usual)
        # For the first ``learning_s`` nothing is news: nobody has a history yet.
        young = snapshot.age_s < self._policy.learning_s
        if best is None or young or tokens < self._policy.hitter_tokens:
            return None
        _, key, part, usual = best
        # Kish's effective size (Survey Sampling, 1965): a few heavy calls say less than many light ones.
        size = tokens**2 / sum(each.tokens**2 for each in taken)
        if share_at_least(part * size, size) <= max(
            self._policy.hitter_share, self._policy.added_ratio * usual
        ):
            return None
        return self._state(
            snapshot,
            dimension,
            key,
            [each for own, each in zip(keys, taken, strict=True) if own == key],
            part,
            usual,
        )

    def _learned(self, dimension: str, key: Key, part: float, snapshot: Snapshot) -> float:
        """The usual share before now; the present one is learned, but for what another finding accuses."""
        table, now = self._usual[dimension], snapshot.now
        usual, at = table.pop(key, (0.0, now - EVERY_S * len(DIMENSIONS)))
        if len(table) >= KEPT:
            del table[next(iter(table))]
        # At first a plain mean of what was seen: a history of an hour takes as long to fade.
        left = exp(-(now - at) / max(EVERY_S * len(DIMENSIONS), min(HISTORY_S, snapshot.age_s)))
        faded = usual * left
        said = self._said.get(dimension)
        table[key] = (faded if said is not None and said.hostile else faded + (1 - left) * part, now)
        return usual

    def _state(
        self, snapshot: Snapshot, dimension: str, key: Key, calls: list[Taken], part: float, usual: float
    ) -> Statement:
        policy = self._policy
        tokens = sum(each.tokens for each in calls)
        young = sum(each.tokens for each in calls if each.standing <= Standing.NEW)
        existing = any(each.standing in EXISTING for each in calls)
        accounts = {each.account for each in calls}
        signs = []
        only_young = young > YOUNG_SHARE * tokens
        if only_young and len(accounts) >= policy.greedy_accounts:
            signs.append(f"{number(len(accounts))} young accounts and hardly anybody else are behind it")
        # What is greedy fades over half a minute: a minute at a person's most is twice that.
        person = max(policy.greedy_tokens, policy.greedy_ratio * snapshot.baseline.call_tokens)
        person *= WINDOW_S / MEMORY_S
        each_asks = tokens / len(accounts)
        if only_young and each_asks > 2 * person:
            signs.append(
                f"each asks for {number(each_asks)} tokens a minute where {number(person)} is a person's most"
            )
        if dimension == "fingerprint" and len(signs) == 2:
            # A common library explains both: the developers in a crowd share it, and their scripts ask for much.
            signs = [listed(signs) + " (one library that scripts use would explain that)"]
        prints = {each.fingerprint for each in calls}
        if only_young and any(snapshot.accused_elsewhere(each, self.name) for each in prints):
            signs.append("another finding accuses its fingerprint")
        hostile = len(signs) >= 2
        named = f"fingerprint {key:08x}" if isinstance(key, int) else f"{dimension} {key}"
        sentence = (
            f"{named[0].upper()}{named[1:]} takes {share(part)} of the tokens of the last minute "
            f"(its own usual {share(usual)})"
        )
        if hostile:
            sentence += f": {listed(signs)}."
        elif existing:
            sentence += "; existing users' own heavy use, which accuses nobody."
        else:
            sentence += f"{': ' if signs else ''}{listed(signs)}; too little to accuse anybody."
        return Statement(
            hostile=hostile,
            local=not hostile,
            confidence=confidence(len(signs), len(calls)) if hostile else 0.5,
            sentence=sentence,
            figures={
                "token_share": part,
                "usual_share": usual,
                "tokens": tokens,
                "accounts": len(accounts),
                "young_share": young / tokens,
            },
            fingerprints=tuple(sorted(prints)) if hostile and len(prints) <= 3 else (),
            volume=round(len(calls) * TEN / WINDOW_S),
        )


def _keys(dimension: str, taken: list[Taken]) -> list[Key]:
    """By what each kept call is counted."""
    if dimension == "account":
        # Calls without an account bear their source's name, which is the address's business.
        return ["" if each.account.startswith("anon:") else each.account for each in taken]
    if dimension == "address":
        return [each.address for each in taken]
    if dimension == "prefix":
        return [prefix_of(each.address) for each in taken]
    return [each.fingerprint for each in taken]
