"""Who wants to be told: asked for, confirmed, ended. Nobody is written to before they said yes.

Nothing here tells whether an address is subscribed already.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from secrets import compare_digest

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.emails import check_email, email_key
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.mail.letter import Letter, LetterKind, compose
from pontlevis.accounts.mail.outbox import Waiting, leave
from pontlevis.accounts.mail.policy import HOUR_S, MailPolicy
from pontlevis.accounts.rooms import Site
from pontlevis.brain.detection.address import place_of
from pontlevis.incidents.page_policy import StatusPolicy
from pontlevis.notices.policy import NoticePolicy
from pontlevis.notices.post import check_address
from pontlevis.notices.signing import SECRET_BYTES, new_secret
from pontlevis.storage.database import Database
from pontlevis.storage.tables.telling import NoticeRow, SubscriberRow

MAIL, WEBHOOK = "mail", "webhook"
CONFIRM, END = "confirm", "end"
TEST = "test"


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """What its owner is shown once."""

    id: str
    secret: str
    end: str
    """The page that ends it."""

    def __repr__(self) -> str:
        return f"NewWebhook({self.id!r})"


class Subscribers:
    """``key`` signs the links in letters; ``entropy`` gives so many random bytes; the clock Unix seconds."""

    def __init__(
        self,
        database: Database,
        policy: StatusPolicy,
        notices: NoticePolicy,
        mail: MailPolicy,
        site: Site,
        *,
        key: bytes,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
    ) -> None:
        self.database = database
        self.policy = policy
        self.notices = notices
        self.mail = mail
        self.site = site
        self._key = key
        self.clock = clock
        self._entropy = entropy

    async def ask_by_mail(self, address: str, *, language: str, source: str) -> None:
        """Leaves a letter with a link, where caps allow. Answers the same whoever is subscribed.

        Raises ``AccountError`` for what is no address, or where there is no mail.
        """
        if not self.policy.subscribe or not self.mail.sends:
            raise AccountError(403, "subscriptions_closed", "there are no subscriptions by mail here")
        email = check_email(address)
        now, key = self.clock(), email_key(email)
        async with self.database.session() as session:
            await self._make_room(session, source, now)
            row = await self._row(session, MAIL, key)
            if row is not None and row.state == "active":
                return
            if not await leave(
                session, self.mail, LetterKind.SUBSCRIBE, email, language=language,
                source=place_of(source) if source else "", now=now,
            ):  # fmt: skip
                return
            if row is None:
                session.add(self._new(MAIL, email, key, language, source, now))
            else:
                row.state, row.created_at, row.language = "pending", now, language
                row.target, row.ended_at, row.ended_why, row.failures = email, None, "", 0

    async def ask_by_webhook(self, address: str, *, language: str, source: str) -> NewWebhook:
        """Takes an address; a test message goes there, and only one that is taken makes it active.

        Raises ``AccountError``.
        """
        if not self.policy.subscribe:
            raise AccountError(403, "subscriptions_closed", "there are no subscriptions here")
        try:
            url = check_address(address.strip(), self.notices)
        except ValueError as error:
            raise AccountError(400, "invalid_webhook", str(error)) from None
        now = self.clock()
        secret = new_secret(self._entropy(SECRET_BYTES))
        async with self.database.session() as session:
            await self._make_room(session, source, now)
            row = await self._row(session, WEBHOOK, url)
            if row is not None and row.state != "ended":
                # Whoever has the secret keeps it; a stranger gets none for somebody else's address.
                raise AccountError(409, "already_subscribed", "this address is subscribed already")
            if row is None:
                row = self._new(WEBHOOK, url, url, language, source, now)
                session.add(row)
            row.state, row.created_at, row.language, row.secret = "pending", now, language, secret
            row.ended_at, row.ended_why, row.failures = None, "", 0
            event = msgspec.json.encode({"kind": TEST, "id": row.id, "status": ""}).decode()
            session.add(NoticeRow(subscriber_id=row.id, event=event, created_at=now, due_at=now))
        return NewWebhook(row.id, secret, self.page(END, row.id, row.created_at))

    async def target_of(self, token: str, purpose: str) -> str | None:
        """Whom a link is for, as its owner reads it; None where it does not hold."""
        async with self.database.session() as session:
            row = await self._holds(session, token, purpose)
            return row.target if row is not None else None

    async def confirm(self, token: str) -> bool:
        """Once: the owner of the address said yes."""
        now = self.clock()
        async with self.database.session() as session:
            row = await self._holds(session, token, CONFIRM)
            if row is None:
                return False
            done = await session.scalar(
                update(SubscriberRow)
                .where(SubscriberRow.id == row.id, SubscriberRow.state == "pending")
                .values(state="active", confirmed_at=now)
                .returning(SubscriberRow.id)
                .execution_options(synchronize_session=False)
            )
        return done is not None

    async def end(self, token: str) -> bool:
        """Ends it; again changes nothing."""
        async with self.database.session() as session:
            row = await self._holds(session, token, END)
            if row is None:
                return False
            await self.stop(session, row.id, "ended by the subscriber")
        return True

    async def stop(self, session: AsyncSession, subscriber: str, why: str) -> None:
        """Within the caller's transaction."""
        await session.execute(
            update(SubscriberRow)
            .where(SubscriberRow.id == subscriber, SubscriberRow.state != "ended")
            .values(state="ended", ended_at=self.clock(), ended_why=why[:200], secret="")
        )
        await session.execute(
            delete(NoticeRow).where(NoticeRow.subscriber_id == subscriber, NoticeRow.state == "waiting")
        )

    async def letter(self, waiting: Waiting) -> Letter | None:
        """The letter that asks for a yes; None where it is not wanted any more."""
        async with self.database.session() as session:
            row = await self._row(session, MAIL, email_key(waiting.email))
            if row is None or row.state != "pending":
                return None
            link = self.page(CONFIRM, row.id, row.created_at)
        hours = max(1, round(self.policy.pending_s / HOUR_S))
        return compose(LetterKind.SUBSCRIBE, waiting.language, name=self.site.name, link=link, hours=hours)

    async def tidy(self) -> None:
        """Forgets what was never confirmed or ended long ago."""
        now = self.clock()
        async with self.database.session() as session:
            await session.execute(
                delete(SubscriberRow).where(
                    SubscriberRow.state == "pending", SubscriberRow.created_at < now - self.policy.pending_s
                )
            )
            await session.execute(
                delete(SubscriberRow).where(
                    SubscriberRow.state == "ended", SubscriberRow.ended_at < now - self.policy.keep_s
                )
            )
            await session.execute(
                delete(NoticeRow).where(
                    NoticeRow.state != "waiting", NoticeRow.ended_at < now - self.policy.keep_s
                )
            )

    async def listed(self, most: int = 200) -> list[SubscriberRow]:
        """The newest first, for operators."""
        async with self.database.session() as session:
            rows = await session.scalars(
                select(SubscriberRow).order_by(SubscriberRow.created_at.desc()).limit(most)
            )
            return list(rows)

    async def remove(self, subscriber: str, *, why: str) -> None:
        """By an operator. Raises ``KeyError``."""
        async with self.database.session() as session:
            if await session.get(SubscriberRow, subscriber) is None:
                raise KeyError(subscriber)
            await self.stop(session, subscriber, why)

    def page(self, purpose: str, subscriber: str, created_at: float) -> str:
        """The address of the page that a link leads to."""
        return f"{self.site.base_url}/status/{purpose}?token={self._token(purpose, subscriber, created_at)}"

    def _token(self, purpose: str, subscriber: str, created_at: float) -> str:
        said = f"{purpose} {subscriber} {created_at:.6f}".encode()
        mac = hmac.digest(self._key, said, sha256)[:18]
        return f"{subscriber}.{urlsafe_b64encode(mac).decode()}"

    async def _holds(self, session: AsyncSession, token: str, purpose: str) -> SubscriberRow | None:
        row = await session.get(SubscriberRow, token.partition(".")[0][:16])
        if row is None or not token.isascii():
            return None
        if not compare_digest(token, self._token(purpose, row.id, row.created_at)):
            return None
        if purpose == CONFIRM:
            fresh = row.created_at > self.clock() - self.policy.pending_s
            return row if row.state == "pending" and row.kind == MAIL and fresh else None
        return row

    async def _make_room(self, session: AsyncSession, source: str, now: float) -> None:
        place = place_of(source) if source else ""
        row = SubscriberRow
        lately = await session.scalar(
            select(func.count()).where(row.source == place, row.created_at > now - HOUR_S)
        )
        if place and (lately or 0) >= self.policy.per_source:
            raise AccountError(
                429, "rate_limit_exceeded", "too many of these came from your network; please try again later"
            )
        held = await session.scalar(select(func.count()).where(row.state != "ended"))
        if (held or 0) >= self.policy.most_subscribers:
            raise AccountError(503, "subscriptions_full", "no more subscriptions are taken for now")

    @staticmethod
    async def _row(session: AsyncSession, kind: str, key: str) -> SubscriberRow | None:
        found: SubscriberRow | None = await session.scalar(
            select(SubscriberRow).where(SubscriberRow.kind == kind, SubscriberRow.target_key == key)
        )
        return found

    def _new(self, kind: str, target: str, key: str, language: str, source: str, now: float) -> SubscriberRow:
        return SubscriberRow(
            id=self._entropy(8).hex(), kind=kind, target=target, target_key=key, language=language,
            secret="", state="pending", source=place_of(source) if source else "", created_at=now,
            ended_why="", failures=0,
        )  # fmt: skip
