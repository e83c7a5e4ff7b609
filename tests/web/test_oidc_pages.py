"""Log-in at an issuer: a real one on loopback, honest and not."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pyotp
import pytest
from pydantic import ValidationError
from web_house import BASE, CHEAP, PASSWORD, START, SUSPENDED, WebHouse, web_house

from oidc_issuer import CLIENT, SECRET, Issuer, oidc_issuer
from pontlevis.accounts.oidc_settings import IssuerSettings
from pontlevis.brain.observation import Outcome
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import RegistrationMode
from pontlevis.config import Settings

ADA = {"email": "ada@example.com", "password": PASSWORD}
GO = "/login/oidc/heronry"


@pytest.fixture(scope="module")
def running() -> Iterator[Issuer]:
    with oidc_issuer() as issuer:
        yield issuer


@pytest.fixture
def issuer(running: Issuer) -> Issuer:
    """Honest again."""
    fresh = Issuer(clock=START, key=running.key)
    for name in (
        "clock",
        "subject",
        "email",
        "verified",
        "claims",
        "metadata",
        "posts",
        "userinfo",
        "wrong_key",
        "algorithm",
        "answers",
        "asked",
    ):
        setattr(running, name, getattr(fresh, name))
    return running


def settings(issuer: Issuer) -> tuple[IssuerSettings, ...]:
    return (
        IssuerSettings(
            id="heronry", name="Heronry", issuer=issuer.url, client_id=CLIENT, client_secret=SECRET
        ),
    )


@pytest.fixture
async def house(tmp_path: Path, issuer: Issuer) -> AsyncIterator[WebHouse]:
    async with web_house(tmp_path, oidc=settings(issuer)) as made:
        yield made


async def log_in(browser: httpx.AsyncClient, issuer: Issuer, path: str = GO) -> httpx.Response:
    """There and back again."""
    gone = await browser.get(path)
    assert gone.status_code == 303, gone.text
    return await browser.get(issuer.come(gone.headers["location"]))


async def test_a_newcomer_gets_an_account_and_comes_back_to_it(house: WebHouse, issuer: Issuer) -> None:
    """Their address counts as confirmed; a second log-in asks the issuer neither for metadata nor for keys."""
    async with house.browser() as browser:
        done = await log_in(browser, issuer, f"{GO}?next=/chat")
        assert (done.status_code, done.headers["location"]) == (303, "/chat")
        mine = (await browser.get("/api/accounts/me")).json()
        assert (mine["email"], mine["verified"]) == ("ada@example.com", True)
        page = (await browser.get("/account/security")).text
        assert "Heronry" in page
        assert "Current password" not in page
    issuer.email = "moved@example.com"
    async with house.browser(source="198.51.100.7") as browser:
        assert (await log_in(browser, issuer)).headers["location"] == "/account"
        assert (await browser.get("/api/accounts/me")).json()["id"] == mine["id"]
    assert [
        issuer.asked.count(each) for each in ("/.well-known/openid-configuration", "/keys", "/token")
    ] == [1, 1, 2]
    assert house.service.observations[-1].outcome is Outcome.OK


async def test_an_address_alone_links_nothing(house: WebHouse, issuer: Issuer) -> None:
    """Not even a verified one: its account's owner logs in first, then links; and can unlink again."""
    async with house.browser() as browser:
        await browser.post("/register", data=ADA)
        cookies = dict(browser.cookies)
    async with house.browser() as stranger:
        refused = await log_in(stranger, issuer)
        assert refused.status_code == 403
        assert "Log in to it with its password" in refused.text
        assert "pontlevis_session" not in stranger.cookies
    async with house.browser() as owner:
        owner.cookies.update(cookies)
        linked = await log_in(owner, issuer, f"{GO}?link=1")
        assert linked.headers["location"] == "/account/security"
    async with house.browser() as anywhere:
        assert (await log_in(anywhere, issuer)).headers["location"] == "/account"
        account = (await anywhere.get("/api/accounts/me")).json()["id"]
        (held,) = await house.accounts.identities(account)
        assert (await anywhere.post(f"/account/identities/{held.id}/remove")).status_code == 303
    assert await house.accounts.identities(account) == []


