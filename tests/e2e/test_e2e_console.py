"""The operator's console in a real browser: it is live, it acts, it is for everybody's screen and role."""

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from playwright.sync_api import Browser, expect

from .browser import PHONE, Visitor
from .conftest import Running, wait_for

PASSWORD = "three quiet herons"
RENEWED_MS = 60_000
PAGES = (
    "/", "/incidents", "/registration", "/accounts", "/policy", "/reports", "/audit", "/mailbox", "/operators", "/respond", "/safety", "/account",
)  # fmt: skip
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Collector:
    """Takes OTLP over HTTP and keeps the spans."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                for part in ExportTraceServiceRequest.FromString(body).resource_spans:
                    for scope in part.scope_spans:
                        outer.spans.extend(scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1/traces"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Running]:
    """One service for the whole module, whose calls are all traced."""
    tracing = {
        "PONTLEVIS_TRACING__ENDPOINT": collector.endpoint,
        "PONTLEVIS_TRACING__SHARE": "1",
        "PONTLEVIS_TRACING__EXPORT_EVERY_S": "0.2",
    }
    running = Running(tmp_path_factory.mktemp("console") / "data", environment=tracing).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def logged_in(browser: Browser, console: Running) -> str:
    """The first operator's cookie."""
    link = re.search(rf"{re.escape(console.operator_url)}/setup\?token=\S+", console.log)
    assert link is not None, console.log
    visitor = Visitor(browser)
    visitor.page.goto(link.group())
    visitor.page.fill("#email", "operator@example.com")
    visitor.page.fill("#password", PASSWORD)
    visitor.page.click("main button")
    expect(visitor.page.locator("#posture")).to_be_visible()
    token = next(each["value"] for each in visitor.context.cookies() if each["name"] == "pontlevis_operator")
    visitor.close()
    return token


def opened(browser: Browser, service: Running, cookie: str, path: str = "/", **options: object) -> Visitor:
    """The operator at one of the console's pages."""
    visitor = Visitor(browser, **options)  # type: ignore[arg-type]
    visitor.context.add_cookies(
        [{"name": "pontlevis_operator", "value": cookie, "url": service.operator_url, "sameSite": "Strict"}]
    )
    visitor.page.goto(service.operator_url + path)
    return visitor


