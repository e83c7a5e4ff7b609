"""The console's forms: what they do, what they refuse, and in which words."""

import re
from html import unescape

import httpx
import pytest
from web_house import PASSWORD, RECOVERING, START, SUSPENDED, WebHouse

from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.refusal_note import Cause, RefusalCodec
from pontlevis.brain.vocabulary import Posture, RefusalCode, Standing
from pontlevis.link.messages import DecisionRecord
from pontlevis.web.i18n import catalogue
from pontlevis.web.operator_console import grouped
from pontlevis.web.operator_desk import ERRORS


def words(answer: httpx.Response) -> str:
    """The text that a reader sees."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def attacked(house: WebHouse) -> str:
    """The bridge goes up, and the service opens an incident; its identifier."""
    await house.incidents.on_transition(Transition(START, PostureState(), SUSPENDED, "Two findings agree."))
    (incident,) = await house.incidents.incidents()
    return incident.id


async def test_an_incident_is_opened_on_the_console(house: WebHouse) -> None:
    """The public reads it at once; its author stands on the console and in the audit log."""
    operator = await house.operator_client()
    form = {"name_en": "Slow <answers>", "name_fr": "", "body_en": "We look into it.", "impact": "major"}
    answer = await operator.post("/incidents", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/#incidents")
    page = await operator.get("/")
    assert "Slow &lt;answers&gt;" in page.text
    assert "Written by operator@example.com; the service adds nothing." in words(page)
    assert "Let the service write it again" not in words(page)
    assert "operator:incident:opened" in words(page)
    async with house.client() as visitor:
        assert "Slow &lt;answers&gt;" in (await visitor.get("/status")).text
    await operator.aclose()


async def test_an_update_takes_over_only_where_the_operator_says_so(house: WebHouse) -> None:
    """And what was taken over can be handed back."""
    operator = await house.operator_client()
    number = await attacked(house)
    update = {"status": "identified", "body_en": "Rented addresses.", "body_fr": "Adresses louées."}
    await operator.post(f"/incidents/{number}/updates", data=update)
    assert (await house.incidents.incidents())[0].taken_over_by == ""
    await operator.post(f"/incidents/{number}/updates", data={**update, "take_over": "yes"})
    assert (await house.incidents.incidents())[0].taken_over_by == house.actor
    assert "Let the service write it again" in words(await operator.get("/"))
    await operator.post(f"/incidents/{number}/writer", data={})
    incident = (await house.incidents.incidents())[0]
    assert incident.taken_over_by == ""
    assert [each.body_fr for each in incident.updates[:2]] == ["Adresses louées."] * 2
    await operator.aclose()


async def test_the_services_own_words_can_be_changed(house: WebHouse) -> None:
    """From then on they count as the operator's; name and notes too."""
    operator = await house.operator_client()
    number = await attacked(house)
    entry = (await house.incidents.incidents())[0].updates[0]
    assert entry.body_en in unescape((await operator.get("/")).text)
    changed = {"body_en": "We are\nunder attack.", "body_fr": "Nous sommes attaqués."}
    answer = await operator.post(f"/incidents/{number}/updates/{entry.id}", data=changed)
    assert answer.headers["location"] == "/#incidents"
    names = {"name_en": "An attack", "name_fr": "Une attaque", "notes": "ask the provider"}
    await operator.post(f"/incidents/{number}", data=names)
    incident = (await house.incidents.incidents())[0]
    assert (incident.name_fr, incident.notes) == ("Une attaque", "ask the provider")
    assert (incident.updates[0].body_en, incident.updates[0].automatic) == ("We are\nunder attack.", False)
    await operator.aclose()


async def test_whoever_writes_on_the_incidents_page_stays_there(house: WebHouse) -> None:
    """Every form on it leads back to it, and what is refused is told on it."""
    operator = await house.operator_client()
    own = await house.incidents.open_incident(actor="ada", name_en="Mine", body_en="Words.")
    page = (await operator.get("/incidents")).text
    forms = re.findall(r'action="(/incidents[^"]*)"', page)
    assert len(forms) >= 4
    assert all(each.endswith("?on=incidents") for each in forms)
    names = {"name_en": "Mine still", "name_fr": "", "notes": ""}
    answer = await operator.post(f"/incidents/{own.id}?on=incidents", data={**names, "name_fr": "x"})
    assert answer.headers["location"] == "/incidents#incidents"
    answer = await operator.post(f"/incidents/{own.id}?on=incidents", data={**names, "name_fr": "x" * 201})
    assert answer.headers["location"] == "/incidents?error=name"
    assert 'role="alert"' in (await operator.get("/incidents?error=name")).text
    assert 'role="alert"' not in (await operator.get("/incidents?error=anything")).text
    assert "?on=" not in (await operator.get("/")).text
    await operator.aclose()