@pytest.mark.parametrize("email", ["ada@example.com", ""])
async def test_an_address_that_the_issuer_does_not_vouch_for_makes_no_account(
    house: WebHouse, issuer: Issuer, email: str
) -> None:
    """Unverified, or none at all."""
    issuer.verified, issuer.email = email == "", email
    async with house.browser() as browser:
        assert (await log_in(browser, issuer)).status_code == 403
    assert await house.accounts.list_accounts(10, 0) == []


@pytest.mark.parametrize(
    "lie",
    [
        {"wrong_key": True}, {"algorithm": "none"}, {"algorithm": "HS256"},
        {"claims": {"iss": "https://evil.example"}}, {"claims": {"aud": "somebody else"}}, {"claims": {"aud": [CLIENT, "other"]}},
        {"claims": {"exp": START - 120}}, {"claims": {"iat": START + 600}}, {"claims": {"nonce": "another"}},
        {"claims": {"sub": ""}}, {"claims": {"sub": 7}}, {"claims": {"exp": None}},
    ],
    ids=str,
)  # fmt: skip
async def test_a_token_that_does_not_hold_opens_nothing(
    house: WebHouse, issuer: Issuer, lie: dict[str, object]
) -> None:
    """OpenID Connect Core §3.1.3.7, point by point."""
    for name, value in lie.items():
        setattr(issuer, name, value)
    async with house.browser() as browser:
        answer = await log_in(browser, issuer)
        assert answer.status_code == 400
        assert "pontlevis_session" not in browser.cookies
    assert await house.accounts.list_accounts(10, 0) == []


async def test_a_log_in_is_finished_where_it_was_begun_and_once(house: WebHouse, issuer: Issuer) -> None:
    """Another browser, another state, a replay, a late return, somebody else's link: begin again."""
    async with house.browser() as browser, house.browser() as other:
        gone = (await browser.get(GO)).headers["location"]
        assert (await other.get(issuer.come(gone))).status_code == 400
        await other.get(GO)
        assert (await other.get(issuer.come(gone))).status_code == 400
        cookies = dict(browser.cookies)
        assert (await browser.get(issuer.come(gone))).status_code == 303
        browser.cookies.update(cookies)
        assert (await browser.get(issuer.come(gone))).status_code == 400
        late = (await browser.get(GO)).headers["location"]
        house.now += 2 * CHEAP.ticket_lifetime_s
        assert (await browser.get(issuer.come(late))).status_code == 400
        assert (await browser.get(f"{GO}/callback?state=x&code=" + "a" * 3_000)).status_code in (400, 422)
        assert (await browser.get(f"{GO}/callback?error=access_denied")).status_code == 400
        assert (await browser.get("/login/oidc/nobody")).status_code == 404
        assert (await other.get(f"{GO}?link=1")).headers["location"].startswith("/login?")


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example"])
async def test_it_leads_back_to_us_alone(house: WebHouse, issuer: Issuer, target: str) -> None:
    """Whatever the link that somebody was lured to says."""
    async with house.browser() as browser:
        done = await log_in(browser, issuer, f"{GO}?next={quote(target)}")
        assert httpx.URL(BASE).join(done.headers["location"]) == f"{BASE}/account"


