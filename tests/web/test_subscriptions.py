"""Subscribing on the status page: forms without JavaScript, links that change nothing when opened."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest
from test_status_page import words
from web_house import BASE, WebHouse, web_house

from pontlevis.accounts.mail.policy import MailPolicy
from pontlevis.accounts.rooms import Site
from pontlevis.notices.policy import NoticePolicy
from pontlevis.notices.subscribers import Subscribers
from pontlevis.web.context import WebContext


@dataclass
class Mailbag:
    """A carrier that keeps what it is given."""

    messages: list[EmailMessage] = field(default_factory=list)

    async def send(self, message: EmailMessage) -> None:
        self.messages.append(message)


@pytest.fixture
async def telling(tmp_path: Path) -> AsyncIterator[tuple[WebHouse, Subscribers]]:
    """A house that sends mail and takes subscribers."""

    def subscribers(context: WebContext) -> Subscribers:
        settings = context.settings
        return Subscribers(
            context.accounts.database, settings.status, NoticePolicy(), settings.mail, Site("Heron", BASE),
            key=bytes(32), clock=context.incidents.clock, entropy=Random(5).randbytes,
        )  # fmt: skip

    async with web_house(
        tmp_path, mail=MailPolicy(host="127.0.0.1", sender="a@front.example"), subscribers=subscribers
    ) as house:
        assert house.context.subscribers is not None
        yield house, house.context.subscribers


async def test_by_mail_from_the_form_to_the_end(telling: tuple[WebHouse, Subscribers]) -> None:
    """Form, letter, page, button; then one click of a mail program, which sends no origin."""
    house, desk = telling
    async with house.browser() as visitor:
        page = (await visitor.get("/status")).text
        assert 'action="/status/subscribe"' in page
        assert 'name="target" type="email"' in page
        asked = await visitor.post("/status/subscribe", data={"kind": "mail", "target": "ada@example.com"})
        assert asked.status_code == 202
        assert "a letter with a link is on its way" in words(asked.text)
        house.accounts.carrier = bag = Mailbag()
        house.accounts.subscription_letter = desk.letter
        assert await house.accounts.deliver() == 1
        (letter,) = bag.messages
        assert (letter["To"], letter["Subject"]) == (
            "ada@example.com",
            "Heron: confirm that you want to be told",
        )
        (link,) = [each for each in letter.get_content().split() if each.startswith(BASE)]
        path = link.removeprefix(BASE)
        for _ in range(2):
            opened = await visitor.get(path)
            assert "will go to ada@example.com" in words(opened.text)
        assert (await desk.listed())[0].state == "pending"
        assert "You will be told" in words((await visitor.post(path)).text)
        assert (await visitor.post(path)).status_code == 404
        row = (await desk.listed())[0]
        assert row.state == "active"
    end = urlsplit(desk.page("end", row.id, row.created_at))
    async with house.client() as mail_program:
        opened = await mail_program.get(f"{end.path}?{end.query}")
        assert "Nothing more will be sent to ada@example.com" in words(opened.text)
        done = await mail_program.post(f"{end.path}?{end.query}", data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    assert (await desk.listed())[0].state == "ended"


async def test_a_webhooks_secret_is_shown_once(telling: tuple[WebHouse, Subscribers]) -> None:
    """By form and by API; a private address is refused with a reason."""
    house, _ = telling
    async with house.browser(language="fr") as visitor:
        made = await visitor.post(
            "/status/subscribe", data={"kind": "webhook", "target": "https://example.com/h"}
        )
        assert made.status_code == 202
        assert "whsec_" in made.text
        again = await visitor.post(
            "/status/subscribe", data={"kind": "webhook", "target": "https://example.com/h"}
        )
        assert again.status_code == 409
        assert "déjà abonnée" in words(again.text)
        assert "whsec_" not in again.text
    async with house.client() as program:
        answer = await program.post(
            "/api/subscriptions", json={"kind": "webhook", "target": "https://example.com/2"}
        )
        assert (answer.status_code, answer.json()["secret"][:6]) == (202, "whsec_")
        inside = await program.post(
            "/api/subscriptions", json={"kind": "webhook", "target": "https://10.0.0.1/"}
        )
        assert (inside.status_code, inside.json()["error"]["code"]) == (400, "invalid_webhook")
        quiet = await program.post("/api/subscriptions", json={"kind": "mail", "target": "bob@example.com"})
        assert quiet.json() == {"kind": "mail", "id": "", "secret": "", "end": ""}


@pytest.mark.parametrize("path", ["/status/confirm", "/status/end"])
async def test_a_link_that_does_not_hold_says_so(telling: tuple[WebHouse, Subscribers], path: str) -> None:
    """Whatever stands in it."""
    house, _ = telling
    async with house.browser() as visitor:
        for token in ("", "x", "0123456789abcdef.AAAA", "é" * 50):
            for answer in (
                await visitor.get(path, params={"token": token}),
                await visitor.post(path, params={"token": token}),
            ):
                assert answer.status_code == 404, token
                assert "does not hold any more" in words(answer.text)


async def test_operators_see_subscribers_and_end_them(telling: tuple[WebHouse, Subscribers]) -> None:
    """Without their secrets."""
    house, desk = telling
    await desk.ask_by_webhook("https://example.com/h", language="en", source="192.0.2.1")
    operator = await house.operator_client()
    listed = await operator.get("/api/subscribers")
    (row,) = listed.json()["subscribers"]
    assert (row["target"], row["state"]) == ("https://example.com/h", "pending")
    assert "whsec_" not in listed.text
    after = await operator.delete(f"/api/subscribers/{row['id']}")
    assert after.json()["subscribers"][0]["state"] == "ended"
    assert (await operator.delete("/api/subscribers/nope")).status_code == 404
    await operator.aclose()


async def test_without_subscribers_nothing_is_offered(house: WebHouse) -> None:
    """No form, and a reason for whoever posts all the same."""
    async with house.browser() as visitor:
        assert "/status/subscribe" not in (await visitor.get("/status")).text
        answer = await visitor.post("/status/subscribe", data={"kind": "mail", "target": "a@example.com"})
    assert answer.status_code == 403
    assert "no subscriptions of this kind" in words(answer.text)
