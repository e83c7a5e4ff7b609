"""Carries the letters that wait, and keeps those that nobody can carry for the operator."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update

from pontlevis.accounts.emails import email_key
from pontlevis.accounts.invitations import Invitations
from pontlevis.accounts.key_rows import leaked_names
from pontlevis.accounts.letters import RESET, VERIFY
from pontlevis.accounts.mail.carrier import Carrier, SmtpCarrier, Undeliverable
from pontlevis.accounts.mail.letter import Letter, LetterKind, compose, message_of, sentences
from pontlevis.accounts.mail.outbox import Waiting, claim, clear_out
from pontlevis.storage.tables.accounts import AccountRow
from pontlevis.storage.tables.factors import LoginTicketRow
from pontlevis.storage.tables.gate import InvitationRow, LetterRow, LinkRow

AT_ONCE = 8  # letters under way to the SMTP server
BATCH = 64

log = logging.getLogger("pontlevis.accounts")


@dataclass(frozen=True, slots=True)
class LetterView:
    """A letter as the operator sees it; the text only where it is kept. Times are Unix seconds."""

    id: int
    kind: str
    email: str
    state: str
    created_at: float
    ended_at: float | None
    tries: int
    subject: str
    body: str
    error: str


class Postman(Invitations):
    """The worker behind the letters; runs in the controller, never in a request."""

    carrier: Carrier | None = None
    """Set by tests; else SMTP as the settings say."""
    subscription_letter: Callable[[Waiting], Awaitable[Letter | None]] | None = None
    """Writes the letters of whom the account rooms know nothing: subscribers to the status page."""

    async def deliver(self) -> int:
        """Takes the letters whose turn has come; how many."""
        async with self.database.session() as session:
            mine = await claim(session, self.clock(), BATCH)
        slots = asyncio.Semaphore(AT_ONCE)
        # A link is made when its letter is written and ends the one before: somebody's letters go in their order,
        # or the newest of two would hold the link that the other one ended.
        theirs: dict[str, list[Waiting]] = {}
        for each in sorted(mine, key=lambda waiting: waiting.id):
            theirs.setdefault(each.email, []).append(each)

        async def in_order(letters: list[Waiting]) -> None:
            for each in letters:
                async with slots:
                    try:
                        await self._deliver(each)
                    except Exception as error:
                        # One that fails must not keep the others from being noted.
                        log.error("mail:letter:not_noted %s", type(error).__name__)

        await asyncio.gather(*(in_order(each) for each in theirs.values()))
        return len(mine)

    async def tidy(self) -> None:
        """Removes letters, links, invitations and spent challenges that are long over."""
        now = self.clock()
        async with self.database.session() as session:
            await clear_out(session, self.mail_policy, now)
            await session.execute(delete(LinkRow).where(LinkRow.expires_at < now))
            await session.execute(delete(LoginTicketRow).where(LoginTicketRow.expires_at < now))
            await session.execute(
                delete(InvitationRow).where(InvitationRow.expires_at < now - self.mail_policy.keep_s)
            )
        await self.challenges.forget()

    async def letters(self, most: int = 100) -> list[LetterView]:
        """The newest first."""
        async with self.database.session() as session:
            rows = await session.scalars(select(LetterRow).order_by(LetterRow.id.desc()).limit(most))
            return [
                LetterView(
                    each.id, each.kind, each.email, each.state, each.created_at, each.ended_at, each.tries,
                    each.subject, each.body, each.error,
                )
                for each in rows
            ]  # fmt: skip

    async def _deliver(self, waiting: Waiting) -> None:
        now = self.clock()
        letter = await self._write(waiting)
        if letter is None:
            # Nobody has the address, or nothing is left to say: it was asked for all the same.
            async with self.database.session() as session:
                await session.execute(
                    update(LetterRow).where(LetterRow.id == waiting.id).values(state="void", ended_at=now)
                )
            return
        if not self.mail_policy.sends and self.carrier is None:
            await self._note(
                waiting, state="kept", ended_at=now, subject=letter.subject[:200], body=letter.body
            )
            return
        try:
            message = message_of(
                letter,
                to=waiting.email,
                sender=self._sender,
                name=self.site.name,
                message_id=f"<letter.{waiting.id}.{waiting.tries}.{self.new_id()}@{self._domain}>",
                now=now,
            )
            await (self.carrier or SmtpCarrier(self.mail_policy)).send(message)
        except ValueError as error:
            await self._note(waiting, state="failed", ended_at=now, error=f"{error}"[:200])
        except Undeliverable as error:
            old = now - waiting.created_at >= self.mail_policy.give_up_s
            if error.final or old:
                log.warning(
                    "mail:letter:failed kind=%s tries=%d: %s", waiting.kind.value, waiting.tries, error
                )
                await self._note(waiting, state="failed", ended_at=now, error=f"{error}"[:200])
                return
            wait = self.mail_policy.first_retry_s * 2.0 ** min(waiting.tries - 1, 20)
            due = now + min(wait, self.mail_policy.longest_retry_s)
            log.info("mail:letter:deferred kind=%s tries=%d: %s", waiting.kind.value, waiting.tries, error)
            await self._note(waiting, due_at=due, error=f"{error}"[:200])
        else:
            await self._note(waiting, state="sent", ended_at=now, subject=letter.subject[:200])

    async def _note(self, waiting: Waiting, **values: object) -> None:
        async with self.database.session() as session:
            await session.execute(update(LetterRow).where(LetterRow.id == waiting.id).values(**values))

    async def _write(self, waiting: Waiting) -> Letter | None:
        """The letter's text, with a fresh link where it has one; None where there is nobody to write to."""
        key, kind = email_key(waiting.email), waiting.kind
        if kind is LetterKind.SUBSCRIBE:
            return await self.subscription_letter(waiting) if self.subscription_letter is not None else None
        async with self.database.session() as session:
            if kind in (LetterKind.TURN, LetterKind.INVITATION):
                link = await self.renew_secret(session, key)
                if link is None:
                    return None
                lasts = (
                    self.policy.turn_lifetime_s
                    if kind is LetterKind.TURN
                    else self.policy.invitation_lifetime_s
                )
                return self._compose(waiting, link=link, hours=_hours(lasts))
            row = await session.scalar(select(AccountRow).where(AccountRow.email_key == key))
            if row is None or row.disabled:
                return None
            if kind is LetterKind.VERIFY:
                if row.verified_at is not None:
                    return None
                token, code = await self.mint_link(session, VERIFY, row.id)
                link, hours = self.page(f"/verify?token={token}"), _hours(self.policy.verify_lifetime_s)
                return self._compose(
                    waiting, link=link, hours=hours, page=self.page("/verify"), code=f"{code[:3]} {code[3:]}"
                )
            if kind is LetterKind.RESET:
                token, _ = await self.mint_link(session, RESET, row.id)
                link, hours = self.page(f"/reset?token={token}"), _hours(self.policy.reset_lifetime_s)
                return self._compose(waiting, link=link, hours=hours)
            if kind is LetterKind.LEAKED:
                names = await leaked_names(session, row.id, waiting.created_at)
                return self._compose(waiting, keys="\n".join(f"    {each}" for each in names), page=self.page("/keys"))  # fmt: skip
        page = {
            LetterKind.CHANGED: "/reset",
            LetterKind.BREACH: "/reset",
            LetterKind.FACTORS: "/account/security",
        }.get(kind, "/login")
        return self._compose(waiting, page=self.page(page))

    def _compose(self, waiting: Waiting, **values: object) -> Letter:
        done = sentences(waiting.language, waiting.facts)
        return compose(waiting.kind, waiting.language, name=self.site.name, done=done, **values)

    @property
    def _domain(self) -> str:
        return urlsplit(self.site.base_url).hostname or "localhost"

    @property
    def _sender(self) -> str:
        return self.mail_policy.sender or f"no-reply@{self._domain}"


def _hours(seconds: float) -> int:
    return max(1, round(seconds / 3_600))
