"""The operator's listener: who may come in, what can be done there, and what is written down."""

import re

import httpx
import pytest
from web_house import CONSOLE, PASSWORD, START, WebHouse

from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.observation import BandSample, EngineSample, ServiceSample
from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.link.messages import DecisionRecord
from pontlevis.policy_file import BadPolicyFile, Change
from pontlevis.web.operator_metrics import HISTOGRAMS, METRICS
from pontlevis.web.ports import MeasureNote

FREE = {"/healthz", "/readyz", "/metrics", "/login", "/setup", "/logout", "/static", "/api/openapi.json"}
FINDING = Finding(
    id="f1",
    detector=DetectorName.ROTATING_FLOOD,
    since=START - 30,
    at=START,
    confidence=0.95,
    hostile=True,
    sentence="481 calls turned away <b>in 10 s</b>.",
    figures={"calls": 481.0},
    sources=("192.0.2.0/24",),
    fingerprints=(7,),
)
SAMPLE = ServiceSample(
    at=START,
    interval_s=1.0,
    bands=[BandSample(standing=3, arrived=4, admitted=3, refused=1, failed=0, queued=2, in_flight=3, wait_p99_s=0.1, ttft_p99_s=0.2, tokens=90)],
    tokens_in_flight=400,
    limit_tokens=1000,
    engines_up=1,
    engines=2,
    engine_waiting=5,
    engine_busy=0.5,
    limit_requests=16,
    each_engine=[EngineSample("http://127.0.0.1:9", True, 3, 400, 16, 0, 5, 0.5)],
)  # fmt: skip


def error_of(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


async def test_every_route_needs_an_operator(house: WebHouse) -> None:
    """All that the app has, but health, metrics and the way in."""
    guarded = 0
    async with house.console() as stranger:
        document = (await stranger.get("/api/openapi.json")).json()
        for path, operations in document["paths"].items():
            for method in operations:
                real = re.sub(r"\{decision\}", "1", re.sub(r"\{component\}", "api", path))
                answer = await stranger.request(method.upper(), re.sub(r"\{\w+\}", "x", real), json={})
                assert answer.status_code == 401, (method, path, answer.text)
                assert answer.headers["www-authenticate"] == "Bearer"
                guarded += 1
        for path in (
            "/posture",
            "/posture/dry-run",
            "/decisions/1/lift",
            "/incidents/x",
            "/incidents/x/updates",
        ):
            form = {
                "posture": "normal",
                "reason": "x",
                "name_en": "x",
                "name_fr": "x",
                "status": "resolved",
                "on": "on",
            }
            assert (await stranger.post(path, data=form)).status_code == 401, path
        assert (await stranger.get("/")).headers["location"] == "/login"
    assert guarded >= 18


async def test_an_account_that_is_no_operators_is_not_let_in(house: WebHouse) -> None:
    """Neither by its password nor by its session, and the answer does not tell which it was."""
    async with house.browser() as visitor:
        account = {"email": "ada@example.com", "password": PASSWORD}
        await visitor.post("/api/accounts", json=account)
        token = (await visitor.post("/api/sessions", json=account)).json()["token"]
    async with house.console() as ada:
        wrong = await ada.post("/login", data={**account, "password": "another password"})
        right = await ada.post("/login", data=account)
        assert (wrong.status_code, right.status_code) == (401, 401)
        assert "pontlevis_operator" not in right.cookies
        assert (
            await ada.get("/api/posture", headers={"authorization": f"Bearer {token}"})
        ).status_code == 401


async def test_the_one_time_link_works_once(house: WebHouse) -> None:
    """And a made-up one never."""
    async with house.console() as stranger:
        assert (await stranger.get("/setup", params={"token": "made up"})).status_code == 403
        form = {"token": "made up", "email": "eve@example.com", "password": PASSWORD}
        assert (await stranger.post("/setup", data=form)).status_code == 403
    operator = await house.operator_client()
    assert (await operator.get("/api/posture")).json()["posture"] == "normal"
    assert await house.accounts.first_operator_link() is None
    await operator.aclose()


async def test_only_the_listeners_own_names_are_answered(house: WebHouse) -> None:
    """A page elsewhere that points its name at 127.0.0.1 gets nothing (DNS rebinding)."""
    async with house.console(host="evil.example:8081") as stranger:
        answer = await stranger.get("/metrics")
    assert (answer.status_code, error_of(answer)) == (421, "wrong_host")


async def test_another_sites_page_cannot_act_for_the_operator(house: WebHouse) -> None:
    """Neither by form nor by script."""
    operator = await house.operator_client()
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "http://front.example"}):
        for path in ("/posture", "/api/posture"):
            answer = await operator.post(
                path, data={"posture": "under_attack", "reason": "x"}, headers=headers
            )
            assert (answer.status_code, error_of(answer)) == (403, "cross_site")
    assert house.service.orders == []
    await operator.aclose()