async def test_the_door_is_the_same_for_whoever_comes_this_way(house: WebHouse, issuer: Issuer) -> None:
    """Suspended, approval, challenge: newcomers meet it; an invitation passes; existing accounts log in throughout."""
    async with house.browser() as browser:
        await log_in(browser, issuer)
    issuer.subject, issuer.email = "1002", "grace@example.com"
    house.service.posture = SUSPENDED
    async with house.browser() as browser:
        closed = await log_in(browser, issuer)
        assert (closed.status_code, "suspended" in closed.text) == (503, True)
        link = await house.accounts.invite(actor="ada")
        assert (
            await log_in(browser, issuer, f"{GO}?invitation={link.link.partition('invitation=')[2]}")
        ).status_code == 303
    house.service.posture = PostureState(registration=RegistrationMode.CHALLENGE)
    issuer.subject, issuer.email = "1003", "joan@example.com"
    async with house.browser() as browser:
        assert (await log_in(browser, issuer)).status_code == 403
    house.service.posture = PostureState(registration=RegistrationMode.APPROVAL)
    async with house.browser() as browser:
        assert (await log_in(browser, issuer)).status_code == 202
        assert (await log_in(browser, issuer)).status_code == 403
    house.service.posture = SUSPENDED
    issuer.subject = "1001"
    async with house.browser() as browser:
        assert (await log_in(browser, issuer)).status_code == 303


async def test_a_second_factor_is_asked_for_on_this_way_too(house: WebHouse, issuer: Issuer) -> None:
    """Whoever controls the issuer controls no account that has one."""
    async with house.browser() as browser:
        await log_in(browser, issuer)
        secret = (await browser.post("/api/second-factor/totp")).json()["secret"]
        app = pyotp.TOTP(secret)
        await browser.post("/api/second-factor/totp/confirm", json={"code": app.at(int(house.now))})
    house.now += 30
    async with house.browser() as browser:
        asked = await log_in(browser, issuer)
        assert asked.headers["location"].startswith("/login/second")
        assert "pontlevis_session" not in browser.cookies
        done = await browser.post("/login/second", data={"code": app.at(int(house.now))})
        assert done.headers["location"] == "/account"


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/.well-known/openid-configuration", (500, b"")),
        ("/.well-known/openid-configuration", (302, b"http://127.0.0.1:9/")),
        ("/.well-known/openid-configuration", (200, b"[" * 100_000)),
        ("/.well-known/openid-configuration", (200, b'{"issuer": "https://evil.example"}')),
        ("/.well-known/openid-configuration", (200, b"x" * 1_000_000)),
        ("/keys", (200, b'{"keys": 7}')),
        ("/keys", (200, b'{"keys": [{"kty": "RSA", "n": "", "e": "?"}]}')),
        ("/token", (503, b"")),
    ],
)
async def test_an_issuer_that_is_away_or_answers_nonsense_is_said_to_be(
    house: WebHouse, issuer: Issuer, path: str, answer: tuple[int, bytes]
) -> None:
    """A page with a way on; nothing of its answer is shown."""
    issuer.answers[path] = answer
    async with house.browser() as browser:
        shown = await browser.get(GO)
        if shown.status_code == 303:
            shown = await browser.get(issuer.come(shown.headers["location"]))
        assert shown.status_code == 503
        assert shown.headers["retry-after"] == "30"
        assert 'href="/login"' in shown.text


async def test_keys_that_the_issuer_changed_are_fetched_anew_and_not_too_often(
    house: WebHouse, issuer: Issuer
) -> None:
    """A rotation is no outage, and a flood of bad tokens no flood of fetches."""
    async with house.browser() as browser:
        await log_in(browser, issuer)
        issuer.wrong_key = True
        for _ in range(3):
            assert (await log_in(browser, issuer)).status_code == 400
        assert issuer.asked.count("/keys") == 1
        issuer.wrong_key = False
        old, issuer.key = issuer.key, Issuer().key
        house.now += 61
        assert (await log_in(browser, issuer)).status_code == 303
        assert issuer.asked.count("/keys") == 2
        issuer.key = old


async def test_who_refuses_at_the_issuer_is_told_so_and_may_begin_again(
    house: WebHouse, issuer: Issuer
) -> None:
    """Nothing is asked of the issuer, no session begins, and the same way back opens nothing later."""
    async with house.browser() as browser:
        back = httpx.URL(issuer.come((await browser.get(GO)).headers["location"]))
        state = back.params["state"]
        refused = await browser.get(f"{GO}/callback?state={state}&error=access_denied&error_description=<b>")
        assert (refused.status_code, "<b>" in refused.text) == (403, False)
        assert "refused at that service" in refused.text
        assert "/token" not in issuer.asked
        assert (await browser.get(str(back))).status_code == 400


