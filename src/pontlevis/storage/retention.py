"""How long each table keeps what: found, counted, removed in small transactions."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, delete, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.storage.audit import audit_key, record_audit, write_head
from pontlevis.storage.chain import Head
from pontlevis.storage.database import Database
from pontlevis.storage.safety_policy import SafetyPolicy
from pontlevis.storage.sums import table_of
from pontlevis.storage.tables.accounts import AccountRow, KeyRow, UsageRow, WaitlistRow
from pontlevis.storage.tables.base import Base
from pontlevis.storage.tables.control import AuditHeadRow, AuditRow, DecisionRow, FindingRow, TransitionRow
from pontlevis.storage.tables.incidents import ComponentDayRow, IncidentRow, IncidentUpdateRow, ServedDayRow

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Rule:
    """What one setting removes. ``blank``: columns that are emptied, where the row itself stays."""

    setting: str
    days: int
    row: type[Base]
    over: ColumnElement[bool]
    blank: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """How many rows a rule finds now, or has removed."""

    setting: str
    table: str
    days: int
    rows: int
    blanks: bool
    """Whether only some of their columns are emptied."""


def rules(policy: SafetyPolicy, now: float) -> list[Rule]:
    """All but the audit log's, which has a chain to mind. ``now``: Unix seconds. 0 days keeps for ever."""
    day = int(now // DAY_S)

    def ago(days: int) -> float:
        return now - days * DAY_S

    incidents_over = IncidentRow.resolved_at < ago(policy.incidents_days)
    found = [
        Rule("usage_days", policy.usage_days, UsageRow, UsageRow.day < day - policy.usage_days),
        Rule(
            "waitlist_days",
            policy.waitlist_days,
            WaitlistRow,
            (WaitlistRow.registered_at < ago(policy.waitlist_days))
            | (WaitlistRow.invited_at < ago(policy.waitlist_days)),
        ),
        Rule(
            "waiting_days",
            policy.waiting_days,
            WaitlistRow,
            WaitlistRow.created_at < ago(policy.waiting_days),
        ),
        Rule(
            "revoked_keys_days",
            policy.revoked_keys_days,
            KeyRow,
            KeyRow.revoked_at < ago(policy.revoked_keys_days),
        ),
        Rule(
            "sign_up_source_days",
            policy.sign_up_source_days,
            AccountRow,
            (AccountRow.created_at < ago(policy.sign_up_source_days))
            & ((AccountRow.created_from != "") | (AccountRow.created_fingerprint != 0)),
            blank=(("created_from", ""), ("created_fingerprint", 0)),
        ),
        Rule("findings_days", policy.findings_days, FindingRow, FindingRow.at < ago(policy.findings_days)),
        Rule(
            "decisions_days",
            policy.decisions_days,
            DecisionRow,
            DecisionRow.expires_at < ago(policy.decisions_days),
        ),
        Rule(
            "transitions_days",
            policy.transitions_days,
            TransitionRow,
            TransitionRow.at < ago(policy.transitions_days),
        ),
        Rule(
            "incidents_days",
            policy.incidents_days,
            IncidentUpdateRow,
            IncidentUpdateRow.incident_id.in_(select(IncidentRow.id).where(incidents_over)),
        ),
        Rule("incidents_days", policy.incidents_days, IncidentRow, incidents_over),
        Rule(
            "availability_days",
            policy.availability_days,
            ComponentDayRow,
            ComponentDayRow.day < day - policy.availability_days,
        ),
        Rule(
            "availability_days",
            policy.availability_days,
            ServedDayRow,
            ServedDayRow.day < day - policy.availability_days,
        ),
    ]
    return [each for each in found if each.days > 0]


async def due(database: Database, policy: SafetyPolicy, now: float) -> list[Due]:
    """What a sweep would remove now; changes nothing."""
    found: list[Due] = []
    async with database.session() as session:
        for rule in rules(policy, now):
            count = await session.scalar(select(func.count()).select_from(rule.row).where(rule.over))
            found.append(_due(rule, int(count or 0)))
        if policy.audit_days:
            count = await session.scalar(
                select(func.count())
                .select_from(AuditRow)
                .where(AuditRow.id < await _first_kept(session, policy, now))
            )
            found.append(Due("audit_days", "audit_log", policy.audit_days, int(count or 0), False))
    return found


async def sweep(database: Database, policy: SafetyPolicy, now: float) -> list[Due]:
    """Removes what is over, at most ``sweep_batches`` transactions a rule; returns those that found something."""
    done: list[Due] = []
    for rule in rules(policy, now):
        rows = 0
        for _ in range(policy.sweep_batches):
            async with database.session() as session:
                part = await _remove(session, rule, policy.sweep_rows)
            rows += part
            if part < policy.sweep_rows:
                break
        if rows:
            done.append(_due(rule, rows))
    if policy.audit_days:
        rows = 0
        for _ in range(policy.sweep_batches):
            async with database.session() as session:
                part = await _cut_audit(session, policy, now)
            rows += part
            if part < policy.sweep_rows:
                break
        if rows:
            done.append(Due("audit_days", "audit_log", policy.audit_days, rows, False))
    if done:
        async with database.session() as session:
            await record_audit(
                session, at=now, actor="retention", event="service:data:removed",
                detail="; ".join(f"{each.table}: {each.rows} rows older than {each.days} days" for each in done),
            )  # fmt: skip
    return done


def _due(rule: Rule, rows: int) -> Due:
    return Due(rule.setting, rule.row.__tablename__, rule.days, rows, bool(rule.blank))


async def _remove(session: AsyncSession, rule: Rule, most: int) -> int:
    table = table_of(rule.row)
    keys = list(table.primary_key.columns)
    wanted: Select[tuple[object, ...]] = select(*keys).where(rule.over).order_by(*keys).limit(most)
    connection = await session.connection()
    # Compared as a row, since some tables have a key of several columns.
    these = keys[0].in_(wanted) if len(keys) == 1 else tuple_(*keys).in_(wanted)
    statement = (
        update(table).where(these).values(dict(rule.blank)) if rule.blank else delete(table).where(these)
    )
    return (await connection.execute(statement)).rowcount


async def _first_kept(session: AsyncSession, policy: SafetyPolicy, now: float) -> int:
    """The first line that is young enough; all before it may go, whatever times they claim."""
    kept = await session.scalar(
        select(func.min(AuditRow.id)).where(AuditRow.at >= now - policy.audit_days * DAY_S)
    )
    return int(kept) if kept is not None else 0


async def _cut_audit(session: AsyncSession, policy: SafetyPolicy, now: float) -> int:
    """Removes the chain's oldest lines and notes the hash of the last of them; the newest line always stays."""
    head = await session.scalar(select(AuditHeadRow).where(AuditHeadRow.id == 1).with_for_update())
    if head is None:
        return 0
    rows = list(
        await session.execute(
            select(AuditRow.id, AuditRow.hash)
            .where(AuditRow.id < await _first_kept(session, policy, now))
            .order_by(AuditRow.id)
            .limit(policy.sweep_rows)
        )
    )
    if not rows:
        return 0
    last, hash_ = rows[-1]
    await session.execute(delete(AuditRow).where(AuditRow.id <= last))
    await session.refresh(head)  # SQLite's lock is held since the deletion
    fresh = Head(head.count, head.last_id, head.hash, head.base_count + len(rows), str(hash_))
    bind = session.get_bind()
    key = audit_key(bind.engine)
    await session.run_sync(lambda held: write_head(held.connection(), fresh, key))
    return len(rows)