async def test_posture_is_forced_and_released_with_name_and_reason(house: WebHouse) -> None:
    """On the API and on the console; without a reason nothing happens."""
    operator = await house.operator_client()
    body = {"posture": "under_attack", "reason": "a rehearsal", "hold_s": 60}
    assert (await operator.post("/api/posture", json=body)).json()["held_by"] == house.actor
    assert error_of(await operator.post("/api/posture/release", json={})) == "invalid_body"
    assert (await operator.post("/api/posture/release", json={"reason": "over"})).status_code == 200
    assert (await operator.post("/api/posture/hold", json={"reason": "press", "hold_s": 9})).is_success
    await operator.post("/posture", data={"posture": "elevated", "reason": "wary", "minutes": "2"})
    await operator.post("/posture", data={"order": "hold", "reason": "so be it", "minutes": "3"})
    await operator.post("/posture", data={"order": "release", "reason": "calm"})
    await operator.post("/posture/dry-run", data={"on": "on", "reason": "first week"})
    await operator.post("/api/posture/dry-run", json={"dry_run": "policy", "reason": "it knows"})
    refused = await operator.post("/posture", data={"posture": "elevated", "reason": " "})
    assert "error=" in refused.headers["location"]
    assert "reason" in (await operator.get(refused.headers["location"])).text
    for bad in (
        {"posture": "war", "reason": "x"},
        {"posture": "normal"},
        {"posture": "normal", "reason": "x", "hold_s": -1},
    ):
        assert error_of(await operator.post("/api/posture", json=bad)) == "invalid_body"
    assert house.service.orders == [
        ("set", "under_attack", "a rehearsal", house.actor, 60.0),
        ("release", "over", house.actor),
        ("hold", "press", house.actor, 9.0),
        ("set", "elevated", "wary", house.actor, 120.0),
        ("hold", "so be it", house.actor, 180.0),
        ("release", "calm", house.actor),
        ("dry_run", True, "first week", house.actor),
        ("dry_run", None, "it knows", house.actor),
    ]
    await operator.aclose()


async def test_an_order_on_trial_says_what_would_change(house: WebHouse) -> None:
    """On the API and on the console, for each order; the posture stays as it is."""
    operator = await house.operator_client()
    body = {"posture": "under_attack", "reason": "a thought", "dry_run": True}
    said = (await operator.post("/api/posture", json=body)).json()
    assert (said["posture"], said["trial"]) == ("under_attack", True)
    assert said["changes"] == ["posture: normal → under_attack", "held by: nobody → " + house.actor]
    assert (await operator.get("/api/posture")).json()["posture"] == "normal"
    page = await operator.post("/posture", data={"posture": "elevated", "reason": "hm", "trial": "1"})
    assert page.status_code == 200
    assert "Nothing was changed" in page.text
    assert "posture: normal → elevated" in page.text
    for path in ("/api/posture/hold", "/api/posture/release"):
        assert (await operator.post(path, json={"reason": "hm", "dry_run": True})).json()["trial"]
    assert [order[0] for order in house.service.orders] == ["trial"] * 4
    assert house.service.posture.posture is Posture.NORMAL
    await operator.aclose()


async def test_the_policy_file_is_read_again_with_name_and_reason(house: WebHouse) -> None:
    """What changed is answered; a bad file is refused with every problem."""
    operator = await house.operator_client()
    house.policy.found = [Change("posture.stage_s", "600", "300", True)]
    answer = await operator.post("/api/policy/reload", json={"reason": "slower", "dry_run": True})
    change = {"name": "posture.stage_s", "old": "600", "new": "300", "live": True}
    assert answer.json() == {"changes": [change], "trial": True}
    assert house.policy.orders == [(house.actor, "slower", True)]
    house.policy.bad = BadPolicyFile("policy.toml", ["[postur]: there is no such section"])
    refused = await operator.post("/api/policy/reload", json={"reason": "again"})
    assert refused.status_code == 400
    assert "[postur]" in refused.text
    assert (await operator.get("/api/policy")).json() == {"file": "policy.toml", "changes": []}
    await operator.aclose()


async def test_the_private_socket_is_trusted_and_names_its_caller(house: WebHouse) -> None:
    """Whose name is cleaned before it is written down."""
    async with house.console(trusted=True, x_pontlevis_actor="ada\x1b[31m @host" + "x" * 200) as command:
        await command.post("/api/posture/release", json={"reason": "over"})
        assert (await command.get("/api/audit")).status_code == 200
    (order,) = house.service.orders
    assert order[:2] == ("release", "over")
    actor = str(order[2])
    assert actor.isprintable()
    assert len(actor) <= 100


