"""The public status page, its JSON and its feed, from the first start to the incident that is over."""

import re
from datetime import UTC, datetime
from html import unescape
from xml.etree import ElementTree

import pytest
from web_house import BASE, PASSWORD, RECOVERING, START, SUSPENDED, WebHouse

from pontlevis.brain.observation import BandSample, ServiceSample
from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.vocabulary import Standing
from pontlevis.incidents.components import Component, Status
from pontlevis.incidents.statuspage import DOCUMENTS
from pontlevis.web.status import day_text, month_text, percent

ATOM = "{http://www.w3.org/2005/Atom}"
NORMAL = PostureState(since=START)
DAY_S = 86_400.0


async def page(house: WebHouse, language: str = "en") -> str:
    async with house.client(accept_language=language) as visitor:
        answer = await visitor.get("/status")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


async def document(house: WebHouse, name: str) -> dict[str, object]:
    async with house.client() as visitor:
        answer = await visitor.get(f"/api/v2/{name}.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    found: dict[str, object] = answer.json()
    return found


def rows(body: dict[str, object], name: str) -> list[dict[str, object]]:
    """A list of objects within a document."""
    found = body[name]
    assert isinstance(found, list)
    return found


def words(html: str) -> str:
    """What a reader sees, without markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


async def seconds(
    house: WebHouse, count: int, posture: PostureState, *, asked: int = 0, refused: int = 0, engines: int = 1
) -> None:
    """So many seconds of service for established accounts."""
    for _ in range(count):
        house.now += 1.0
        band = BandSample(
            standing=Standing.ESTABLISHED, arrived=asked, admitted=asked - refused, refused=refused
        )
        sample = ServiceSample(at=house.now, interval_s=1.0, bands=[band], engines_up=engines, engines=1)
        await house.incidents.measure(sample, posture, house.now)


async def change(house: WebHouse, before: PostureState, after: PostureState) -> None:
    """The posture moves, for the pages as for the incidents."""
    house.now += 60.0
    house.service.posture = after
    await house.incidents.on_transition(Transition(house.now, before, after, "Two findings agree."))
    await seconds(house, 3, after)


async def test_a_service_without_data_says_so(house: WebHouse) -> None:
    """Neither 0 nor 100 %: ninety grey bars for each component, and nothing claimed."""
    html = await page(house)
    text = words(html)
    assert "Everything works" in text
    assert "nothing measured yet" in text
    assert "No earlier incident." in text
    assert html.count("<rect ") == 90 * len(Component)
    assert html.count(": no data</title>") == 90 * len(Component)
    assert '<rect x="890"' in html
    assert "% available" not in text
    for component in rows(await document(house, "components"), "components"):
        assert component["status"] == "operational"


async def test_a_calm_day_is_green_and_the_others_stay_grey(house: WebHouse) -> None:
    """The newest bar is on the right, and says its day and its share."""
    await seconds(house, 20, NORMAL, asked=10)
    html = await page(house)
    assert html.count('class="good"><title>2025-01-27: Works, 100.00%</title>') == len(Component)
    assert html.count(": no data</title>") == 89 * len(Component)
    assert html.index("2024-10-30: no data") < html.index("2025-01-27: Works")
    assert "100.00% over the last 90 days" in words(html)
    assert "Everybody can make an account." in words(html)


async def test_during_an_attack_existing_users_read_that_they_are_served(house: WebHouse) -> None:
    """The page is limited, not down; the incident stands above the bars with its time in UTC."""
    await seconds(house, 20, NORMAL, asked=10)
    await change(house, NORMAL, SUSPENDED)
    await seconds(house, 40, SUSPENDED, asked=10)
    html = await page(house)
    text = words(html)
    assert 'class="banner minor" role="status"' in html
    assert "Registration Suspended Existing accounts can be used as usual." in text
    assert html.index("Registrations limited during an attack") < html.index('class="bars"')
    began = datetime.fromtimestamp(START + 80, UTC)
    assert f'<time datetime="{began:%Y-%m-%dT%H:%M:%SZ}">{began:%Y-%m-%d %H:%M} UTC</time>' in html
    assert "written by the service itself" in text
    assert "The service is under attack. New registrations are suspended for now." in text
    assert "While it lasted, 100.0% of existing users' requests were served." in text
    assert "Days with disturbances: 1" in text
    assert "No earlier incident." in text


async def test_the_same_in_french(house: WebHouse) -> None:
    """Texts, the machine's words and numbers; the address of the feed too."""
    await seconds(house, 20, NORMAL, asked=10)
    await change(house, NORMAL, SUSPENDED)
    await seconds(house, 40, SUSPENDED, asked=10)
    html = await page(house, "fr-CH, en;q=0.5")
    text = words(html)
    assert '<html lang="fr">' in html
    assert "Les nouvelles inscriptions sont suspendues pour le moment." in text
    assert "100,00 % sur les 90 derniers jours" in text
    assert 'href="/status/history.atom?lang=fr"' in html
    assert "Inscription Suspendue" in text
    async with house.client() as visitor:
        chosen = await visitor.get("/status", params={"lang": "fr"})
    assert chosen.cookies["lang"] == "fr"
    assert chosen.headers["cache-control"] == "no-store"


async def test_while_it_recovers_the_next_step_is_named(house: WebHouse) -> None:
    """What share is let in now, and when the next step is due."""
    await change(house, NORMAL, SUSPENDED)
    await change(house, SUSPENDED, RECOVERING)
    html = await page(house)
    text = words(html)
    assert "Step by step 25% of new registrations are let through now" in text
    assert 'Next step due: <time datetime="2025-01-27T17:55:40Z">2025-01-27 17:55 UTC</time>' in html
    assert "Registrations limited during an attack Monitoring" in text
    assert html.index("<strong>Monitoring") < html.index("<strong>Identified")


async def test_afterwards_the_incident_stands_in_the_history(house: WebHouse) -> None:
    """By month, resolved, newest word first; nothing is open any more."""
    await change(house, NORMAL, SUSPENDED)
    await change(house, SUSPENDED, RECOVERING)
    await change(house, RECOVERING, NORMAL)
    html = await page(house)
    assert 'class="banner none"' in html
    history = html[html.index(">History<") :]
    assert "January 2025" in history
    assert 'class="card incident over"' in history
    assert history.index("<strong>Resolved") < history.index("<strong>Monitoring")
    assert "incident" not in html[: html.index('class="bars"')].replace("incidents", "")
    assert "Janvier 2025" in await page(house, "fr")


async def test_an_outage_of_what_users_have_is_not_played_down(house: WebHouse) -> None:
    """Engines away for a minute: the page says down, the JSON says critical."""
    await seconds(house, 60, NORMAL, asked=10, refused=10, engines=0)
    assert 'class="banner critical"' in await page(house)
    status = await document(house, "status")
    assert status["status"] == {"indicator": "critical", "description": "Major Service Outage"}


async def test_what_an_operator_writes_is_shown_as_text(house: WebHouse) -> None:
    """On the page, in the feed and in the JSON; and line breaks are kept."""
    evil = '<script>alert("x")</script>\n&copy; {{ 7*7 }} ]]>'
    view = await house.incidents.open_incident(
        actor="ada", name_en='<img src=x onerror="alert(1)">', body_en=evil, name_fr="</title><b>été"
    )
    await house.incidents.edit(view.id, actor="ada", notes="a private thought")
    for language in ("en", "fr"):
        html = await page(house, language)
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "<b>été" not in html
        assert "&lt;script&gt;" in html
        assert "{{ 7*7 }}" in html
        assert "written by the service itself" not in html
        assert "private thought" not in html
    (incident,) = rows(await document(house, "incidents"), "incidents")
    assert incident["name"] == '<img src=x onerror="alert(1)">'
    assert "notes" not in incident
    async with house.client() as visitor:
        feed = (await visitor.get("/status/history.atom")).text
    entry = ElementTree.fromstring(feed).find(f"{ATOM}entry")
    assert entry is not None
    assert entry.findtext(f"{ATOM}title") == '<img src=x onerror="alert(1)">'
    assert evil.splitlines()[0] in str(entry.findtext(f"{ATOM}content"))
    assert "private thought" not in feed


@pytest.mark.parametrize(("language", "word"), [("", "Identified"), ("fr", "Identifié")])
async def test_the_feed_is_atom(house: WebHouse, language: str, word: str) -> None:
    """Well-formed, with what RFC 4287 demands: id, title and updated of the feed and of each entry."""
    async with house.client() as visitor:
        empty = ElementTree.fromstring((await visitor.get("/status/history.atom")).text)
        assert empty.findall(f"{ATOM}entry") == []
        await change(house, NORMAL, SUSPENDED)
        answer = await visitor.get("/status/history.atom", params={"lang": language} if language else {})
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = ElementTree.fromstring(answer.text)
    (entry,) = feed.findall(f"{ATOM}entry")
    for element in (feed, entry):
        for name in ("id", "title", "updated"):
            assert element.findtext(f"{ATOM}{name}")
        moment = str(element.findtext(f"{ATOM}updated"))
        assert datetime.fromisoformat(moment).timestamp() == START + 60
    assert f"{word}: " in str(entry.findtext(f"{ATOM}content"))
    assert str(entry.findtext(f"{ATOM}id")).startswith(f"{BASE}/status#")
    itself = feed.find(f"{ATOM}link[@rel='self']")
    assert itself is not None
    assert itself.get("href") == f"{BASE}/status/history.atom" + ("?lang=fr" if language else "")


async def test_every_document_names_its_page(house: WebHouse) -> None:
    """As Statuspage's v2 API does, with the parts that belong to each."""
    await change(house, NORMAL, SUSPENDED)
    await change(house, SUSPENDED, NORMAL)
    await change(house, NORMAL, SUSPENDED)
    parts = {
        "status": {"status"},
        "summary": {"components", "incidents", "scheduled_maintenances", "status"},
        "components": {"components"},
        "incidents": {"incidents"},
        "incidents/unresolved": {"incidents"},
    }
    for name in DOCUMENTS:
        body = await document(house, name)
        about = body.pop("page")
        assert isinstance(about, dict)
        assert {"id", "name", "url", "time_zone", "updated_at"} == set(about)
        assert about["url"] == f"{BASE}/status"
        assert datetime.fromisoformat(about["updated_at"]).timestamp() <= house.now
        assert set(body) == parts.get(name, {"scheduled_maintenances"}), name
    assert (await document(house, "scheduled-maintenances"))["scheduled_maintenances"] == []


async def test_components_have_statuspages_fields(house: WebHouse) -> None:
    """In their order, with states that its clients know."""
    await house.incidents.declare(Component.CHAT, Status.MAINTENANCE, actor="ada")
    found = rows(await document(house, "summary"), "components")
    assert [each["position"] for each in found] == [1, 2, 3, 4]
    assert [each["name"] for each in found] == ["API", "Chat", "Log-in", "Registration"]
    assert found[1]["status"] == "under_maintenance"
    for each in found:
        assert {"id", "created_at", "updated_at", "description", "group", "group_id", "page_id"} <= set(each)
        assert {"showcase", "start_date", "only_show_if_degraded"} <= set(each)
    status = (await document(house, "status"))["status"]
    assert status == {"indicator": "maintenance", "description": "Service Under Maintenance"}
    assert 'class="banner maintenance"' in await page(house)


async def test_incidents_have_statuspages_fields(house: WebHouse) -> None:
    """Open ones apart from all; each update names what it changed."""
    await change(house, NORMAL, SUSPENDED)
    (open_one,) = rows(await document(house, "incidents/unresolved"), "incidents")
    assert open_one["status"] == "identified"
    assert (open_one["resolved_at"], open_one["monitoring_at"]) == (None, None)
    assert open_one["shortlink"] == f"{BASE}/status#{open_one['id']}"
    await change(house, SUSPENDED, RECOVERING)
    await change(house, RECOVERING, NORMAL)
    assert rows(await document(house, "incidents/unresolved"), "incidents") == []
    assert rows(await document(house, "summary"), "incidents") == []
    (incident,) = rows(await document(house, "incidents"), "incidents")
    assert incident["status"] == "resolved"
    assert incident["impact"] == "major"
    assert [each["status"] for each in rows(incident, "incident_updates")] == [
        "resolved", "monitoring", "identified",
    ]  # fmt: skip
    opening = rows(incident, "incident_updates")[-1]
    assert opening["incident_id"] == incident["id"]
    assert opening["affected_components"] == [
        {
            "code": "registration",
            "name": "Registration",
            "old_status": "operational",
            "new_status": "partial_outage",
        }
    ]
    assert [each["name"] for each in rows(incident, "components")] == ["Registration"]


async def test_a_flood_of_readers_costs_one_rendering_a_second(house: WebHouse) -> None:
    """What changed is seen a second later, in each language for itself, and it is never somebody's own page."""
    async with house.browser() as reader:
        account = {"email": "ada@example.com", "password": PASSWORD}
        await reader.post("/api/accounts", json=account)
        await reader.post("/api/sessions", json=account)
        first = (await reader.get("/status")).text
        assert "/logout" not in first
        house.service.posture = SUSPENDED
        assert (await reader.get("/status")).text == first
        assert "Inscription Suspendue" in words(await page(house, "fr"))
        house.now += 1.0
        assert "Registration Suspended" in words((await reader.get("/status")).text)
        house.now -= 600.0
        house.service.posture = NORMAL
        assert "Registration Open" in words((await reader.get("/status")).text)


async def test_days_pass_to_the_left(house: WebHouse) -> None:
    """Yesterday keeps its colour beside today's, and the days without data between them stay grey."""
    await seconds(house, 30, SUSPENDED)
    house.now += 3 * DAY_S
    await seconds(house, 30, NORMAL)
    html = await page(house)
    assert html.count('class="part"><title>2025-01-27: Partly down, 70.00%</title>') == 1
    assert html.count("2025-01-29: no data") == len(Component)
    assert html.count('class="good"><title>2025-01-30: Works, 100.00%</title>') == len(Component)
    assert "2025-01-27: Partly down, 70.00%</li>" in html


@pytest.mark.parametrize(
    ("share", "language", "digits", "text"),
    [
        (0.99999, "en", 2, "99.99%"),
        (1.0, "en", 2, "100.00%"),
        (0.29, "en", 0, "29%"),
        (0.995, "fr", 1, "99,5\u00a0%"),
        (0.0, "fr", 2, "0,00\u00a0%"),
    ],
)
def test_a_share_is_rounded_down(share: float, language: str, digits: int, text: str) -> None:
    """A hundred percent means all of it."""
    assert percent(share, language, digits) == text


def test_days_and_months_are_utc() -> None:
    """A minute before midnight is still the old year."""
    assert day_text(1_735_689_540.0) == "2024-12-31"
    assert month_text(1_735_689_540.0, "en") == "December 2024"
    assert month_text(1_735_689_600.0, "fr") == "Janvier 2025"
