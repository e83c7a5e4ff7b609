"""Subscribers: asked, confirmed, told, ended; by mail and by webhook, through real sockets."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest
from receiver import Mailbag, receiver
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.mail.letter import LetterKind
from pontlevis.accounts.mail.outbox import Waiting
from pontlevis.accounts.mail.policy import MailPolicy
from pontlevis.accounts.rooms import Site
from pontlevis.incidents.components import Component
from pontlevis.incidents.page_policy import StatusPolicy
from pontlevis.incidents.policy import IncidentPolicy
from pontlevis.incidents.service import Incidents
from pontlevis.incidents.statuspage import Page
from pontlevis.notices.courier import Courier
from pontlevis.notices.policy import NoticePolicy
from pontlevis.notices.post import Poster
from pontlevis.notices.subscribers import Subscribers
from pontlevis.storage.database import Database
from pontlevis.storage.migrate import upgrade
from pontlevis.storage.tables.gate import LetterRow
from pontlevis.storage.tables.telling import SubscriberRow
from surroundings import PATIENCE_S

BASE = "https://front.example"
CANARY = "canary-51b0"


@dataclass
class Post:
    """Everything that tells, on a database of its own, with a clock that is set by hand."""

    database: Database
    now: float = 1_738_000_000.0
    bag: Mailbag = field(default_factory=Mailbag)

    def __post_init__(self) -> None:
        clock = lambda: self.now  # noqa: E731
        self.incidents = Incidents(self.database, IncidentPolicy(write_limit_s=PATIENCE_S), clock, "Heron")
        delivery = NoticePolicy(allow_networks=("127.0.0.0/8",), allow_http=True, tries=3)
        self.subscribers = Subscribers(
            self.database, StatusPolicy(per_source=3, end_after=2), delivery, MailPolicy(host="127.0.0.1"),
            Site("Heron", BASE), key=bytes(32), clock=clock, entropy=Random(3).randbytes,
        )  # fmt: skip
        self.courier = Courier(
            self.subscribers, self.incidents, Poster(delivery), page=Page("Heron", BASE), draw=lambda: 1.0,
            carrier=self.bag,
        )  # fmt: skip

    async def incident(self, name: str = "Slow answers") -> str:
        made = await self.incidents.open_incident(
            actor=CANARY, name_en=name, body_en="We look.", body_fr="On regarde."
        )
        await self.incidents.edit(made.id, actor=CANARY, notes=CANARY)
        return made.id

    async def row(self) -> SubscriberRow:
        (row,) = await self.subscribers.listed()
        return row

    async def letters(self) -> list[str]:
        async with self.database.session() as session:
            return list(await session.scalars(select(LetterRow.email).order_by(LetterRow.id)))

    async def confirmed(self, address: str = "ada@example.com", language: str = "en") -> None:
        await self.subscribers.ask_by_mail(address, language=language, source="192.0.2.1")
        assert await self.subscribers.confirm(await self.link(address, language))

    async def link(self, address: str = "ada@example.com", language: str = "en") -> str:
        """The token in the letter that asks."""
        letter = await self.subscribers.letter(
            Waiting(1, LetterKind.SUBSCRIBE, address, language, 1, self.now)
        )
        assert letter is not None
        (url,) = [each for each in letter.body.split() if each.startswith(BASE)]
        return urlsplit(url).query.removeprefix("token=")


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    database = Database.in_directory(tmp_path)
    try:
        await upgrade(database)
        made = Post(database)
        await made.incidents.start()
        yield made
    finally:
        await database.close()


async def test_nobody_is_written_to_before_they_confirm(post: Post) -> None:
    """The link holds once, and for its time."""
    await post.subscribers.ask_by_mail("ada@example.com", language="en", source="192.0.2.1")
    await post.incident()
    await post.courier.deliver()
    assert post.bag.messages == []
    token = await post.link()
    assert await post.subscribers.target_of(token, "confirm") == "ada@example.com"
    assert not await post.subscribers.confirm(token[:-2] + "AA")
    assert not await post.subscribers.end(token)
    assert await post.subscribers.confirm(token)
    assert not await post.subscribers.confirm(token)
    await post.incident("Another")
    await post.courier.deliver()
    assert [each["Subject"] for each in post.bag.messages] == ["Heron: Investigating: Another"]


async def test_a_link_is_stale_after_a_day_and_forgotten(post: Post) -> None:
    """Whoever did not ask has nothing to do."""
    await post.subscribers.ask_by_mail("ada@example.com", language="en", source="192.0.2.1")
    token = await post.link()
    post.now += 86_401
    assert not await post.subscribers.confirm(token)
    await post.subscribers.tidy()
    assert await post.subscribers.listed() == []


async def test_every_letter_ends_with_one_click(post: Post) -> None:
    """RFC 8058's headers, whose address works by itself; then nothing more comes."""
    await post.confirmed(language="fr")
    await post.incident()
    await post.courier.deliver()
    (message,) = post.bag.messages
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = message["List-Unsubscribe"].strip("<>")
    assert address.startswith(f"{BASE}/status/end?token=")
    text = message.get_content()
    assert "On regarde." in text
    assert CANARY not in message.as_string()
    token = urlsplit(address).query.removeprefix("token=")
    assert await post.subscribers.end(token)
    assert (await post.row()).state == "ended"
    await post.incident("Another")
    await post.courier.deliver()
    assert len(post.bag.messages) == 1