async def test_decisions_are_made_listed_and_lifted(house: WebHouse) -> None:
    """What cannot be decided is refused with the reason."""
    operator = await house.operator_client()
    made = await operator.post(
        "/api/decisions", json={"scope": "prefix", "value": "192.0.2.0/24", "reason": "flood"}
    )
    assert (made.status_code, made.json()["origin"]) == (201, house.actor)
    assert made.json()["expires_at"] - made.json()["created_at"] == 3_600
    listed = (await operator.get("/api/decisions")).json()["decisions"]
    assert [each["value"] for each in listed] == ["192.0.2.0/24"]
    itself = await operator.post(
        "/api/decisions", json={"scope": "address", "value": "127.0.0.1", "reason": "x"}
    )
    assert (itself.status_code, itself.json()["error"]["message"]) == (400, "that is this service itself")
    narrow = {"scope": "address", "value": "192.0.2.9", "reason": "flood", "reach": "keyless"}
    assert (await operator.post("/api/decisions", json=narrow)).json()["reach"] == "keyless"
    assert made.json()["reach"] == "everything"
    assert "only calls without a valid key" in (await operator.get("/")).text
    assert error_of(await operator.post("/api/decisions", json={**narrow, "reach": "half"})) == "invalid_body"
    country = await operator.post("/api/decisions", json={"scope": "country", "value": "FR", "reason": "x"})
    assert error_of(country) == "invalid_body"
    assert (await operator.delete("/api/decisions/1")).status_code == 200
    assert (await operator.delete("/api/decisions/1")).status_code == 404
    gone = await operator.post("/decisions/1/lift", data={"reason": "late"})
    assert "ended" in gone.headers["location"]
    await operator.aclose()


async def test_the_console_shows_what_goes_on(house: WebHouse) -> None:
    """Empty states first; then posture with its reason, findings as text, decisions by reason with undo."""
    operator = await house.operator_client()
    page = (await operator.get("/")).text
    for word in ("No finding", "No decision", "No incident", "No figures yet"):
        assert word in page
    service = house.service
    service.posture = PostureState(
        posture=Posture.UNDER_ATTACK,
        since=START,
        reason="Two findings agree.",
        registration=RegistrationMode.SUSPENDED,
    )
    service.findings = [FINDING]
    service.decisions = [
        DecisionRecord(each, "address", f"192.0.2.{each}", "5 log-ins failed from here", START, START + 900)
        for each in range(1, 121)
    ] + [DecisionRecord(200, "account", "a1", "shared key", START, START + 60, "ada", False)]
    page = (await operator.get("/")).text
    assert "Two findings agree." in page
    assert "481 calls turned away &lt;b&gt;" in page
    assert page.index("5 log-ins failed from here") < page.index("shared key")
    assert page.count("5 log-ins failed from here") == 1
    assert page.count("/lift") == 51
    assert "70 more" in page
    await operator.aclose()


async def test_figures_come_with_their_names(house: WebHouse) -> None:
    """Load, findings and transitions as the console and other tools read them."""
    operator = await house.operator_client()
    service = house.service
    service.samples, service.findings = [SAMPLE], [FINDING]
    service.postures = [Transition(START, PostureState(), PostureState(posture=Posture.ELEVATED), "Why.")]
    load = (await operator.get("/api/load")).json()
    assert load["samples"][0]["bands"][0]["ttft_p99_s"] == 0.2
    assert load["engines"] == [{"url": "http://127.0.0.1:9", "simulated": True}]
    assert (await operator.get("/api/load", params={"since": START})).json()["samples"] == []
    found = (await operator.get("/api/findings")).json()["findings"]
    assert found[0]["detector"] == "rotating_flood"
    changes = (await operator.get("/api/transitions")).json()["transitions"]
    assert (changes[0]["after"]["posture"], changes[0]["reason"]) == ("elevated", "Why.")
    await operator.aclose()


async def test_an_operator_writes_incidents(house: WebHouse) -> None:
    """Open, update, edit, take over, declare; the public page shows the words and not the notes."""
    operator = await house.operator_client()
    body = {"name_en": "Slow answers", "body_en": "We look into it.", "impact": "minor"}
    made = await operator.post("/api/incidents", json=body)
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    await operator.patch(f"/api/incidents/{number}", json={"notes": "it is the <switch>"})
    posted = await operator.post(
        f"/api/incidents/{number}/updates", json={"status": "identified", "body_en": "<i>Found.</i>"}
    )
    assert posted.json()["updates"][0]["actor"] == house.actor
    bad = await operator.post(f"/api/incidents/{number}/updates", json={"status": "lost", "body_en": "x"})
    assert bad.status_code == 400
    assert (
        await operator.post("/api/incidents/none/updates", json={"status": "resolved", "body_en": "x"})
    ).status_code == 404
    await operator.post(f"/incidents/{number}/updates", data={"status": "monitoring", "body_en": "Better."})
    shown = await operator.put("/api/components/chat", json={"status": "under_maintenance"})
    assert shown.json()["declared_by"] == house.actor
    async with house.client() as visitor:
        page = (await visitor.get("/status")).text
        summary = (await visitor.get("/api/v2/summary.json")).json()
    assert "&lt;i&gt;Found." in page
    assert "switch" not in page
    assert "Better." in page
    assert [each["status"] for each in summary["components"] if each["name"] == "Chat"] == [
        "under_maintenance"
    ]
    events = [each["event"] for each in (await operator.get("/api/audit")).json()["audit"]]
    assert {"operator:account:made"} <= set(events)
    assert any("incident" in event for event in events)
    await operator.aclose()


