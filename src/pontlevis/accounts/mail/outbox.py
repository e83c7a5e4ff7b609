"""Letters that wait: left by requests, counted against the caps, claimed by the postman."""

from dataclasses import dataclass

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.emails import email_key
from pontlevis.accounts.mail.letter import LetterKind
from pontlevis.accounts.mail.policy import HOUR_S, MailPolicy
from pontlevis.storage.tables.gate import LetterRow

CLAIM_S = 120.0
"""A letter that a postman took and did not bring back is tried again after this."""
SHARES = {
    LetterKind.RESET: 1.0,
    LetterKind.VERIFY: 0.75,
    LetterKind.KNOWN: 0.75,
    LetterKind.SUBSCRIBE: 0.25,
}
"""Letters that anybody can ask for, each kind up to this share of the hour's: floods of sign-ups and subscriptions with
made-up addresses leave a forgotten password its letter. The others tell of something that happened to somebody; what
strangers ask for must not keep them back (choice)."""
MOST_VOID = 10_000
"""Rows of letters that turned out to be for nobody, kept for the counts of their sources."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A letter whose turn has come."""

    id: int
    kind: LetterKind
    email: str
    language: str
    tries: int
    created_at: float
    facts: tuple[str, ...] = ()


async def leave(
    session: AsyncSession,
    policy: MailPolicy,
    kind: LetterKind,
    email: str,
    *,
    language: str,
    source: str,
    now: float,
) -> bool:
    """Leaves a letter within the caller's transaction; False where a cap forbids it.

    Costs the same whether or not anybody has the address: who it is for is found out by the postman. To one person each
    kind is counted apart, or whoever asks for letters that say nothing would keep back those that say something.
    """
    key = email_key(email)
    row = LetterRow
    since_then = row.created_at > now - HOUR_S
    asked = row.kind.in_([each.value for each in SHARES])
    # Letters after a breach have a pace of their own: they must not keep a new password from anybody.
    alike = asked if kind in SHARES else ~asked & (row.kind != LetterKind.BREACH.value)
    same_kind = row.kind == kind.value
    counts = (
        await session.execute(
            select(
                select(func.count()).where(same_kind, row.email_key == key, since_then).scalar_subquery(),
                select(func.count()).where(alike, row.source == source, since_then).scalar_subquery(),
                # Those that were for nobody went to no server.
                select(func.count()).where(alike, since_then, row.state != "void").scalar_subquery(),
                select(func.count()).where(alike, row.state == "waiting").scalar_subquery(),
            )
        )
    ).one()
    to_person, from_source, in_all, waiting = (int(each) for each in counts)
    if (
        to_person >= policy.per_address
        or (source and from_source >= policy.per_source)
        or in_all >= policy.per_hour * SHARES.get(kind, 1.0)
        or waiting >= policy.most_waiting
    ):
        return False
    session.add(
        LetterRow(
            kind=kind.value,
            email=email,
            email_key=key,
            language=language,
            source=source,
            created_at=now,
            due_at=now,
        )
    )
    return True


async def leave_notice(
    session: AsyncSession,
    kind: LetterKind,
    email: str,
    *,
    language: str,
    facts: str,
    now: float,
    due_at: float,
) -> None:
    """Leaves a letter that nobody asked for and no cap forbids; ``due_at`` keeps its pace."""
    session.add(
        LetterRow(
            kind=kind.value, email=email, email_key=email_key(email), language=language, source="",
            created_at=now, due_at=due_at, facts=facts,
        )
    )  # fmt: skip


async def notices_due(session: AsyncSession, policy: MailPolicy, now: float) -> float:
    """When the next of these may go: after those that wait, at most as many an hour as other letters."""
    last = await session.scalar(
        select(func.max(LetterRow.due_at)).where(
            LetterRow.kind == LetterKind.BREACH.value, LetterRow.state == "waiting"
        )
    )
    return now if last is None else max(now, last + HOUR_S / max(1, policy.per_hour))


async def room_left(session: AsyncSession, policy: MailPolicy, now: float) -> int:
    """How many more letters this hour's cap allows in all."""
    sent = await session.scalar(
        select(func.count()).where(
            LetterRow.created_at > now - HOUR_S,
            LetterRow.kind != LetterKind.BREACH.value,
            LetterRow.state != "void",
        )
    )
    return max(0, policy.per_hour - int(sent or 0))


async def claim(session: AsyncSession, now: float, most: int) -> list[Waiting]:
    """The letters that are due, oldest first, now this caller's for a while: two postmen never take one."""
    due = list(
        await session.scalars(
            select(LetterRow)
            .where(LetterRow.state == "waiting", LetterRow.due_at <= now)
            .order_by(LetterRow.due_at)
            .limit(most)
        )
    )
    mine = []
    for row in due:
        won = await session.scalar(
            update(LetterRow)
            .where(LetterRow.id == row.id, LetterRow.state == "waiting", LetterRow.due_at == row.due_at)
            .values(due_at=now + CLAIM_S, tries=LetterRow.tries + 1)
            .returning(LetterRow.id)
            .execution_options(synchronize_session=False)
        )
        if won is not None:
            mine.append(
                Waiting(
                    row.id,
                    LetterKind(row.kind),
                    row.email,
                    row.language,
                    row.tries + 1,
                    row.created_at,
                    tuple(row.facts.split()),
                )
            )
    return mine


async def clear_out(session: AsyncSession, policy: MailPolicy, now: float) -> None:
    """Removes what is old, and of the mailbox all but the newest."""
    row = LetterRow
    await session.execute(
        delete(row).where(
            row.state != "waiting", or_(row.ended_at < now - policy.keep_s, row.ended_at.is_(None))
        )
    )
    for state, most in (("kept", policy.mailbox_letters), ("void", MOST_VOID)):
        last = await session.scalar(
            select(row.id).where(row.state == state).order_by(row.id.desc()).offset(most).limit(1)
        )
        if last is not None:
            await session.execute(delete(row).where(row.state == state, row.id <= last))