@pytest.mark.parametrize(
    ("path", "form", "error"),
    [
        ("/incidents", {"name_en": "", "body_en": "x"}, "opening"),
        ("/incidents", {"name_en": "x", "body_en": "x", "impact": "terrible"}, "opening"),
        ("/incidents/none/updates", {"status": "resolved", "body_en": "x"}, "text"),
        ("/incidents/{own}/updates", {"status": "resolved", "body_en": " "}, "text"),
        ("/incidents/{own}/updates/none", {"body_en": "x"}, "text"),
        ("/incidents/{own}", {"name_en": "x" * 201, "name_fr": "x"}, "name"),
        ("/incidents/{own}/writer", {}, "writer"),
        ("/components/api", {"status": "on fire"}, "state"),
        ("/decisions/7/lift", {"reason": "x"}, "ended"),
        ("/decisions/7/lift", {}, "undo"),
        ("/groups/none/undo", {"reason": " "}, "undo"),
        ("/decisions", {"scope": "address", "value": "192.0.2.1"}, "decision"),
        ("/decisions", {"scope": "country", "value": "FR", "reason": "x"}, "decision"),
        ("/decisions", {"scope": "address", "value": "127.0.0.1", "reason": "x"}, "target"),
        ("/groups/none/undo", {"reason": "x"}, "ended"),
        ("/posture", {"posture": "war", "reason": "x"}, "reason"),
    ],
)
async def test_what_is_refused_is_told_on_the_console(
    house: WebHouse, path: str, form: dict[str, str], error: str
) -> None:
    """In the operator's language, and nothing is changed."""
    operator = await house.operator_client()
    own = await house.incidents.open_incident(actor="ada", name_en="Mine", body_en="Words.")
    answer = await operator.post(path.format(own=own.id), data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/?error={error}")
    for language in ("en", "fr"):
        page = await operator.get(answer.headers["location"], headers={"accept-language": language})
        assert " ".join(catalogue(language)[f"op.e_{error}"].split()) in words(page)
    assert await house.incidents.incidents() == [own]
    assert house.service.orders == []
    await operator.aclose()


async def test_an_address_cannot_put_words_into_the_console(house: WebHouse) -> None:
    """Only the errors that it knows are shown."""
    operator = await house.operator_client()
    page = await operator.get("/", params={"error": "Call 555-0100 at once"})
    assert "555-0100" not in page.text
    assert {f"op.e_{each}" for each in ERRORS} == {key for key in catalogue("en") if key.startswith("op.e_")}
    await operator.aclose()


async def test_a_false_alarm_is_undone_at_once(house: WebHouse) -> None:
    """All decisions of one reason and origin, and no other."""
    operator = await house.operator_client()
    kept = DecisionRecord(9, "account", "a1", "shared key", START, START + 60, "ada", False)
    flood = [
        DecisionRecord(each, "address", f"192.0.2.{each}", "made-up keys", START, START + 900)
        for each in (1, 2, 3)
    ]
    house.service.decisions = [*flood, kept]
    page = (await operator.get("/")).text
    assert "Lift all 3" in page
    assert page.count("Lift all") == 1
    key = grouped(house.service.decisions)[0].key
    assert f'action="/groups/{key}/undo"' in page
    answer = await operator.post(f"/groups/{key}/undo", data={"reason": "a class room"})
    assert answer.headers["location"] == "/#decisions"
    assert house.service.decisions == [kept]
    assert [each[:2] for each in house.service.orders] == [("lift", 1), ("lift", 2), ("lift", 3)]
    await operator.aclose()


def test_reasons_that_differ_in_a_figure_are_one_group() -> None:
    """Detection's only: what an operator wrote is taken at its word."""

    def made(number: int, reason: str, origin: str = "detection") -> DecisionRecord:
        return DecisionRecord(number, "address", f"192.0.2.{number}", reason, START, START + 60, origin)

    groups = grouped(
        [
            made(1, "4 made-up keys in 1.5 s"),
            made(2, "3 made-up keys in 2 s"),
            made(3, "3 made-up keys in 2 s"),
            made(4, "5 log-ins failed"),
            made(5, "case 11", "ada"),
            made(6, "case 12", "ada"),
        ]
    )
    assert [(each.reason, len(each.decisions)) for each in groups] == [
        ("3 made-up keys in 2 s", 3),
        ("5 log-ins failed", 1),
        ("case 11", 1),
        ("case 12", 1),
    ]
    assert len({each.key for each in groups}) == 4


async def test_a_component_is_declared_and_measured_again(house: WebHouse) -> None:
    """With its author's name beside it while it lasts."""
    operator = await house.operator_client()
    await operator.post("/components/chat", data={"status": "under_maintenance"})
    assert "Under maintenance, declared by operator@example.com" in words(await operator.get("/"))
    await operator.post("/components/chat", data={"status": ""})
    assert "declared by" not in words(await operator.get("/"))
    assert (await operator.post("/components/kitchen", data={})).status_code == 400
    await operator.aclose()


async def test_the_console_speaks_plainly_and_french(house: WebHouse) -> None:
    """The next step of reopening; posture, verdict, registration and standings in words."""
    operator = await house.operator_client()
    house.service.posture = RECOVERING
    assert "Next step due: 2025-01-27 17:55 UTC" in words(await operator.get("/"))
    house.service.posture = SUSPENDED
    text = words(await operator.get("/", headers={"accept-language": "fr"}))
    for word in (
        "Sous attaque",
        "Verdict : calme",
        "Inscription : Suspendue",
        "établi",
        "Ce que cela coûte à qui",
    ):
        assert word in text
    await operator.aclose()


async def test_logging_out_ends_the_session_itself(house: WebHouse) -> None:
    """A copy of the cookie opens nothing afterwards; the password does again."""
    operator = await house.operator_client()
    token = operator.cookies["pontlevis_operator"]
    assert (await operator.post("/logout")).headers["location"] == "/login"
    bearer = {"authorization": f"Bearer {token}"}
    assert (await operator.get("/api/posture", headers=bearer)).status_code == 401
    credentials = {"email": "operator@example.com", "password": PASSWORD}
    answer = await operator.post("/login", data=credentials)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert (await operator.get("/")).status_code == 200
    await operator.aclose()


async def test_the_setup_form_says_what_is_wrong_and_keeps_the_link(house: WebHouse) -> None:
    """A weak password uses nothing up; a used link offers the way to log in."""
    token = await house.accounts.first_operator_link()
    assert token is not None
    form = {"token": token, "email": "operator@example.com", "password": "short"}
    async with house.console() as stranger:
        refused = await stranger.post("/setup", data=form)
        assert refused.status_code == 400
        assert 'value="operator@example.com"' in refused.text
        assert "short" not in re.sub(r"<style.*?>", "", refused.text).split("<form")[1]
        assert (await stranger.post("/setup", data={**form, "password": PASSWORD})).status_code == 303
    async with house.console() as another:
        again = await another.get("/setup", params={"token": token})
        assert again.status_code == 403
        assert 'href="/login"' in again.text
        assert 'name="password"' not in again.text


async def test_a_refusal_is_explained_by_its_id(house: WebHouse) -> None:
    """On the console and in the API; what is no id of ours is said to be none."""
    codec = RefusalCodec(bytes(range(32)))
    id_ = codec.seal(START, RefusalCode.OVERLOADED, Cause.COHORT, Standing.NEW, Posture.ELEVATED, 37, 12, 16)
    operator = await house.operator_client()
    text = words(await operator.get("/", params={"refusal": id_.decode()}))
    assert "Its queue was overloaded, and it was this account's hour to be turned away." in text
    assert "12 of 16" in text
    french = words(await operator.get("/", params={"refusal": id_.decode(), "lang": "fr"}))
    assert "l'heure de ce compte d'être refusé" in french
    told = (await operator.get(f"/api/refusals/{id_.decode()}")).json()
    assert (told["code"], told["cause"], told["standing"]) == ("overloaded", "cohort", "new")
    assert (told["at"], told["queued"], told["in_flight"], told["limit"]) == (int(START), 37, 12, 16)
    assert "This is no refusal of this service" in words(
        await operator.get("/", params={"refusal": "ref_x", "lang": "en"})
    )
    assert (await operator.get("/api/refusals/ref_x")).status_code == 404
    await operator.aclose()
    async with house.client() as stranger:
        assert (await stranger.get(f"/api/refusals/{id_.decode()}")).status_code == 404
