"""The audit log: who changed what, by the grammar ``source:subject:action``, each line chained to the one before."""

from collections.abc import AsyncIterator
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, event, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from pontlevis.storage.chain import Head, Line, head_mac, line_hash
from pontlevis.storage.sums import table_of
from pontlevis.storage.tables.control import AuditHeadRow, AuditRow

_PENDING = "pontlevis audit lines"
_KEYS: WeakKeyDictionary[Engine, bytes] = WeakKeyDictionary()
_LOG, _HEAD = table_of(AuditRow), table_of(AuditHeadRow)


class ChainedSession(Session):
    """A session that appends the transaction's audit lines to the chain as the last thing before it commits."""


def add_audit(
    session: AsyncSession, *, at: float, actor: str, event: str, subject: str = "", detail: str = ""
) -> None:
    """``record_audit`` for callers that do not wait."""
    line = Line(at, actor[:200], event[:100], subject[:200], detail[:10_000])
    session.sync_session.info.setdefault(_PENDING, []).append(line)


async def record_audit(
    session: AsyncSession, *, at: float, actor: str, event: str, subject: str = "", detail: str = ""
) -> None:
    """Adds one line within the caller's transaction, so that the change and its record stand or fall together.

    ``at`` is Unix seconds. The line is written when the transaction commits: the end of the chain is locked
    last and for a moment only, so that two writers neither wait for one another's work nor lock each other.
    """
    add_audit(session, at=at, actor=actor, event=event, subject=subject, detail=detail)


def use_audit_key(engine: Engine, key: bytes) -> None:
    """From now on the end of the chain is written under an HMAC with this key."""
    _KEYS[engine] = key


def audit_key(engine: Engine) -> bytes | None:
    return _KEYS.get(engine)


async def recent_audit(session: AsyncSession, *, most: int = 100) -> list[AuditRow]:
    """The newest lines first."""
    rows = await session.scalars(select(AuditRow).order_by(AuditRow.id.desc()).limit(most))
    return list(rows)


async def all_audit(session: AsyncSession, *, after: int = 0, chunk: int = 1_000) -> AsyncIterator[AuditRow]:
    """Every line from the oldest, in parts, so that a long log needs little memory."""
    while True:
        rows = list(
            await session.scalars(
                select(AuditRow).where(AuditRow.id > after).order_by(AuditRow.id).limit(chunk)
            )
        )
        for row in rows:
            yield row
        if len(rows) < chunk:
            return
        after = rows[-1].id
        session.expunge_all()


def line_of(row: AuditRow) -> Line:
    return Line(row.at, row.actor, row.event, row.subject, row.detail)


def head_of(row: AuditHeadRow) -> Head:
    return Head(row.count, row.last_id, row.hash, row.base_count, row.base_hash)


def append(connection: Connection, lines: list[Line], key: bytes | None) -> None:
    """Writes lines at the end of the chain; the caller's transaction holds the end until it is over."""
    # The update takes the lock (a row's in PostgreSQL, the database's in SQLite) and reads what is newest under it.
    end = connection.execute(
        update(_HEAD)
        .where(_HEAD.c.id == 1)
        .values(count=_HEAD.c.count + len(lines))
        .returning(_HEAD.c.count, _HEAD.c.hash, _HEAD.c.base_count, _HEAD.c.base_hash)
    ).one()
    prior, last = str(end[1]), 0
    for line in lines:
        hash_ = line_hash(prior, line)
        made = connection.execute(
            insert(_LOG)
            .values(
                at=line.at, actor=line.actor, event=line.event, subject=line.subject, detail=line.detail,
                prior=prior, hash=hash_,
            )
            .returning(_LOG.c.id)
        )  # fmt: skip
        prior, last = hash_, int(made.scalar_one())
    head = Head(int(end[0]), last, prior, int(end[2]), str(end[3]))
    write_head(connection, head, key)


def write_head(connection: Connection, head: Head, key: bytes | None) -> None:
    connection.execute(
        update(_HEAD)
        .where(_HEAD.c.id == 1)
        .values(
            count=head.count,
            last_id=head.last_id,
            hash=head.hash,
            base_count=head.base_count,
            base_hash=head.base_hash,
            mac=head_mac(key, head) if key is not None else "",
        )
    )


@event.listens_for(ChainedSession, "before_commit")
def _append_pending(session: Session) -> None:
    lines: list[Line] = session.info.pop(_PENDING, [])
    if not lines:
        return
    session.flush()
    connection = session.connection()
    append(connection, lines, audit_key(connection.engine))


@event.listens_for(ChainedSession, "after_soft_rollback")
def _forget_pending(session: Session, _: object) -> None:
    session.info.pop(_PENDING, None)