def asked(service: Running, key: str, **headers: str) -> None:
    body = {"model": "pontlevis-sim", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
    fields = {"authorization": f"Bearer {key}", **headers}
    httpx.post(f"{service.url}/v1/chat/completions", json=body, headers=fields).raise_for_status()


def test_a_console_that_stays_open_tells_of_an_attack(
    browser: Browser, console: Running, logged_in: str
) -> None:
    """Load as lines, posture, incident and decisions come by themselves; what is being written stays."""
    visitor = opened(browser, console, logged_in, size=PHONE)
    page = visitor.page
    key = console.key()
    for _ in range(3):
        asked(console, key)
    expect(page.locator("#plot-admitted .lines path.s4")).to_have_count(1, timeout=RENEWED_MS)
    expect(page.locator("#served")).to_have_text("100.0\u00a0%")
    expect(page.locator("#engine-list")).to_contain_text("well", timeout=RENEWED_MS)
    console.operate("POST", "/api/posture", {"posture": "under_attack", "reason": "a rehearsal"})
    ban = {"scope": "address", "value": "192.0.2.7", "reason": "a <b>scraper</b>", "duration_s": 600}
    assert console.operate("POST", "/api/decisions", ban).status_code == 201
    expect(page.locator("#posture-word")).to_have_text("Under attack")
    expect(page).to_have_title(re.compile("^Under attack"))
    expect(page.locator("#registration")).to_have_text("Suspended")
    expect(page.locator("#posture-held")).to_contain_text("private socket until 20")
    expect(page.locator("#decisions")).to_contain_text("a <b>scraper</b>", timeout=RENEWED_MS)
    expect(page.locator("#incidents")).to_contain_text("The service is under attack.", timeout=RENEWED_MS)
    expect(page.locator("#history")).to_contain_text("a rehearsal", timeout=RENEWED_MS)
    expect(page.locator("#plot-admitted rect.band.under_attack")).to_have_count(1, timeout=RENEWED_MS)
    update = page.locator("#incidents form[action$='/updates'] textarea[name=body_en]")
    update.fill("We are looking")
    page.locator("h2").first.click()
    more = {"scope": "address", "value": "192.0.2.8", "reason": "another", "duration_s": 600}
    console.operate("POST", "/api/decisions", {**more, "reach": "log_ins"})
    expect(page.locator("#decisions")).to_contain_text("another", timeout=RENEWED_MS)
    expect(update).to_have_value("We are looking")
    page.click("text=Post the update")
    expect(page.locator("#incidents .entries li").first).to_contain_text("operator@example.com")
    page.locator("#decisions summary", has_text="another").click()
    expect(page.locator("#decisions")).to_contain_text("only log-ins")
    row = page.locator("#decisions li", has_text="192.0.2.8")
    row.locator("input[name=reason]").fill("a colleague's office")
    row.get_by_role("button", name="Lift 192.0.2.8").click()
    expect(page.locator("#decisions")).not_to_contain_text("another")
    page.goto(console.operator_url + "/audit?words=colleague")
    expect(page.locator("#audit")).to_contain_text("decision:source:lifted")
    assert visitor.overflow() <= 0
    assert visitor.complaints == []
    visitor.close()


def test_a_decision_a_range_and_a_policy_by_hand(browser: Browser, console: Running, logged_in: str) -> None:
    """What an operator does most, on one screen each."""
    visitor = opened(browser, console, logged_in)
    page = visitor.page
    page.click("#decisions >> text=Add a decision by hand")
    page.fill("#d-value", "198.51.100.9")
    page.fill("#d-reason", "scans")
    page.click("text=Put it in force")
    expect(page.locator("#decisions")).to_contain_text("scans")
    page.click(".ranges >> text=1 h")
    expect(page.locator(".ranges a[data-last='60']")).to_have_attribute("aria-current", "true")
    page.goto(console.operator_url + "/policy")
    page.fill("#policy", "[posture]\nelevated_calm_s = 321.0\n")
    page.click("text=Say what it would have done")
    expect(page.locator("#rehearsal")).to_contain_text("posture.elevated_calm_s")
    page.fill("#policy", "[posture]\nnonsense = 1\n")
    page.click("text=Say what it would have done")
    expect(page.locator("#problems")).to_contain_text("nonsense")
    assert visitor.complaints == []
    visitor.close()


def test_a_report_is_seen_and_does_not_act(browser: Browser, console: Running, logged_in: str) -> None:
    """Its figures are shown; its script does not run."""
    folder = Path(console.data) / "reports"
    folder.mkdir(exist_ok=True)
    (folder / "drill.html").write_text(
        "<p>Goodput 99.7</p><script>document.body.textContent='taken'</script>"
    )
    (folder / "drill.json").write_text(json.dumps({"seed": 1, "existing_goodput_ratio": 0.997}))
    visitor = opened(browser, console, logged_in, "/reports")
    visitor.page.click("text=drill.html")
    frame = visitor.page.frame_locator("iframe.report")
    expect(frame.locator("p")).to_have_text("Goodput 99.7")
    visitor.page.goto(console.operator_url + "/reports/drill.json")
    expect(visitor.page.locator("main")).to_contain_text("0.997")
    assert all("sandbox" in each or "Content Security Policy" in each for each in visitor.complaints)
    visitor.close()


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), ((1280, 900), "light")])
def test_every_page_fits_every_screen(
    browser: Browser, console: Running, logged_in: str, size: tuple[int, int], scheme: str
) -> None:
    """In both languages nothing is wider than the window, nothing is untranslated, every field has a name."""
    visitor = opened(browser, console, logged_in, size=size, scheme=scheme, language="fr-FR")
    for path in PAGES:
        visitor.page.goto(console.operator_url + path)
        assert visitor.overflow() <= 0, path
        text = visitor.page.inner_text("body")
        assert not re.search(r"\b(con|op|status|error)\.[a-z_0-9]+\b", text), (path, text)
        unnamed = visitor.page.eval_on_selector_all(
            "input:not([type=hidden]), select, textarea",
            "found => found.filter((each) => !each.labels?.length && !each.ariaLabel).map((each) => each.outerHTML)",
        )
        assert unnamed == [], path
    assert visitor.complaints == []
    visitor.close()


