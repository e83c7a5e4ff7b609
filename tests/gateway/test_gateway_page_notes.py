"""What the gateway tells of pages and of what they need, and whom it serves first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from test_gateway_bans import Door

from pontlevis.brain.observation import Observation, Outcome, PagePart
from pontlevis.brain.page_part import is_file, names_of, part_of
from pontlevis.brain.reach import Reach
from pontlevis.brain.vocabulary import Standing
from pontlevis.gateway.http import Connection
from pontlevis.gateway.page_notes import Loaded, outcome_of, page_part
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.request import Request

OTHER, VIEW, ASSET = PagePart.OTHER, PagePart.VIEW, PagePart.ASSET


@pytest.mark.parametrize(
    ("method", "path", "part"),
    [
        ("GET", "/", VIEW),
        ("GET", "/login", VIEW),
        ("GET", "/index.html", VIEW),
        ("GET", "/a.b/c", VIEW),
        ("GET", "/deep/STYLE.CSS", ASSET),
        ("GET", "/app.js", ASSET),
        ("GET", "/favicon.ico", ASSET),
        ("GET", "/robots.txt", OTHER),
        ("GET", "/feed.atom", OTHER),
        ("GET", "/dump.zip", OTHER),
        ("GET", "/api/items", OTHER),
        ("HEAD", "/", OTHER),
        ("POST", "/login", OTHER),
        ("POST", "/app.js", OTHER),
    ],
)
def test_what_is_asked_for_is_told_by_method_and_path(method: str, path: str, part: PagePart) -> None:
    """As in a log, whoever wrote it."""
    assert part_of(method, path) is part
    assert is_file(path) is path.lower().endswith((".css", ".js", ".ico", ".txt", ".atom", ".zip"))


@pytest.mark.parametrize(
    ("method", "path", "part"),
    [
        ("GET", "/register", VIEW),
        ("GET", "/static/style.css", ASSET),
        ("GET", "/static/whatever", ASSET),
        ("GET", "/api/registration", ASSET),
        ("GET", "/status", OTHER),
        ("GET", "/status/history", OTHER),
        ("GET", "/api/v2/status.json", OTHER),
        ("POST", "/api/sessions", OTHER),
    ],
)
def test_our_own_paths_are_known(method: str, path: str, part: PagePart) -> None:
    """What a page's scripts ask for is what the page needs; the status pages come out of memory."""
    request = Request()
    request.method, request.path = method, path
    assert page_part(request) is part


def test_names_of_parameters_are_told_whatever_their_order_and_values() -> None:
    """Never as if there were none."""
    assert names_of("a=1&b=2") == names_of("b=3&a=&b=9") != names_of("a=1")
    assert names_of("%61=1") == names_of("a")
    assert names_of("=") != 0


def test_an_outcome_is_told_by_status() -> None:
    """Being turned away says nothing of who asked."""
    assert {status: outcome_of(status) for status in (200, 304, 302, 404, 429, 503, 500)} == {
        200: Outcome.OK, 304: Outcome.OK, 302: Outcome.OK, 404: Outcome.INVALID, 429: Outcome.REFUSED,
        503: Outcome.REFUSED, 500: Outcome.ERROR,
    }  # fmt: skip


def test_places_that_loaded_something_are_bounded() -> None:
    """Oldest out first."""
    loaded = Loaded(2)
    for place in ("a", "b", "a", "c"):
        loaded.add(place)
    assert [place in loaded for place in "abc"] == [True, False, True]