async def test_keys_and_accounts(house: WebHouse) -> None:
    """A key is made with its account, the account changed, and both are written down without the secret."""
    operator = await house.operator_client()
    made = (await operator.post("/api/keys", json={"email": "ada@example.com", "paid": True})).json()
    listed = (await operator.get("/api/accounts")).json()["accounts"]
    ada = next(each for each in listed if each["email"] == "ada@example.com")
    assert ada["standing"] == "paid"
    changed = await operator.patch(f"/api/accounts/{ada['id']}", json={"disabled": "chargeback"})
    assert changed.json()["disabled"] == "chargeback"
    assert (await operator.patch("/api/accounts/nobody", json={"paid": True})).status_code == 404
    audit = (await operator.get("/api/audit")).text
    assert "operator:key:made" in audit
    assert "chargeback" in audit
    assert made["key"] not in audit
    await operator.aclose()


@pytest.mark.parametrize("samples", [[], [SAMPLE]])
async def test_metrics_are_prometheus_text(house: WebHouse, samples: list[ServiceSample]) -> None:
    """Line by line, each with its help; and ready only with a gateway and an engine."""
    house.service.samples = samples
    async with house.console() as prometheus:
        answer = await prometheus.get("/metrics")
        assert (await prometheus.get("/readyz")).status_code == (200 if samples else 503)
        assert (await prometheus.get("/healthz")).status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    seen = set()
    for line in answer.text.splitlines():
        if line.startswith("#"):
            assert re.fullmatch(r"# (HELP|TYPE) pontlevis_\w+ .+", line)
            continue
        match = re.fullmatch(r'(pontlevis_\w+)(\{\w+="[\w.:/+]+"(,\w+="[\w.:/+]+")*\})? -?[0-9.e+-]+', line)
        assert match is not None, line
        seen.add(match.group(1))
    parts = {f"{each}_{part}" for each in HISTOGRAMS for part in ("bucket", "sum", "count")}
    assert seen <= set(METRICS) | parts
    if samples:
        assert seen == set(METRICS) - HISTOGRAMS | parts


async def test_a_strange_address_finds_nothing(house: WebHouse) -> None:
    """No page of the public site is on this listener, and none of this one on the public port."""
    async with house.console() as stranger:
        assert (await stranger.get("/register")).status_code == 404
        assert (await stranger.get("/api/accounts", headers={"origin": CONSOLE})).status_code == 401
    async with house.client() as visitor:
        for path in ("/metrics", "/setup", "/api/audit", "/api/posture", "/api/decisions", "/v1/decisions"):
            assert (await visitor.get(path)).status_code == 404, path


async def test_sources_and_measures_that_are_not_in_force_are_shown(house: WebHouse) -> None:
    """On the console, over the API and as metrics."""
    house.service.measure_notes.append(
        MeasureNote(START, "prefix", "192.0.2.0/24", "<b>16</b> sources", "withheld", "an existing account")
    )
    operator = await house.operator_client()
    page = (await operator.get("/")).text
    assert "AS64500 (Example Net)" in page
    assert "12 ranges, 1 bad lines (line 3: no AS number)" in page
    assert "It would have hit: an existing account." in page
    assert "&lt;b&gt;16&lt;/b&gt; sources" in page
    told = (await operator.get("/api/sources")).json()
    assert told["files"][0]["sentence"].startswith("12 ranges")
    assert told["heavy"]["calls_by_source"] == [{"key": "192.0.2.9", "weight": 30, "least": 30, "most": 30}]
    (note,) = (await operator.get("/api/measures")).json()["measures"]
    assert (note["value"], note["outcome"], note["why"]) == (
        "192.0.2.0/24",
        "withheld",
        "an existing account",
    )
    metrics = (await operator.get("/metrics")).text
    assert 'pontlevis_source_ranges{sort="asn"} 12' in metrics
    assert 'pontlevis_source_bad_lines{sort="asn"} 1' in metrics
    assert 'pontlevis_measures_not_enforced{outcome="withheld"} 2' in metrics
    assert "pontlevis_baseline_days 2.5" in metrics
