"""Announced work, months, feeds, badges, logo and groups on the public page; nothing private in any of it."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest
from test_status_page import NORMAL, change, document, page, rows, seconds, words
from web_house import BASE, SUSPENDED, WebHouse, web_house

from pontlevis.incidents.components import Component
from pontlevis.incidents.page_policy import ComponentGroup, StatusPolicy
from pontlevis.incidents.statuspage import DOCUMENTS
from pontlevis.incidents.views import MaintenanceView
from pontlevis.web.status_copy import files_of
from pontlevis.web.status_site import StatusSite

CANARY = "canary-7f3a"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0L9 9"/><script>x</script></svg>'


@pytest.fixture
async def dressed(tmp_path: Path) -> AsyncIterator[WebHouse]:
    """A house with a name, a logo and groups of its own."""
    logo = tmp_path / "logo.svg"
    logo.write_text(SVG)
    policy = StatusPolicy(
        title="Heron Cloud",
        logo=logo,
        groups=(ComponentGroup("Inference", (Component.API, Component.CHAT), "Inférence"),),
    )
    async with web_house(tmp_path, status=policy) as house:
        yield house


async def announced(house: WebHouse, *, ahead: float = 3_600.0) -> MaintenanceView:
    return await house.incidents.maintenance.create(
        actor="ada", name_en="New engines", name_fr="Nouveaux moteurs", body_en="Short pauses.",
        scheduled_for=house.now + ahead, scheduled_until=house.now + ahead + 600, components=(Component.API,),
    )  # fmt: skip


async def get(house: WebHouse, path: str, **query: str) -> httpx.Response:
    async with house.client() as visitor:
        return await visitor.get(path, params=query)


async def test_announced_work_is_on_the_page_in_the_feeds_and_in_the_json(house: WebHouse) -> None:
    """Upcoming, then active, then in the history."""
    made = await announced(house)
    html = await page(house)
    assert "Announced work New engines Announced" in words(html)
    assert "2025-01-27 18:46 UTC" in words(html)
    assert "Travaux annoncés Nouveaux moteurs" in words(await page(house, "fr"))
    for name in ("scheduled-maintenances", "scheduled-maintenances/upcoming", "summary"):
        (shown,) = rows(await document(house, name), "scheduled_maintenances")
        assert shown["id"] == made.id
        assert (shown["status"], shown["impact"]) == ("scheduled", "maintenance")
        assert shown["scheduled_for"] == "2025-01-27T18:46:40.000Z"
        assert [each["name"] for each in rows(shown, "components")] == ["API"]
    assert rows(await document(house, "scheduled-maintenances/active"), "scheduled_maintenances") == []
    house.now += 3_600
    await seconds(house, 1, NORMAL)
    html = await page(house)
    assert 'class="banner maintenance"' in html
    assert html.index("New engines") < html.index('class="bars"')
    (shown,) = rows(await document(house, "scheduled-maintenances/active"), "scheduled_maintenances")
    assert shown["status"] == "in_progress"
    assert rows(await document(house, "scheduled-maintenances/upcoming"), "scheduled_maintenances") == []
    house.now += 600
    await seconds(house, 1, NORMAL)
    assert words(await page(house)).index("History") < words(await page(house)).index("New engines")
    assert rows(await document(house, "summary"), "scheduled_maintenances") == []
    for kind in ("atom", "rss"):
        assert "New engines" in (await get(house, f"/status/history.{kind}")).text


async def test_the_history_goes_back_month_by_month(house: WebHouse) -> None:
    """To the first incident and no further; other months do not exist."""
    await change(house, NORMAL, SUSPENDED)
    await change(house, SUSPENDED, NORMAL)
    house.now += 40 * 86_400.0
    now = words((await get(house, "/status/history")).text)
    assert "← Earlier March 2025" in now
    assert "Nothing happened in this month." in now
    first = (await get(house, "/status/history", month="2025-01")).text
    assert "Registrations limited during an attack" in first
    assert 'href="/status/history?month=2025-02"' in first
    assert "Earlier" not in words(first)
    for bad in ("2024-12", "2025-04", "2025-13", "x", "2025-1", "9999999"):
        answer = await get(house, "/status/history", month=bad)
        assert answer.status_code == 404, bad


@pytest.mark.parametrize(("language", "word"), [("en", "Identified"), ("fr", "Identifié")])
async def test_there_is_rss_beside_atom(house: WebHouse, language: str, word: str) -> None:
    """Well-formed RSS 2.0 with its own address, guids that are links, and dates of RFC 822."""
    await change(house, NORMAL, SUSPENDED)
    answer = await get(house, "/status/history.rss", lang=language)
    assert answer.headers["content-type"].startswith("application/rss+xml")
    channel = ElementTree.fromstring(answer.text).find("channel")
    assert channel is not None
    (item,) = channel.findall("item")
    assert str(item.findtext("guid")).startswith(f"{BASE}/status#")
    assert item.findtext("pubDate") == "Mon, 27 Jan 2025 17:47:40 +0000"
    assert f"{word}: " in str(item.findtext("description"))


async def test_badges_say_the_state_of_the_whole_and_of_each(house: WebHouse) -> None:
    """As pictures that anybody may embed and that run nothing."""
    await seconds(house, 60, NORMAL, asked=10, refused=10, engines=0)
    whole = await get(house, "/status/badge.svg")
    assert "The service is down" in whole.text
    api = await get(house, "/status/badge/api.svg", lang="fr")
    assert "API: Arrêté" in api.text
    assert (await get(house, "/status/badge/nope.svg")).status_code == 404
    for each in (whole, api):
        ElementTree.fromstring(each.text)
        assert each.headers["content-type"] == "image/svg+xml"
        assert "sandbox" in each.headers["content-security-policy"]
        assert each.headers["cross-origin-resource-policy"] == "cross-origin"
        assert each.headers["x-content-type-options"] == "nosniff"


async def test_the_page_carries_the_operators_name_logo_and_groups(dressed: WebHouse) -> None:
    """The logo without what could run; the groups as Statuspage has them."""
    html = await page(dressed)
    assert "<title>Status · Heron Cloud</title>" in html
    assert 'src="/status/logo.svg"' in html
    assert "Inference" in html
    assert "Inférence" in await page(dressed, "fr")
    logo = await get(dressed, "/status/logo.svg")
    assert "script" not in logo.text
    assert "sandbox" in logo.headers["content-security-policy"]
    assert (await get(dressed, "/status/logo.png")).status_code == 404
    body = await document(dressed, "components")
    assert body["page"]["name"] == "Heron Cloud"  # type: ignore[index]
    found = rows(body, "components")
    assert [(each["id"], each["group"], each["group_id"]) for each in found] == [
        ("group-api-chat", True, None),
        ("api", False, "group-api-chat"),
        ("chat", False, "group-api-chat"),
        ("login", False, None),
        ("registration", False, None),
    ]
    assert found[0]["components"] == ["api", "chat"]


async def test_only_the_languages_that_are_offered(tmp_path: Path) -> None:
    """French alone: whoever asks for English gets French."""
    async with web_house(tmp_path, status=StatusPolicy(languages=("fr",))) as house:
        html = await page(house, "en")
        assert '<html lang="fr">' in html
        assert "?lang=en" not in html


async def test_a_post_mortem_is_the_last_word(house: WebHouse) -> None:
    """On the page, in the feeds, and as Statuspage's own status of that name."""
    await change(house, NORMAL, SUSPENDED)
    await change(house, SUSPENDED, NORMAL)
    (view,) = await house.incidents.incidents()
    await house.incidents.write_postmortem(view.id, actor="ada", body_en="We <b>learned</b>.")
    house.now += 1
    html = await page(house)
    assert "We &lt;b&gt;learned&lt;/b&gt;." in html
    (incident,) = rows(await document(house, "incidents"), "incidents")
    assert incident["status"] == "postmortem"
    update = rows(incident, "incident_updates")[0]
    assert (update["status"], update["body"]) == ("postmortem", "We <b>learned</b>.")
    for kind in ("atom", "rss"):
        assert "Post-mortem: We &lt;b&gt;learned" in (await get(house, f"/status/history.{kind}")).text