async def test_subscribing_tells_nothing_and_floods_nobody(post: Post) -> None:
    """The same answer for who is subscribed; caps by address, by source and in all, shared with other letters."""
    await post.confirmed()
    await post.subscribers.ask_by_mail("ada@example.com", language="en", source="192.0.2.1")
    assert await post.letters() == ["ada@example.com"]
    for _ in range(8):
        await post.subscribers.ask_by_mail("bob+x@example.com", language="en", source="192.0.2.2")
    assert (await post.letters()).count("bob+x@example.com") == 5
    for number in range(2):
        await post.subscribers.ask_by_mail(f"c{number}@example.com", language="en", source="192.0.2.9")
    await post.subscribers.ask_by_mail("c3@example.com", language="en", source="192.0.2.9")
    with pytest.raises(AccountError, match="too many"):
        await post.subscribers.ask_by_mail("c4@example.com", language="en", source="192.0.2.9")
    with pytest.raises(AccountError, match="not valid"):
        await post.subscribers.ask_by_mail("nobody", language="en", source="")


async def test_a_webhook_gets_a_test_first_then_signed_news(post: Post) -> None:
    """Verified with the reference library; in Statuspage's shapes, with nothing private."""
    async with receiver() as there:
        made = await post.subscribers.ask_by_webhook(f"{there.url}/hook", language="en", source="192.0.2.1")
        await post.incident("Before it was confirmed")
        await post.courier.deliver()
        assert (await post.row()).state == "active"
        work = await post.incidents.maintenance.create(
            actor=CANARY, name_en="New engines", body_en="Short.", scheduled_for=post.now + 60,
            scheduled_until=post.now + 120, components=(Component.API,),
        )  # fmt: skip
        incident = await post.incident()
        await post.courier.deliver()
    bodies = [each.json for each in there.calls]
    assert [each["type"] for each in bodies] == [
        "subscription.test",
        "maintenance.updated",
        "incident.updated",
    ]
    assert bodies[1]["data"]["maintenance"]["id"] == work.id  # type: ignore[index]
    assert bodies[2]["data"]["incident"]["id"] == incident  # type: ignore[index]
    assert len({each.headers["webhook-id"] for each in there.calls}) == 3
    for call in there.calls:
        # The clock of this test is not the wall's; only the time is out of the verifier's tolerance.
        signed = Webhook(made.secret).sign(
            call.headers["webhook-id"], _at(call.headers["webhook-timestamp"]), call.body.decode()
        )
        assert call.headers["webhook-signature"] == signed
        assert CANARY.encode() not in call.body


async def test_what_is_not_taken_is_tried_again_later_and_then_ends(post: Post) -> None:
    """The same message id, waits that grow; after so many failures the subscription ends."""
    async with receiver() as there:
        await post.subscribers.ask_by_webhook(there.url, language="en", source="192.0.2.1")
        await post.courier.deliver()
        there.answers = ["500 No\r\n"] * 6
        await post.incident()
        await post.courier.deliver()
        assert len(there.calls) == 2
        await post.courier.deliver()
        assert len(there.calls) == 2
        post.now += 10
        await post.courier.deliver()
        post.now += 10
        await post.courier.deliver()
        assert len(there.calls) == 3
        post.now += 10
        await post.courier.deliver()
        assert len({each.headers["webhook-id"] for each in there.calls[1:]}) == 1
        assert ((await post.row()).failures, (await post.row()).state) == (1, "active")
        await post.incident("Another")
        for _ in range(4):
            await post.courier.deliver()
            post.now += 60
        assert len(there.calls) == 7
        row = await post.row()
        assert (row.state, row.secret) == ("ended", "")
        assert row.ended_why == "not delivered: the receiver answered 500"


async def test_a_receiver_that_is_gone_or_never_answered_ends_at_once(post: Post) -> None:
    """410 says so; and a first message that is never taken never becomes a subscription."""
    async with receiver() as there:
        made = await post.subscribers.ask_by_webhook(f"{there.url}/a", language="en", source="192.0.2.1")
        with pytest.raises(AccountError, match="already"):
            await post.subscribers.ask_by_webhook(f"{there.url}/a", language="en", source="192.0.2.7")
        there.answers = ["410 Gone\r\n"]
        await post.courier.deliver()
        assert (await post.row()).state == "ended"
        again = await post.subscribers.ask_by_webhook(f"{there.url}/a", language="en", source="192.0.2.1")
        assert again.secret != made.secret
        there.answers = ["404 No\r\n"] * 3
        for _ in range(4):
            await post.courier.deliver()
            post.now += 60
        assert (await post.row()).state == "ended"
        assert len(there.calls) == 4
    assert made.secret not in repr(made)


def _at(text: str) -> datetime:
    return datetime.fromtimestamp(int(text), UTC)
