"""Pages: crowds that read, programs that preview, and floods."""

from collections.abc import Callable

from pontlevis.brain.observation import Kind, Outcome
from pontlevis.simulation.attacks.botnet import Botnet, Looks, Origin
from pontlevis.simulation.attacks.browsing import FRONT, STATUS
from pontlevis.simulation.attacks.case import CALM_S, Case, Stage
from pontlevis.simulation.attacks.ledger import Party
from pontlevis.simulation.attacks.page_flood import PageFlood

LAST = CALM_S + 90.0
CROWD = 40.0
SERVERS = 3_000
POLLERS = 120


def flood(
    rate: float, *, size: int = 0, origin: Origin = Origin.PROXIES, looks: Looks = Looks.PEOPLE, tools: int = 1,
    paths: int = 1, new_names: bool = False, loads: bool = False, crowd: float = 0.0,
) -> Callable[[Stage], None]:  # fmt: skip
    def play(stage: Stage) -> None:
        botnet = Botnet(stage.town, size=size, origin=origin, looks=looks, tools=tools)
        made = PageFlood(stage.town, botnet, paths=paths, new_names=new_names, loads=loads)
        start = CALM_S
        if crowd:
            stage.readers.crowd(CALM_S, LAST, rate=crowd)
            start += 20
        made.between(start, LAST - 10, rate=rate)

    return play


def _news(stage: Stage) -> None:
    stage.readers.crowd(CALM_S, LAST, rate=CROWD)


def _status(stage: Stage) -> None:
    """A quarter has the style from another day; everybody reloads the page now and then."""
    rng = stage.town.browsing

    def one() -> None:
        stage.readers.one(cached=0.25, target=STATUS, again_s=(4.0, 25.0), times=rng.randint(2, 12))

    stage.readers.crowd(CALM_S, LAST, rate=CROWD / 2, one=one)


def _cached(stage: Stage) -> None:
    """Half have everything cached; they come to log in and to chat, as newcomers do."""
    town = stage.town

    def one() -> None:
        stage.newcomers.one(cached=0.5)

    town.clock.poisson(town.rng, 8.0, one, start=CALM_S, stop=LAST - 20, rise_s=6.0)


def _fediverse(stage: Stage) -> None:
    """Servers of three programs fetch one page for a preview, most within seconds; people follow the link."""
    town, rng = stage.town, stage.town.browsing
    software = [rng.getrandbits(32) | 1 for _ in range(3)]

    def preview(source: str) -> None:
        town.see(
            Party.NEWCOMER, Kind.PAGE, Outcome.OK, source, fingerprint=rng.choices(software, (8, 2, 1))[0],
            person=f"server {source}", target=FRONT,
        )  # fmt: skip

    def server() -> None:
        source = town.people.reader(rng)[0]
        town.clock.at(CALM_S - town.clock.since + min(60.0, rng.expovariate(1 / 15)), lambda: preview(source))

    for _ in range(SERVERS):
        server()
    stage.readers.crowd(CALM_S + 5, LAST, rate=4.0)


def _pollers(stage: Stage) -> None:
    """Monitors and readers of feeds poll the front page from the first second on; then comes a crowd."""
    town, rng = stage.town, stage.town.browsing
    software = [rng.getrandbits(32) | 1 for _ in range(5)]

    def poller() -> None:
        source, print_, every = (
            town.people.reader(rng)[0],
            rng.choice(software),
            rng.choice((30.0, 60.0, 300.0)),
        )

        def poll() -> None:
            town.see(
                Party.NEWCOMER, Kind.PAGE, Outcome.OK, source, fingerprint=print_, person=source, target=FRONT
            )
            town.clock.at(every, poll)

        town.clock.at(rng.uniform(0, every), poll)

    for _ in range(POLLERS):
        poller()
    stage.readers.crowd(CALM_S, LAST, rate=CROWD)


PAGES = [
    Case("crowd-news", "crowds", "a link in the news: 40 a second read the front page and leave",
         _news, LAST, hostile=False, firm=True),
    Case("crowd-news-cdn", "crowds", "the same, where style and scripts come from somebody else's servers",
         _news, LAST, hostile=False, firm=True, assets=False),
    Case("crowd-status", "crowds", "20 a second come to the status page in an outage and reload it; a quarter has its style cached",
         _status, LAST, hostile=False, firm=True),
    Case("crowd-cached", "crowds", "8 a second sign up after a letter, half of them with everything cached",
         _cached, LAST, hostile=False, firm=True),
    Case("crowd-fediverse", "crowds", "a link shared in the fediverse: 3,000 servers fetch one page for a preview within a minute",
         _fediverse, LAST, hostile=False, firm=True),
    Case("crowd-pollers", "crowds", "120 monitors and feed readers poll the front page; then a link in the news",
         _pollers, LAST, hostile=False, firm=True),
    Case("pages", "pages", "200 pages a second from proxies, headers like people's, nothing else",
         flood(200), LAST, firm=True, seeds=0.5),
    Case("pages-20", "pages", "20 a second, the same", flood(20), LAST),
    Case("pages-crowd", "pages", "40 a second, the same, twenty seconds into a crowd of 40 readers a second",
         flood(40, crowd=CROWD), LAST),
    Case("pages-queries", "pages", "100 a second, the same, each with parameters that nobody used before",
         flood(100, new_names=True), LAST, firm=True),
    Case("pages-random", "pages", "100 a second from proxies, a new header set for each",
         flood(100, looks=Looks.RANDOM), LAST, firm=True),
    Case("pages-homes", "pages", "150 a second from 300 homes, headers like people's",
         flood(150, size=300, origin=Origin.HOMES), LAST, seeds=0.5),
    Case("pages-tool", "pages", "100 a second from proxies, one tool, five pages in turn",
         flood(100, looks=Looks.FEW, paths=5), LAST, firm=True),
    Case("pages-tool-one", "pages", "100 a second from proxies, one tool, one page: as a preview of a link",
         flood(100, looks=Looks.FEW), LAST),
    Case("pages-headless", "pages", "40 a second from proxies, headless browsers that load everything",
         flood(40, loads=True), LAST),
]  # fmt: skip