async def test_nothing_private_reaches_any_public_shape(house: WebHouse) -> None:
    """Notes, why personal data is known to be touched, who writes, duties: in no page, document, feed or copy."""
    await change(house, NORMAL, SUSPENDED)
    (view,) = await house.incidents.incidents()
    await house.incidents.edit(view.id, actor=f"{CANARY} actor", notes=f"{CANARY} note", take_over=True)
    await house.incidents.personal_data_touched(view.id, house.now, f"{CANARY} why", actor=CANARY)
    (duty, *_) = house.incidents.duties.all()
    await house.incidents.duties.done(duty.id, actor=CANARY, note=f"{CANARY} told")
    house.now += 1
    paths = [f"/api/v2/{name}.json" for name in DOCUMENTS]
    paths += ["/status", "/status?lang=fr", "/status/history", "/status/history.atom", "/status/history.rss"]
    paths += ["/status/badge.svg", "/api/registration", "/"]
    for path in paths:
        answer = await get(house, path)
        assert answer.status_code == 200, path
        assert CANARY not in answer.text, path
        assert duty.name not in answer.text, path
    files = await files_of(StatusSite(house.context))
    assert {name for name, data in files.items() if CANARY.encode() in data} == set()
    operator = await house.operator_client()
    assert CANARY in (await operator.get("/api/incidents")).text
    assert CANARY in (await operator.get("/api/duties")).text
    await operator.aclose()


async def test_the_operators_api_announces_moves_calls_off_and_notes_duties(house: WebHouse) -> None:
    """With the refusals' reasons."""
    async with contextlib.aclosing(await house.operator_client()) as operator:
        body = {
            "name_en": "New engines", "body_en": "Short pauses.", "components": ["api"],
            "scheduled_for": house.now + 60, "scheduled_until": house.now + 600,
        }  # fmt: skip
        made = await operator.post("/api/maintenances", json=body)
        assert made.status_code == 201, made.text
        path = f"/api/maintenances/{made.json()['id']}"
        moved = await operator.patch(path, json={"scheduled_until": house.now + 700})
        assert moved.json()["scheduled_until"] == house.now + 700
        assert (await operator.patch(path, json={"status": "nonsense"})).status_code == 400
        assert (await operator.post(f"{path}/cancel", json={})).json()["cancelled"] is True
        listed = (await operator.get("/api/maintenances")).json()["maintenances"]
        assert [each["status"] for each in listed] == ["completed"]
        incident = (await operator.post("/api/incidents", json={"name_en": "A", "body_en": "B"})).json()["id"]
        duties = await operator.post(f"/api/incidents/{incident}/personal-data", json={"why": "A log."})
        assert [each["hours"] for each in duties.json()["duties"]] == [24, 72]
        duty = duties.json()["duties"][0]["id"]
        assert (await operator.post(f"/api/duties/{duty}", json={"note": "told"})).json()["state"] == "done"
        early = await operator.put(f"/api/incidents/{incident}/postmortem", json={"body_en": "x"})
        assert (early.status_code, early.json()["error"]["message"]) == (
            400,
            "a post-mortem is written once the incident is resolved",
        )
        files = (await operator.get("/api/status/files")).json()["files"]
        assert {"index.html", "index.fr.html", "api/v2/summary.json", "badge/api.svg"} <= set(files)