async def test_a_way_back_that_names_another_issuer_opens_nothing(house: WebHouse, issuer: Issuer) -> None:
    """RFC 9207: nor one that names none where the issuer says that it always does."""
    issuer.metadata = {"authorization_response_iss_parameter_supported": True}
    async with house.browser() as browser:
        for named, status in (
            ("", 400),
            ("&iss=https://evil.example", 400),
            (f"&iss={quote(issuer.url)}", 303),
        ):
            back = issuer.come((await browser.get(GO)).headers["location"])
            assert (await browser.get(back + named)).status_code == status


async def test_an_address_may_come_from_userinfo_of_the_same_subject(house: WebHouse, issuer: Issuer) -> None:
    """Core §5.4: what scopes ask for is there, not in the token; of somebody else it says nothing."""
    issuer.claims = {"email": None}
    issuer.metadata = {"userinfo_endpoint": f"{issuer.url}/userinfo"}
    async with house.browser() as browser:
        for subject, verified, status in (("1002", True, 400), ("1001", False, 403), ("1001", True, 303)):
            issuer.userinfo = {"sub": subject, "email": "ada@example.com", "email_verified": verified}
            assert (await log_in(browser, issuer)).status_code == status
    assert [each.email for each in await house.accounts.list_accounts(10, 0)] == ["ada@example.com"]


async def test_the_secret_is_shown_as_the_issuer_asks_for_it(house: WebHouse, issuer: Issuer) -> None:
    """In the form, where its metadata name that way alone."""
    issuer.posts, issuer.metadata = True, {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    async with house.browser() as browser:
        assert (await log_in(browser, issuer)).status_code == 303


async def test_a_hosted_domain_lets_in_its_own_people_alone(tmp_path: Path, issuer: Issuer) -> None:
    """By the token's ``hd``, never by the address; Google shows its own accounts first."""
    mine = tuple(each.model_copy(update={"hosted_domain": "example.com"}) for each in settings(issuer))
    async with web_house(tmp_path, oidc=mine) as house, house.browser() as browser:
        assert (await log_in(browser, issuer)).status_code == 400
        issuer.claims = {"hd": "example.com"}
        assert httpx.URL((await browser.get(GO)).headers["location"]).params["hd"] == "example.com"
        assert (await log_in(browser, issuer)).status_code == 303


async def test_the_only_way_in_is_not_taken_away(house: WebHouse, issuer: Issuer) -> None:
    """A password first."""
    async with house.browser() as browser:
        await log_in(browser, issuer)
        account = (await browser.get("/api/accounts/me")).json()["id"]
        (held,) = await house.accounts.identities(account)
        assert (await browser.post(f"/account/identities/{held.id}/remove")).status_code == 409
        assert (await browser.post("/account/password", data={"password": PASSWORD})).status_code == 303
        assert (await browser.post(f"/account/identities/{held.id}/remove")).status_code == 303
        assert (await browser.post("/login", data=ADA)).status_code == 303


def test_issuers_are_set_with_safe_addresses_and_ids_of_their_own() -> None:
    """What crosses a network is encrypted; a secret is in no repr."""
    good = {"id": "g", "name": "G", "client_id": "c", "client_secret": "hidden"}
    for bad in ("http://issuer.example", "ftp://x", "https://user@issuer.example", "", "https://"):
        with pytest.raises(ValidationError):
            IssuerSettings.model_validate({**good, "issuer": bad})
    one = IssuerSettings.model_validate({**good, "issuer": "https://accounts.google.com"})
    assert "hidden" not in repr(one)
    with pytest.raises(ValidationError, match="same id"):
        Settings(oidc=(one, one))
