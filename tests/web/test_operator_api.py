"""The operator's API: errors in one shape, and every change of an incident with its author in the audit log."""

import httpx
import pytest
from web_house import CONSOLE, START, WebHouse

EVIL_HOSTS = ("front.example", "127.0.0.1", "127.0.0.1:9999", "localhost.evil.example:8081", "")


def error(answer: httpx.Response) -> dict[str, object]:
    """The error's body, which has the same four fields everywhere."""
    found: dict[str, object] = answer.json()["error"]
    assert set(found) == {"message", "type", "code", "param"}
    assert found["message"]
    return found


@pytest.mark.parametrize("host", EVIL_HOSTS)
async def test_a_foreign_host_name_is_refused_before_anything_else(house: WebHouse, host: str) -> None:
    """With or without a port, on the private socket too."""
    for trusted in (False, True):
        async with house.console(trusted=trusted) as stranger:
            answer = await stranger.get("/api/posture", headers={"host": host})
        assert answer.status_code == 421
        assert error(answer)["code"] == "wrong_host"


@pytest.mark.parametrize("host", ["127.0.0.1:8081", "localhost:8081", "[::1]:8081"])
async def test_the_listeners_own_names_are_answered(house: WebHouse, host: str) -> None:
    """As a browser on the machine writes them."""
    async with house.console() as visitor:
        assert (await visitor.get("/healthz", headers={"host": host})).status_code == 200


async def test_the_private_socket_needs_no_name(house: WebHouse) -> None:
    """Its file permissions have said already who may call."""
    async with house.console(trusted=True) as command:
        answer = await command.post("/api/posture", json={"posture": "elevated", "reason": "wary"})
    assert answer.status_code == 200
    assert house.service.orders == [("set", "elevated", "wary", "private socket", None)]


@pytest.mark.parametrize(
    ("method", "path", "body", "param"),
    [
        ("POST", "/api/posture", {"posture": "normal", "reason": ""}, "reason"),
        ("POST", "/api/posture", {"posture": "war", "reason": "x"}, "posture"),
        ("POST", "/api/posture", {"posture": "normal", "reason": "x", "hold_s": 1e9}, "hold_s"),
        ("POST", "/api/decisions", {"scope": "planet", "value": "x", "reason": "x"}, "scope"),
        ("POST", "/api/decisions", {"scope": "address", "value": "", "reason": "x"}, "value"),
        ("POST", "/api/decisions", {"scope": "address", "value": "192.0.2.1"}, "reason"),
        (
            "POST",
            "/api/decisions",
            {"scope": "address", "value": "192.0.2.1", "reason": "x", "duration_s": 0},
            "duration_s",
        ),
        ("DELETE", "/api/decisions/first", None, "decision"),
        ("PUT", "/api/components/kitchen", {"status": None}, "component"),
        ("PUT", "/api/components/api", {"status": "on fire"}, "status"),
        ("PUT", "/api/components/api", {}, "status"),
        ("POST", "/api/incidents", {"name_en": "x" * 201, "body_en": "x"}, "name_en"),
        ("POST", "/api/keys", {"email": "x"}, "email"),
        ("GET", "/api/load?last=0", None, "last"),
        ("GET", "/api/audit?limit=many", None, "limit"),
        ("GET", "/api/accounts?offset=-1", None, "offset"),
    ],
)
async def test_a_bad_value_is_named(
    house: WebHouse, method: str, path: str, body: dict[str, object] | None, param: str
) -> None:
    """400, with the field at fault, and nothing is done."""
    operator = await house.operator_client()
    answer = await operator.request(method, path, json=body)
    assert answer.status_code == 400, answer.text
    assert (error(answer)["code"], error(answer)["param"]) == ("invalid_body", param)
    assert house.service.orders == []
    assert house.service.decisions == []
    await operator.aclose()


