"""What the gateway tells detection of strangers' requests for pages, and which of them have loaded what pages need.

Of people with a session, a known device or a known place nothing is noted. Nor of the status pages: they come out of
memory, and a flood of their readers reaches nobody.
"""

from collections import OrderedDict
from zlib import crc32

from pontlevis.brain.observation import Outcome, PagePart
from pontlevis.brain.page_part import names_of, part_of
from pontlevis.gateway.recorder import Recorder
from pontlevis.gateway.request import Request
from pontlevis.gateway.source import counted_as

_STATIC, _SCRIPTED = "/static/", "/api/"
_STATUS = ("/status", "/api/v2/")
MOST_LOADED = 50_000  # places remembered as having loaded what a page needs; 120 bytes each


def page_part(request: Request) -> PagePart:
    """What a request is to a browser: our own paths are known, others go by their names."""
    path = request.path
    if path.startswith(_STATUS):
        return PagePart.OTHER
    if path.startswith((_STATIC, _SCRIPTED)):
        return PagePart.ASSET if request.method == "GET" else PagePart.OTHER
    return part_of(request.method, path)


def outcome_of(status: int) -> Outcome:
    """How a page's answer ended, by its status."""
    if status < 400:
        return Outcome.OK
    if status in (429, 503):
        return Outcome.REFUSED
    return Outcome.ERROR if status >= 500 else Outcome.INVALID


class Loaded:
    """Places from which something was fetched lately that a page needs, bounded, oldest out first.

    Whoever floods with pages seldom does; whoever reads them has, so they are served first of all strangers.
    """

    __slots__ = ("_most", "_seen")

    def __init__(self, most: int = MOST_LOADED) -> None:
        self._most = most
        self._seen: OrderedDict[str, None] = OrderedDict()

    def add(self, place: str) -> None:
        self._seen[place] = None
        self._seen.move_to_end(place)
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)

    def __contains__(self, place: str) -> bool:
        return place in self._seen


class PageNotes:
    """Notes each request of a stranger once, when it is known how it ends."""

    __slots__ = ("_recorder", "loaded")

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.loaded = Loaded()

    def come(self, part: PagePart, source: str) -> bool:
        """A stranger's request is there: whether its place has loaded what pages need, this request included."""
        place = counted_as(source)
        if part is PagePart.ASSET:
            self.loaded.add(place)
            return True
        return place in self.loaded

    def ended(self, request: Request, part: PagePart, outcome: Outcome, source: str, print_: int) -> None:
        """It was answered with this outcome, or its client went away."""
        if part is PagePart.VIEW:
            path, _, query = request.target.decode("latin-1").partition("?")
            names = names_of(query) if query else 0
            self._recorder.see_page(outcome, source, print_, part, crc32(path.encode()), names)
        elif part is PagePart.ASSET:
            # Which of them, and how it ended, tells nothing: that it was asked for is all.
            self._recorder.see_page(Outcome.OK, source, 0, part, 0, 0)
