"""Gives alerts to receivers: queued for each, tried again with backoff, bounded by the hour.

The queues are in memory: an alert that the database is away must not wait for the database. What was told
is kept there where it can be, so that a restart tells nothing twice and takes back what is over.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import delete, select

from pontlevis.accounts.mail.carrier import Carrier, SmtpCarrier, Undeliverable
from pontlevis.accounts.mail.letter import message_of
from pontlevis.accounts.mail.policy import HOUR_S, MailPolicy
from pontlevis.notices import shapes
from pontlevis.notices.alert import Action, Alert, AlertBook, Change, Facts, alerts_of
from pontlevis.notices.backoff import wait_s
from pontlevis.notices.policy import SEVERITIES, AlertPolicy, AlertReceiver, NoticePolicy, ReceiverKind
from pontlevis.notices.post import Poster, Undelivered
from pontlevis.notices.signing import signed_headers
from pontlevis.storage.database import Database
from pontlevis.storage.tables.telling import AlertRow

log = logging.getLogger("pontlevis.alerts")


@dataclass
class _Line:
    """What waits for one receiver."""

    receiver: AlertReceiver
    waiting: deque[Change]
    tries: int = 0
    due_at: float = 0.0
    busy: bool = False
    sent: deque[float] = field(default_factory=deque)
    withheld: int = 0
    dropped: int = 0
    delivered: int = 0
    resend_at: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class ReceiverView:
    """How a receiver does, for operators."""

    name: str
    kind: str
    waiting: int
    delivered: int
    withheld: int
    dropped: int
    error: str


class AlertRoom:
    """``service`` and ``url`` (the console's) are told with each alert; ``draw`` is random from 0 to 1."""

    def __init__(
        self,
        database: Database,
        policy: AlertPolicy,
        delivery: NoticePolicy,
        mail: MailPolicy,
        poster: Poster,
        *,
        service: str,
        url: str,
        clock: Callable[[], float],
        draw: Callable[[], float],
        carrier: Carrier | None = None,
    ) -> None:
        self._database = database
        self.policy = policy
        self._delivery = delivery
        self._mail = mail
        self._poster = poster
        self._service = service
        self._url = url
        self._clock = clock
        self._draw = draw
        self.carrier = carrier
        self.book = AlertBook(policy)
        self._lines = [_Line(each, deque()) for each in policy.receivers]
        self._under_way: set[asyncio.Task[None]] = set()
        self._unsaved = False

    async def start(self) -> None:
        """Takes up what had been told."""
        async with self._database.session() as session:
            rows = await session.scalars(select(AlertRow))
            self.book.restore(
                [Alert(each.key, each.name, each.severity, each.summary, each.since) for each in rows]
            )

    async def tick(self, facts: Facts) -> None:
        """One second: what has changed is queued and sent. Never raises, never waits for a receiver."""
        if not self._lines:
            return
        now = self._clock()
        changes = self.book.take(alerts_of(facts, self.policy), now)
        for change in changes:
            log.warning("alert:%s:%s %s", change.alert.name, change.action.value, change.alert.summary)
            self._queue(change)
        self._unsaved = self._unsaved or bool(changes)
        if self._unsaved and facts.database_ok:
            await self._save()
        self._send_due(now)

    async def acknowledge(self, key: str, *, actor: str) -> Alert:
        """Raises ``KeyError`` for what does not stand."""
        change = self.book.acknowledge(key, actor=actor, now=self._clock())
        self._queue(change)
        return change.alert

    async def test(self, name: str | None = None) -> dict[str, str]:
        """Tries each receiver (or one) now; empty for what was taken, else why not. Raises ``KeyError``."""
        lines = [each for each in self._lines if name is None or each.receiver.name == name]
        if name is not None and not lines:
            raise KeyError(name)
        now = self._clock()
        alert = Alert("test", "test", "warning", "A test of alerts. Nothing is wrong.", now)

        async def one(line: _Line) -> str:
            try:
                await self._send(line.receiver, Change(Action.TRIGGER, alert, now), now)
                if line.receiver.kind in (ReceiverKind.PAGERDUTY, ReceiverKind.ALERTMANAGER):
                    await self._send(line.receiver, Change(Action.RESOLVE, alert, now), now)
            except (Undelivered, Undeliverable, ValueError) as error:
                return str(error) or type(error).__name__
            return ""

        found = await asyncio.gather(*(one(each) for each in lines))
        return {line.receiver.name: error for line, error in zip(lines, found, strict=True)}

    @property
    def receivers(self) -> list[ReceiverView]:
        return [
            ReceiverView(
                each.receiver.name, each.receiver.kind.value, len(each.waiting), each.delivered,
                each.withheld, each.dropped, each.error,
            )
            for each in self._lines
        ]  # fmt: skip

    async def close(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _queue(self, change: Change) -> None:
        for line in self._lines:
            receiver = line.receiver
            wanted = not receiver.events or change.alert.name in receiver.events
            heard = SEVERITIES.index(change.alert.severity) >= SEVERITIES.index(receiver.least)
            if not wanted or not heard:
                continue
            if change.action is Action.ACKNOWLEDGE and receiver.kind is ReceiverKind.ALERTMANAGER:
                continue  # there silences are made, not acknowledged
            if len(line.waiting) >= self.policy.most_waiting:
                line.waiting.popleft()
                line.dropped += 1
            line.waiting.append(change)

    def _send_due(self, now: float) -> None:
        for line in self._lines:
            if line.receiver.kind is ReceiverKind.ALERTMANAGER and now >= line.resend_at:
                line.resend_at = now + self.policy.resend_s
                if not line.waiting:
                    # What stands ends by itself at Alertmanager where it is not told again.
                    for alert in self.book.standing:
                        if not line.receiver.events or alert.name in line.receiver.events:
                            line.waiting.append(Change(Action.TRIGGER, alert, now))
            if line.waiting and not line.busy and now >= line.due_at:
                line.busy = True
                task = asyncio.create_task(self._drain(line))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)

    async def _drain(self, line: _Line) -> None:
        try:
            while line.waiting:
                now = self._clock()
                while line.sent and line.sent[0] <= now - HOUR_S:
                    line.sent.popleft()
                change = line.waiting[0]
                # Alertmanager and PagerDuty join what is the same; what is over must reach them.
                if len(line.sent) >= self.policy.per_hour and change.action is Action.TRIGGER:
                    line.waiting.popleft()
                    line.withheld += 1
                    continue
                await self._send(line.receiver, change, now)
                if line.waiting and line.waiting[0] is change:
                    line.waiting.popleft()
                line.sent.append(now)
                line.delivered += 1
                line.tries, line.error = 0, ""
        except (Undelivered, Undeliverable, ValueError) as error:
            line.tries += 1
            line.error = str(error) or type(error).__name__
            log.warning("alert:receiver:failed %s: %s", line.receiver.name, line.error)
            if line.tries >= self._delivery.tries and line.waiting:
                line.waiting.popleft()
                line.dropped += 1
                line.tries = 0
            wait = wait_s(
                max(1, line.tries), first_s=self._delivery.first_retry_s,
                longest_s=self._delivery.longest_retry_s, draw=self._draw(),
            )  # fmt: skip
            line.due_at = self._clock() + wait
        except Exception:
            log.exception("alert:receiver:failed %s", line.receiver.name)
            line.due_at = self._clock() + self._delivery.longest_retry_s
        finally:
            line.busy = False

    async def _send(self, receiver: AlertReceiver, change: Change, now: float) -> None:
        service, url = self._service, self._url
        kind = receiver.kind
        if kind is ReceiverKind.MAIL:
            await self._mail_to(receiver.to, change, now)
        elif kind is ReceiverKind.SLACK:
            await self._poster.to_own(receiver.url, shapes.slack_body(change, service=service, url=url), {})
        elif kind is ReceiverKind.PAGERDUTY:
            body = shapes.pagerduty_body(change, routing_key=receiver.secret, service=service, url=url)
            await self._poster.to_own(receiver.url or shapes.PAGERDUTY_URL, body, {})
        elif kind is ReceiverKind.ALERTMANAGER:
            ends = now if change.action is Action.RESOLVE else now + 3 * self.policy.resend_s
            body = shapes.alertmanager_body([(change.alert, ends)], service=service, url=url)
            base = receiver.url.rstrip("/").removesuffix(shapes.ALERTMANAGER_PATH)
            await self._poster.to_own(base + shapes.ALERTMANAGER_PATH, body, {})
        else:
            body = shapes.webhook_body(change, service=service, url=url)
            message = f"msg_{change.alert.key}_{change.action.value}_{change.at:.3f}"
            await self._poster.to_own(receiver.url, body, signed_headers(receiver.secret, message, now, body))

    async def _mail_to(self, to: str, change: Change, now: float) -> None:
        if not self._mail.sends and self.carrier is None:
            raise Undelivered("no SMTP server is set up (settings, [mail])")
        domain = self._mail.sender.rpartition("@")[2] or "localhost"
        message = message_of(
            shapes.letter(change, service=self._service, url=self._url),
            to=to,
            sender=self._mail.sender or f"no-reply@{domain}",
            name=self._service,
            message_id=f"<alert.{change.alert.key.replace(':', '.')}.{change.at:.3f}@{domain}>",
            now=now,
        )
        await (self.carrier or SmtpCarrier(self._mail)).send(message)

    async def _save(self) -> None:
        try:
            async with asyncio.timeout(1.0), self._database.session() as session:
                await session.execute(delete(AlertRow))
                for each in self.book.standing:
                    session.add(
                        AlertRow(
                            key=each.key[:100], name=each.name, severity=each.severity,
                            summary=each.summary, since=each.since,
                        )
                    )  # fmt: skip
        except Exception:
            log.warning("alert:book:not_saved")
        else:
            self._unsaved = False