async def test_a_body_that_is_no_json_is_told_so(house: WebHouse) -> None:
    """And one of another type, and a method that is not there."""
    operator = await house.operator_client()
    for content in (b"{", b"\xff", b"[]", b"null"):
        answer = await operator.post(
            "/api/posture", content=content, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 400, content
        assert error(answer)["type"] == "invalid_request_error"
    nowhere = await operator.get("/api/nowhere")
    assert (nowhere.status_code, error(nowhere)["code"]) == (404, "not_found")
    wrong = await operator.delete("/api/posture")
    assert (wrong.status_code, error(wrong)["code"]) == (405, "method_not_allowed")
    await operator.aclose()


async def test_every_change_of_an_incident_has_its_author(house: WebHouse) -> None:
    """Opened, edited, updated, reworded, taken over and handed back: one line each, newest first."""
    operator = await house.operator_client()
    house.now += 60.0
    made = (await operator.post("/api/incidents", json={"name_en": "Slow", "body_en": "We look."})).json()
    path = f"/api/incidents/{made['id']}"
    assert (made["kind"], made["taken_over_by"]) == ("operator", house.actor)
    assert made["updates"][0]["body_fr"] == "We look."
    edited = await operator.patch(path, json={"name_fr": "Lent", "impact": "major", "notes": "switch 7"})
    assert (edited.json()["name_en"], edited.json()["name_fr"]) == ("Slow", "Lent")
    house.now += 60.0
    update = {"status": "monitoring", "body_en": "Better.", "body_fr": "Mieux."}
    posted = (await operator.post(f"{path}/updates", json=update)).json()
    assert posted["monitoring_at"] == START + 120
    entry = posted["updates"][0]["id"]
    reworded = await operator.patch(f"{path}/updates/{entry}", json={"body_en": "Much better."})
    assert reworded.json()["updates"][0]["body_en"] == "Much better."
    mine = await operator.patch(path, json={"take_over": False})
    assert mine.status_code == 400
    assert "opened by an operator" in str(error(mine)["message"])
    audit = (await operator.get("/api/audit")).json()["audit"]
    lines = [(each["event"], each["actor"]) for each in audit if each["subject"] == made["id"]]
    assert lines == [
        (f"operator:incident:{action}", house.actor)
        for action in ("update_edited", "monitoring", "edited", "opened")
    ]
    limited = (await operator.get("/api/audit", params={"limit": 1})).json()["audit"]
    assert limited == audit[:1]
    await operator.aclose()


async def test_an_unknown_incident_or_update_is_404(house: WebHouse) -> None:
    """In the API's shape; an update of another incident is unknown to this one."""
    operator = await house.operator_client()
    bodies = {"name_en": "x", "body_en": "x"}
    one, other = [(await operator.post("/api/incidents", json=bodies)).json() for _ in range(2)]
    words = {"body_en": "x"}
    for answer in (
        await operator.patch("/api/incidents/none", json={"notes": "x"}),
        await operator.post("/api/incidents/none/updates", json={"status": "resolved", **words}),
        await operator.patch(f"/api/incidents/{one['id']}/updates/none", json=words),
        await operator.patch(f"/api/incidents/{one['id']}/updates/{other['updates'][0]['id']}", json=words),
    ):
        assert answer.status_code == 404
        assert error(answer)["type"] == "not_found_error"
    await operator.aclose()


async def test_a_declared_component_is_measured_again_on_demand(house: WebHouse) -> None:
    """Null takes the operator's word back; both are written down."""
    operator = await house.operator_client()
    shown = (await operator.put("/api/components/chat", json={"status": "major_outage"})).json()
    assert (shown["status"], shown["declared_by"]) == ("major_outage", house.actor)
    back = (await operator.put("/api/components/chat", json={"status": None})).json()
    assert (back["status"], back["declared_by"]) == ("operational", "")
    listed = (await operator.get("/api/components")).json()["components"]
    assert [each["component"] for each in listed] == ["api", "chat", "login", "registration"]
    events = [each["event"] for each in (await operator.get("/api/audit")).json()["audit"]]
    assert events[:2] == ["operator:component:measured", "operator:component:declared"]
    await operator.aclose()


async def test_a_decision_is_lifted_with_its_reason(house: WebHouse) -> None:
    """Who and why go to the service that keeps the book."""
    operator = await house.operator_client()
    ban = {"scope": "account", "value": "a1", "reason": "shared key", "duration_s": 60}
    number = (await operator.post("/api/decisions", json=ban)).json()["id"]
    answer = await operator.delete(f"/api/decisions/{number}", params={"reason": "key revoked"})
    assert answer.status_code == 200
    assert house.service.orders == [("lift", number, "key revoked", house.actor)]
    assert (await operator.get("/api/decisions")).json() == {"decisions": []}
    await operator.aclose()


async def test_a_cross_site_request_is_refused_whatever_it_carries(house: WebHouse) -> None:
    """A browser that says same-site is another site's too; what reads may come from anywhere."""
    operator = await house.operator_client()
    for site in ("cross-site", "same-site"):
        for method, path in (
            ("POST", "/logout"),
            ("DELETE", "/api/decisions/1"),
            ("PUT", "/api/components/api"),
        ):
            answer = await operator.request(method, path, headers={"sec-fetch-site": site})
            assert answer.status_code == 403, (site, path)
            assert error(answer)["code"] == "cross_site"
    own = await operator.get("/api/posture", headers={"sec-fetch-site": "cross-site", "origin": CONSOLE})
    assert own.status_code == 200
    assert "access-control-allow-origin" not in own.headers
    await operator.aclose()
