"""From a piece of news to a notice for each subscriber; what follows soon after another waits and goes with the next.

The news wait where they were written, in the database: a restart loses nothing and delays nothing.
"""

from dataclasses import dataclass

import msgspec
from sqlalchemy import Select, String, cast, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.notices.policy import NoticePolicy
from pontlevis.storage.tables.telling import NoticeRow, SubscriberRow

BATCH = 64
CLOSING = frozenset({"resolved", "postmortem", "completed"})
"""Never kept waiting, nor what comes after them: it begins anew."""


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a notice is about."""

    kind: str
    """``incident``, ``maintenance`` or ``test``."""
    id: str
    status: str
    """Of the newest entry that it tells."""
    since: float = 0.0
    """Unix seconds of the oldest entry that it tells; 0 for the newest alone."""
    until: float = 0.0
    """Unix seconds of the newest."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was given to subscribers last about one incident or announced work."""

    status: str
    at: float


def due_at(status: str, told: Told | None, now: float, *, merge_s: float) -> float:
    """When this piece of news goes out: now, or once ``merge_s`` have passed since the last about the same."""
    if told is None or status in CLOSING or told.status in CLOSING:
        return now
    return max(now, told.at + merge_s)


async def fan_out(session: AsyncSession, policy: NoticePolicy, now: float) -> None:
    """Within the caller's transaction: what is due becomes one notice for each subscriber and subject."""
    news = await session.scalars(
        select(NoticeRow)
        .where(NoticeRow.state == "waiting", NoticeRow.subscriber_id == "", NoticeRow.due_at <= now)
        .order_by(NoticeRow.id)
        .limit(BATCH)
    )
    subjects: dict[tuple[str, str], list[NoticeRow]] = {}
    for row in news.all():
        event = _event(row)
        subjects.setdefault((event.kind, event.id), []).append(row)
    if not subjects:
        return
    waiting = await session.scalar(select(func.count()).where(NoticeRow.state == "waiting")) or 0
    for (kind, subject), rows in subjects.items():
        about = _about(kind, subject)
        last = await session.scalar(
            about.where(NoticeRow.state == "sent").order_by(NoticeRow.ended_at.desc(), NoticeRow.id.desc()).limit(1)
        )  # fmt: skip
        told = Told(_event(last).status, last.ended_at or 0.0) if last is not None else None
        when = min(due_at(_event(each).status, told, now, merge_s=policy.merge_s) for each in rows)
        if when > now:
            for each in rows:
                each.due_at = when
            continue
        together = list(
            await session.scalars(about.where(NoticeRow.state == "waiting").order_by(NoticeRow.id))
        )
        await _give(session, together, now, full=waiting >= policy.most_waiting)


async def _give(session: AsyncSession, together: list[NoticeRow], now: float, *, full: bool) -> None:
    for each in together:
        each.state, each.ended_at = ("failed" if full else "sent"), now
        each.error = "too many notices wait" if full else ""
    if full:
        return
    newest = _event(together[-1])
    event = msgspec.structs.replace(
        newest,
        since=min(each.created_at for each in together),
        until=max(each.created_at for each in together),
    )
    await session.execute(
        insert(NoticeRow).from_select(
            ["subscriber_id", "event", "state", "created_at", "due_at", "tries", "error"],
            select(
                SubscriberRow.id,
                cast(literal(msgspec.json.encode(event).decode()), String),
                literal("waiting"),
                literal(now),
                literal(now),
                literal(0),
                literal(""),
            ).where(SubscriberRow.state == "active"),
        )
    )


def _about(kind: str, subject: str) -> Select[NoticeRow]:
    """The news of one incident or announced work, by how events begin."""
    begins = msgspec.json.encode({"kind": kind, "id": subject}).decode().removesuffix("}") + ","
    return select(NoticeRow).where(
        NoticeRow.subscriber_id == "", NoticeRow.event.startswith(begins, autoescape=True)
    )


def _event(row: NoticeRow) -> Event:
    return msgspec.json.decode(row.event, type=Event)
