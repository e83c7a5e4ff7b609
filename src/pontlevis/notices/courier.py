"""Carries news to subscribers: fanned out in one statement, claimed, sent, tried again, given up."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import select, update

from pontlevis.accounts.mail.carrier import Carrier, SmtpCarrier, Undeliverable
from pontlevis.accounts.mail.letter import Letter, message_of
from pontlevis.accounts.mail.policy import HOUR_S
from pontlevis.incidents import statuspage
from pontlevis.incidents.service import Incidents
from pontlevis.notices.backoff import wait_s
from pontlevis.notices.fan_out import BATCH, Event, fan_out
from pontlevis.notices.news_letter import news_letter
from pontlevis.notices.post import Poster, Undelivered
from pontlevis.notices.signing import signed_headers
from pontlevis.notices.subscribers import END, MAIL, TEST, WEBHOOK, Subscribers
from pontlevis.storage.tables.telling import NoticeRow, SubscriberRow

CLAIM_S = 120.0  # a notice that was taken and not brought back is tried again after this
TRIES_OF_A_TEST = 3

log = logging.getLogger("pontlevis.notices")


@dataclass(frozen=True, slots=True)
class _Task:
    id: int
    event: Event
    tries: int
    created_at: float
    subscriber: SubscriberRow


class Courier:
    """One service's courier. ``facts`` gives what documents are made of; ``draw`` a random number from 0 to 1."""

    def __init__(
        self,
        subscribers: Subscribers,
        incidents: Incidents,
        poster: Poster,
        *,
        page: statuspage.Page,
        draw: Callable[[], float],
        carrier: Carrier | None = None,
    ) -> None:
        self._subscribers = subscribers
        self._database = subscribers.database
        self._incidents = incidents
        self._poster = poster
        self._page = page
        self._draw = draw
        self.carrier = carrier
        self._clock = subscribers.clock
        self._policy = subscribers.notices
        self._mailed: deque[float] = deque()

    async def deliver(self) -> int:
        """Takes what is due; how many were tried. Call once a second."""
        await self._fan_out()
        tasks = await self._claim()
        slots = asyncio.Semaphore(self._policy.at_once)

        in_order: dict[str, list[_Task]] = {}
        for task in tasks:
            in_order.setdefault(task.subscriber.id, []).append(task)

        async def one(theirs: list[_Task]) -> None:
            for task in theirs:
                async with slots:
                    await self._carry(task)

        for done in await asyncio.gather(*(one(each) for each in in_order.values()), return_exceptions=True):
            if isinstance(done, Exception):
                log.error("notice:delivery:not_noted %s", type(done).__name__)
        return len(tasks)

    async def _fan_out(self) -> None:
        """From news to notices, in one transaction."""
        async with self._database.session() as session:
            await fan_out(session, self._policy, self._clock())

    async def _claim(self) -> list[_Task]:
        """What is due, oldest first, now this caller's for a while."""
        now = self._clock()
        mine: list[_Task] = []
        async with self._database.session() as session:
            due = await session.execute(
                select(NoticeRow, SubscriberRow)
                .join(SubscriberRow, SubscriberRow.id == NoticeRow.subscriber_id)
                .where(NoticeRow.state == "waiting", NoticeRow.due_at <= now)
                .order_by(NoticeRow.due_at, NoticeRow.id)
                .limit(BATCH)
            )
            for row, subscriber in due.all():
                if subscriber.kind == MAIL and not self._may_mail(now):
                    row.due_at = self._mailed[0] + HOUR_S if self._mailed else now + 60.0
                    continue
                won = await session.scalar(
                    update(NoticeRow)
                    .where(
                        NoticeRow.id == row.id, NoticeRow.state == "waiting", NoticeRow.due_at == row.due_at
                    )
                    .values(due_at=now + CLAIM_S, tries=NoticeRow.tries + 1)
                    .returning(NoticeRow.id)
                    .execution_options(synchronize_session=False)
                )
                if won is None:
                    continue
                if subscriber.kind == MAIL:
                    self._mailed.append(now)
                event = msgspec.json.decode(row.event, type=Event)
                mine.append(_Task(row.id, event, row.tries + 1, row.created_at, subscriber))
        return mine

    def _may_mail(self, now: float) -> bool:
        while self._mailed and self._mailed[0] <= now - HOUR_S:
            self._mailed.popleft()
        return len(self._mailed) < self._subscribers.policy.mails_per_hour

    async def _carry(self, task: _Task) -> None:
        subscriber = task.subscriber
        shape = await self._shape(task.event)
        if shape is None or subscriber.state == "ended":
            await self._note(task, state="failed", error="there is nothing left to tell")
            return
        try:
            if subscriber.kind == WEBHOOK:
                await self._post(task, shape)
            else:
                await self._mail(task)
        except (Undelivered, Undeliverable) as error:
            await self._failed(task, error)
        else:
            await self._note(task, state="sent", error="")
            async with self._database.session() as session:
                row = await session.get(SubscriberRow, subscriber.id)
                if row is not None:
                    row.failures = 0
                    if task.event.kind == TEST and row.state == "pending":
                        row.state, row.confirmed_at = "active", self._clock()

    async def _post(self, task: _Task, shape: statuspage.Json) -> None:
        now = self._clock()
        kind = task.event.kind
        body = msgspec.json.encode(
            {
                "type": "subscription.test" if kind == TEST else f"{kind}.updated",
                "timestamp": datetime.fromtimestamp(task.created_at, UTC).isoformat(timespec="milliseconds"),
                "data": shape,
            }
        )
        headers = signed_headers(task.subscriber.secret, f"msg_{task.id}", now, body)
        await self._poster.to_stranger(task.subscriber.target, body, headers)

    async def _mail(self, task: _Task) -> None:
        end = self._subscribers.page(END, task.subscriber.id, task.subscriber.created_at)
        language = task.subscriber.language
        incidents, event = self._incidents, task.event
        view = incidents.view(event.id) if event.kind == "incident" else incidents.maintenance.view(event.id)
        letter = news_letter(view, language, name=self._page.name, url=self._page.url, end=end, event=event)
        carrier = self.carrier or SmtpCarrier(self._subscribers.mail)
        await carrier.send(self._message(task, letter, end))

    def _message(self, task: _Task, letter: Letter, end: str) -> EmailMessage:
        mail = self._subscribers.mail
        domain = urlsplit(self._page.url).hostname or "localhost"
        message = message_of(
            letter,
            to=task.subscriber.target,
            sender=mail.sender or f"no-reply@{domain}",
            name=self._page.name,
            message_id=f"<notice.{task.id}@{domain}>",
            now=self._clock(),
        )
        # RFC 8058: one click, without a page in between; RFC 2919 and 2369 for the rest.
        message["List-Unsubscribe"] = f"<{end}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message["List-Id"] = f"<status.{domain}>"
        return message

    async def _failed(self, task: _Task, error: Undelivered | Undeliverable) -> None:
        policy, now = self._policy, self._clock()
        most = TRIES_OF_A_TEST if task.event.kind == TEST else policy.tries
        gone = isinstance(error, Undelivered) and error.gone
        if not gone and not error.final and task.tries < most:
            wait = wait_s(
                task.tries, first_s=policy.first_retry_s, longest_s=policy.longest_retry_s, draw=self._draw()
            )
            await self._note(task, due_at=now + wait, error=str(error))
            return
        await self._note(task, state="failed", error=str(error))
        async with self._database.session() as session:
            row = await session.get(SubscriberRow, task.subscriber.id)
            if row is None:
                return
            row.failures += 1
            if gone or task.event.kind == TEST or row.failures >= self._subscribers.policy.end_after:
                await self._subscribers.stop(session, row.id, f"not delivered: {error}")

    async def _note(self, task: _Task, **values: object) -> None:
        if "state" in values:
            values["ended_at"] = self._clock()
        async with self._database.session() as session:
            await session.execute(update(NoticeRow).where(NoticeRow.id == task.id).values(**values))

    async def _shape(self, event: Event) -> statuspage.Json | None:
        facts = statuspage.Facts(
            self._page,
            await self._incidents.components(),
            await self._incidents.incidents(),
            self._incidents.maintenance.all,
            self._subscribers.policy.groups,
            self._clock(),
        )
        page = statuspage.page_shape(facts)
        try:
            if event.kind == "incident":
                return {
                    "page": page,
                    "incident": statuspage.incident_shape(self._incidents.view(event.id), facts),
                }
            if event.kind == "maintenance":
                work = self._incidents.maintenance.view(event.id)
                return {"page": page, "maintenance": statuspage.maintenance_shape(work, facts)}
        except KeyError:
            return None
        return {"page": page}
