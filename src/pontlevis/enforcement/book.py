"""The decisions in force: made, lifted, expired, kept in the database before they are acted on."""

from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from sqlalchemy import select, update

from pontlevis.brain.detection.finding import Measure
from pontlevis.brain.reach import Reach
from pontlevis.link.messages import DecisionRecord
from pontlevis.storage.audit import add_audit
from pontlevis.storage.database import Database
from pontlevis.storage.tables.control import DecisionRow

SCOPES = ("address", "prefix", "account", "credential")
PLACES = ("address", "prefix")
CREDENTIAL_DIGITS = 16
TOLD_SINGLY = 10
TOLD_TOGETHER = 100  # of one line of 10,000 characters
MOST_IN_FORCE = 100_000  # bounds memory in every gateway; about 30 MB
WIDEST_PREFIX = {4: 16, 6: 32}  # an operator's slip must not ban a continent


class Protected:
    """What may never be banned: ourselves and the proxies we trust."""

    def __init__(self, trusted_proxies: Iterable[str]) -> None:
        own = ("127.0.0.1", "::1")
        self._networks = tuple(ip_network(each, strict=False) for each in (*own, *trusted_proxies))

    @property
    def names(self) -> frozenset[str]:
        return frozenset(
            str(each.network_address) if each.num_addresses == 1 else str(each) for each in self._networks
        )

    def touches(self, network: IPv4Network | IPv6Network) -> bool:
        return any(each.version == network.version and each.overlaps(network) for each in self._networks)


