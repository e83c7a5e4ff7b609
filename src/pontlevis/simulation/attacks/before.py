"""What the brain has learned of visits before a case begins: an hour and a half of a calm town's, second by second."""

from heapq import heappop, heappush

from pontlevis.brain.detection.cluster import Table
from pontlevis.brain.detection.columns import WIDTH
from pontlevis.brain.observation import Kind, Observation, Outcome, PagePart
from pontlevis.simulation.attacks.browsing import FRONT, delays
from pontlevis.simulation.attacks.clock import START
from pontlevis.simulation.attacks.newcomers import FIRST_LOOK_S
from pontlevis.simulation.attacks.town import Town

BEFORE_S = 5400


def learn_visits(town: Town) -> None:
    """Shows them to the ledger of visits alone: nothing else of a calm town is left to learn from them."""
    visits, rng = town.detection.visits, town.browsing
    rate = town.shape.signups + town.shape.readers
    if not rate:
        return
    acts: list[tuple[float, str]] = []
    table: Table[int] = Table(1)
    due = rng.expovariate(rate)
    for second in range(BEFORE_S):
        while due < second + 1:
            source, print_, _ = town.people.reader(rng)
            at = START - BEFORE_S + due
            seen = Observation(at, Kind.PAGE, Outcome.OK, source, print_, target=FRONT, part=PagePart.VIEW)
            visits.viewed(seen, [0] * WIDTH, None, int(at), accused=False)
            for delay in delays(town):
                heappush(acts, (due + delay, source))
            if rng.random() < town.shape.signups / rate:
                heappush(acts, (due + rng.uniform(*FIRST_LOOK_S), f"@{source}"))
            due += rng.expovariate(rate)
        while acts and acts[0][0] < second + 1:
            at, source = heappop(acts)
            if source.startswith("@"):
                visits.acted(source[1:])
            else:
                visits.fetched(source, START - BEFORE_S + at)
        now = START - BEFORE_S + second + 1
        visits.judge(int(now), [0] * WIDTH, table)
        visits.learn(now)