def test_a_viewer_without_scripts_sees_all_and_can_do_nothing(
    browser: Browser, console: Running, logged_in: str
) -> None:
    """Plots and figures are in the page itself; no form but the questions is offered, and none is taken."""
    asked(console, console.key())
    console.operate("POST", "/api/posture", {"posture": "under_attack", "reason": "a rehearsal"})
    wait_for(
        lambda: any(console.operate("GET", "/api/series").json()["columns"]["admitted_paid"]),
        20,
        lambda: "the call is in no step",
    )
    console.key("viewer@example.com", paid=False)
    made = console.operate("PUT", "/api/operators", {"email": "viewer@example.com", "role": "admin"})
    assert made.status_code == 200, made.text
    lowered = console.operate("PUT", "/api/operators", {"email": "operator@example.com", "role": "viewer"})
    assert lowered.status_code == 200, lowered.text
    visitor = opened(browser, console, logged_in, javascript=False)
    expect(visitor.page.locator("#plot-admitted .lines path.s4")).to_have_count(1)
    expect(visitor.page.locator("#posture-word")).to_have_text("Under attack")
    forms = visitor.page.eval_on_selector_all(
        "form", "found => found.map((each) => each.getAttribute('action'))"
    )
    assert set(forms) == {"/logout", "/#refusals"}
    visitor.page.goto(console.operator_url + "/mailbox")
    expect(visitor.page.locator("h1")).to_have_text("Your role is not enough")
    visitor.close()
    console.operate("PUT", "/api/operators", {"email": "operator@example.com", "role": "admin"})


def test_listeners_are_bounded_and_give_their_place_back(console: Running, logged_in: str) -> None:
    """The thirty-third is told to come again; when one has gone, it may stay."""
    headers = {"authorization": f"Bearer {logged_in}"}
    limits = httpx.Limits(max_connections=100)
    with httpx.Client(base_url=console.operator_url, headers=headers, limits=limits) as client:
        with contextlib.ExitStack() as held:
            for _ in range(32):
                answer = held.enter_context(client.stream("GET", "/api/events"))
                assert answer.status_code == 200
            refused = client.get("/api/events")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")

        def free() -> bool:
            with client.stream("GET", "/api/events") as answer:
                return answer.status_code == 200

        wait_for(free, 20, lambda: "places are not given back")


def test_a_call_is_traced_through_the_gateway(console: Running, collector: Collector) -> None:
    """From the client's span over ours to the engine's, and the controller's ticks beside it."""
    asked(console, console.key(), traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")

    def mine() -> dict[str, Span]:
        return {each.name: each for each in collector.spans if each.trace_id.hex() == TRACE}

    wait_for(
        lambda: len(mine()) == 3, 20, lambda: f"no such trace: {[each.name for each in collector.spans]}"
    )
    found = mine()
    root = found["POST /v1/chat/completions"]
    assert root.parent_span_id.hex() == "00f067aa0ba902b7"
    assert {found["queue"].parent_span_id, found["engine"].parent_span_id} == {root.span_id}
    told = {each.key: each.value for each in root.attributes}
    assert told["pontlevis.standing"].string_value == "paid"
    assert told["gen_ai.usage.output_tokens"].int_value == 2
    wait_for(lambda: any(each.name == "tick" for each in collector.spans), 20, lambda: "no tick")


def test_a_console_whose_service_is_gone_says_so(browser: Browser, console: Running, logged_in: str) -> None:
    """Old figures look like good news."""
    visitor = opened(browser, console, logged_in, language="fr-FR")
    expect(visitor.page.locator("#stale")).to_be_hidden()
    console.stop()
    expect(visitor.page.locator("#stale")).to_contain_text("Ces chiffres sont anciens")
    visitor.close()