class DecisionBook:
    """Decisions of one service. Times are Unix seconds."""

    def __init__(self, database: Database, protected: Protected, clock: Callable[[], float]) -> None:
        self._database = database
        self._protected = protected
        self._clock = clock
        self._in_force: dict[int, DecisionRecord] = {}
        self._by_target: dict[tuple[str, str, Reach], int] = {}

    async def start(self) -> None:
        """Loads what was in force when the service stopped."""
        async with self._database.session() as session:
            rows = await session.scalars(
                select(DecisionRow).where(
                    DecisionRow.expires_at > self._clock(), DecisionRow.lifted.is_(False)
                )
            )
            for row in rows:
                self._enter(_record(row))

    @property
    def in_force(self) -> list[DecisionRecord]:
        now = self._clock()
        return [each for each in self._in_force.values() if each.expires_at > now]

    async def propose(self, measures: Iterable[Measure]) -> list[DecisionRecord]:
        """Puts the detectors' measures in force; those that are refused or stand already are left out."""
        now = self._clock()
        rows: list[DecisionRow] = []
        for measure in measures:
            try:
                value = self._checked(measure.scope, measure.value)
            except ValueError:
                continue
            if (measure.scope, value, measure.reach) in self._by_target or len(self._in_force) + len(
                rows
            ) >= MOST_IN_FORCE:
                continue
            rows.append(
                DecisionRow(
                    scope=measure.scope,
                    value=value,
                    reach=measure.reach.value,
                    reason=measure.reason,
                    finding=measure.finding,
                    origin="detection",
                    created_at=now,
                    expires_at=now + measure.duration_s,
                    lifted=False,
                )
            )
        return await self._keep(rows, "detection")

    async def decide(
        self,
        *,
        scope: str,
        value: str,
        reason: str,
        duration_s: float,
        actor: str,
        reach: Reach = Reach.EVERYTHING,
    ) -> DecisionRecord:
        """An operator's decision. Raises ``ValueError`` saying why it is refused."""
        value = self._checked(scope, value)
        if scope not in PLACES and reach is not Reach.EVERYTHING:
            raise ValueError("an account or a key is refused altogether; only an address or a prefix in part")
        if not 1 <= duration_s <= 366 * 86_400:
            raise ValueError("a decision lasts from a second to 366 days")
        if len(self._in_force) >= MOST_IN_FORCE:
            raise ValueError(f"{MOST_IN_FORCE} decisions are in force already")
        now = self._clock()
        row = DecisionRow(
            scope=scope,
            value=value,
            reach=reach.value,
            reason=reason,
            finding="",
            origin=actor,
            created_at=now,
            expires_at=now + duration_s,
            lifted=False,
        )
        (record,) = await self._keep([row], actor)
        return record

    async def lift(self, decision: int, *, actor: str, reason: str) -> DecisionRecord:
        """Ends a decision. Raises ``KeyError`` when none of that number is in force."""
        record = self._in_force[decision]
        async with self._database.session() as session:
            await session.execute(
                update(DecisionRow)
                .where(DecisionRow.id == decision)
                .values(lifted=True, lifted_by=actor, lifted_reason=reason)
            )
            add_audit(
                session, at=self._clock(), actor=actor, event="decision:source:lifted",
                subject=f"{record.scope} {record.value}", detail=reason,
            )  # fmt: skip
        self._leave(record)
        return DecisionRecord(
            record.id, record.scope, record.value, record.reason, record.created_at, record.expires_at, record.origin, True,
            record.finding, record.reach,
        )  # fmt: skip

    def expire(self) -> None:
        """Forgets what has ended; call now and then."""
        now = self._clock()
        for record in [each for each in self._in_force.values() if each.expires_at <= now]:
            self._leave(record)

    def _checked(self, scope: str, value: str) -> str:
        if scope == "account":
            if not value or len(value) > 100:
                raise ValueError("an account's identifier has 1 to 100 characters")
            return value
        if scope == "credential":
            if len(value) != CREDENTIAL_DIGITS or not set(value) <= set("0123456789abcdef"):
                raise ValueError(f"a key's identifier has {CREDENTIAL_DIGITS} hexadecimal digits")
            return value
        if scope == "address":
            address = ip_address(value)
            if self._protected.touches(ip_network(address)):
                raise ValueError(f"{address} is this service itself or a proxy that it trusts")
            return str(address)
        if scope == "prefix":
            network = ip_network(value, strict=False)
            if network.prefixlen < WIDEST_PREFIX[network.version]:
                raise ValueError(f"{network} is wider than /{WIDEST_PREFIX[network.version]}")
            if self._protected.touches(network):
                raise ValueError(f"{network} holds this service itself or a proxy that it trusts")
            return str(network)
        raise ValueError(f"a decision's scope is one of {', '.join(SCOPES)}")

    async def _keep(self, rows: list[DecisionRow], actor: str) -> list[DecisionRecord]:
        if not rows:
            return []
        async with self._database.session() as session:
            session.add_all(rows)
            await session.flush()
            records = [_record(row) for row in rows]
            for event, subject, detail in _told(records):
                add_audit(session, at=self._clock(), actor=actor, event=event, subject=subject, detail=detail)
        for record in records:
            self._enter(record)
        return records

    def _enter(self, record: DecisionRecord) -> None:
        self._in_force[record.id] = record
        self._by_target[record.scope, record.value, record.reach] = record.id

    def _leave(self, record: DecisionRecord) -> None:
        self._in_force.pop(record.id, None)
        target = (record.scope, record.value, record.reach)
        if self._by_target.get(target) == record.id:
            del self._by_target[target]


def _told(records: list[DecisionRecord]) -> Iterator[tuple[str, str, str]]:
    """Lines of the audit log: one for each decision, and of a flood of them one for as many as fit."""
    event = "decision:source:made"
    if len(records) <= TOLD_SINGLY:
        for each in records:
            partly = "" if each.reach is Reach.EVERYTHING else f" ({each.reach.value} only)"
            yield event, f"{each.scope} {each.value}{partly}", each.reason
        return
    for start in range(0, len(records), TOLD_TOGETHER):
        part = records[start : start + TOLD_TOGETHER]
        names = " ".join(f"{each.id}:{each.scope}:{each.value}" for each in part)
        yield event, f"{len(part)} decisions", f"{part[0].reason} — {names}"


def _record(row: DecisionRow) -> DecisionRecord:
    return DecisionRecord(
        row.id,
        row.scope,
        row.value,
        row.reason,
        row.created_at,
        row.expires_at,
        row.origin,
        row.lifted,
        row.finding,
        Reach(row.reach),
    )