class Desk:
    """One gateway's core before a controller that answers when a test says so."""

    def __init__(self, policy: GatewayPolicy | None = None) -> None:
        self.door = Door(policy, "detection", Reach.LOG_INS)
        self.core = self.door.core
        self.core.pages.server = cast("Any", self)
        self.asked: list[tuple[str, Any]] = []
        """Target and exchange of each request that reached the controller, in order."""
        self.statuses: list[int] = []

    def send(self, data: bytes, exchange: Any) -> Any:
        self.asked.append((data.split(b" ", 2)[1].decode(), exchange))
        return SimpleNamespace(cancel=lambda: None, hold=lambda blocked: None)

    def come(self, source: str, target: str = "/", key: str = "", method: str = "GET") -> Any:
        """A request; its connection."""
        request = Request()
        request.method, request.target = method, target.encode()
        request.path = target.partition("?")[0]
        request.headers = [(b"host", b"x"), (b"accept", b"*/*")]
        if key:
            request.headers.append((b"cookie", b"pontlevis_session=" + key.encode()))
        connection = SimpleNamespace(
            peer=source,
            task=None,
            write=lambda data: None,
            done=lambda close: None,
            answer=lambda status, body, fields=b"": self.statuses.append(status),
        )
        self.core.admit(cast("Connection", connection), request)
        assert request.refused is None
        self.core.serve(cast("Connection", connection), request)
        return connection

    def answer(self, number: int, status: int = 200) -> None:
        """The controller answers the request of this number."""
        exchange = self.asked[number][1]
        exchange.answer_begins(status, [(b"content-type", b"text/html")])
        exchange.answer_data(b"page")
        exchange.answer_ends()

    def told(self) -> list[Observation]:
        return self.core.recorder.take(1.0, None, {}).observations


def test_strangers_pages_and_what_they_need_are_told_once_when_they_are_answered() -> None:
    """With path and parameters' names; what was fetched is told without either."""
    desk = Desk()
    desk.come("192.0.2.1", "/register?utm=1")
    desk.come("192.0.2.1", "/static/style.css")
    desk.come("192.0.2.2", "/nowhere")
    assert desk.told() == []
    for number, status in enumerate((200, 304, 404)):
        desk.answer(number, status)
    page, style, nowhere = desk.told()
    assert (page.part, page.outcome, page.source, page.parameters) == (VIEW, Outcome.OK, "192.0.2.1", names_of("utm=1"))  # fmt: skip
    assert page.target != 0 != page.fingerprint
    assert (style.part, style.outcome, style.fingerprint, style.target) == (ASSET, Outcome.OK, 0, 0)
    assert (nowhere.part, nowhere.outcome) == (VIEW, Outcome.INVALID)


def test_one_that_hangs_up_or_is_turned_away_is_told_as_well() -> None:
    """A flood does not wait for its answers."""
    desk = Desk(GatewayPolicy(page_slots=2, page_slots_reserved=1, page_queue=1))
    first = desk.come("192.0.2.1")
    desk.come("192.0.2.2")
    desk.come("192.0.2.3")
    assert desk.statuses == [503]
    first.task.client_gone()
    assert [(each.source, each.outcome) for each in desk.told()] == [
        ("192.0.2.3", Outcome.REFUSED),
        ("192.0.2.1", Outcome.OK),
    ]


def test_people_who_are_known_are_not_told_of() -> None:
    """Neither by their place nor by their session."""
    desk = Desk()
    desk.core.known_sources.learn("192.0.2.7")
    desk.come("192.0.2.7")
    desk.answer(0)
    assert desk.told() == []


def test_status_pages_and_forms_are_not_told_as_pages() -> None:
    """What is posted is told by those who read it."""
    desk = Desk()
    desk.come("192.0.2.1", "/status")
    desk.come("192.0.2.1", "/register", method="POST")
    desk.answer(0)
    desk.answer(1)
    assert desk.told() == []


def test_whoever_loads_what_pages_need_is_served_before_other_strangers_and_after_the_known() -> None:
    """Those who flood with pages load nothing; nobody is turned away for it while there is room."""
    desk = Desk(GatewayPolicy(page_slots=2, page_slots_reserved=1, page_queue=8))
    desk.come("192.0.2.1", "/first")
    for number in range(4):
        desk.come(f"198.51.100.{number}", f"/flood{number}")
    desk.come("192.0.2.2", "/static/style.css")
    desk.come("192.0.2.2", "/read")
    desk.core.known_sources.learn("192.0.2.7")
    desk.come("192.0.2.7", "/known")
    assert [target for target, _ in desk.asked] == ["/first", "/known"]
    for number in range(8):
        desk.answer(number)
    assert [target for target, _ in desk.asked] == [
        "/first", "/known", "/static/style.css", "/read", "/flood0", "/flood1", "/flood2", "/flood3",
    ]  # fmt: skip


def test_a_key_opens_pages_where_a_decision_closes_them() -> None:
    """Pages without a session, that is."""
    door = Door(None, "detection", Reach.PAGES)
    assert door.knock(path="/") == 403
    assert door.knock(door.keys[Standing.RECENT], path="/") == 0
    assert door.knock("pl-made-up", path="/") == 403
