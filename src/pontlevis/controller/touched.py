"""Which accounts an incident touched, as the journal remembers it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

import msgspec
from sqlalchemy import select

from pontlevis.accounts.respond import MOST_ACCOUNTS, Touched
from pontlevis.accounts.usage import ANONYMOUS, PROVISIONAL
from pontlevis.brain.detection.finding import Finding
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.evidence.reader import JournalReader
from pontlevis.storage.database import Database
from pontlevis.storage.tables.accounts import KeyRow, SessionRow
from pontlevis.storage.tables.control import DecisionRow, FindingRow
from pontlevis.storage.tables.incidents import IncidentRow

BEFORE_S = 600.0
"""An attack begins before the incident that tells of it: detection and posture take seconds, slow guessing minutes."""
_NOBODY = ("name:", ANONYMOUS, *PROVISIONAL)


@dataclass(slots=True)
class Accused:
    """Whom detection accused during an incident."""

    addresses: set[str] = field(default_factory=set)
    networks: dict[tuple[int, int], set[IPv4Network | IPv6Network]] = field(default_factory=dict)
    """By version and prefix length."""
    accounts: dict[str, float] = field(default_factory=dict)
    credentials: dict[str, float] = field(default_factory=dict)

    def add_network(self, text: str) -> None:
        network = ip_network(text, strict=False)
        self.networks.setdefault((network.version, network.prefixlen), set()).add(network)

    def holds(self, source: str) -> str:
        """The accused source that this address is or lies in; empty where it is none."""
        if source in self.addresses:
            return source
        if not self.networks:
            return ""
        try:
            address = ip_address(source)
        except ValueError:
            return ""
        for (version, length), known in self.networks.items():
            if version == address.version:
                network = ip_network(f"{address}/{length}", strict=False)
                if network in known:
                    return str(network)
        return ""


class JournalTouched:
    """Successful log-ins and key uses from accused sources, and accounts and keys accused themselves.

    Reaches back as far as the journal (``journal.keep_h``): what happened before is not known here.
    """

    def __init__(self, database: Database, folder: Path, clock: Callable[[], float]) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock

    async def touched(self, incident: str) -> list[Touched]:
        """The earliest first. Raises ``KeyError`` for an unknown incident."""
        async with self._database.session() as session:
            row = await session.get(IncidentRow, incident)
            if row is None:
                raise KeyError(incident)
            since, until = row.created_at - BEFORE_S, row.resolved_at or self._clock()
            accused = Accused()
            decisions = await session.scalars(
                select(DecisionRow).where(
                    DecisionRow.origin == "detection",
                    DecisionRow.created_at <= until,
                    DecisionRow.expires_at >= since,
                )
            )
            for each in decisions:
                _accuse(accused, each.scope, each.value, each.created_at)
            findings = await session.scalars(
                select(FindingRow.finding).where(FindingRow.since <= until, FindingRow.at >= since)
            )
            for text in findings:
                finding = msgspec.json.decode(text, type=Finding)
                if finding.hostile:
                    for source in finding.sources:
                        _accuse_source(accused, source)
            found = [
                Touched(id_, "detection accused the account itself", at)
                for id_, at in accused.accounts.items()
            ]
            for table in (KeyRow, SessionRow):
                owners = await session.execute(
                    select(table.id, table.account_id).where(table.id.in_(list(accused.credentials)[:10_000]))
                )
                found += [
                    Touched(owner, "detection accused one of its keys or sessions", accused.credentials[id_])
                    for id_, owner in owners
                ]
        seen = await asyncio.to_thread(self._read, accused, since, until)
        earliest: dict[str, Touched] = {}
        for touched in sorted([*found, *seen], key=lambda each: each.at):
            earliest.setdefault(touched.account_id, touched)
        return list(earliest.values())

    def _read(self, accused: Accused, since: float, until: float) -> list[Touched]:
        if not accused.addresses and not accused.networks:
            return []
        found: dict[str, Touched] = {}
        for at, fact in JournalReader(self._folder).facts(since, until):
            if not isinstance(fact, Observation) or fact.outcome is not Outcome.OK or not fact.account:
                continue
            if fact.kind not in (Kind.LOGIN, Kind.REQUEST) or fact.account in found:
                continue
            if fact.account.startswith(_NOBODY) or not (source := accused.holds(fact.source)):
                continue
            what = "a log-in succeeded" if fact.kind is Kind.LOGIN else "a key or session was used"
            found[fact.account] = Touched(fact.account, f"{what} from {source}, which detection accused", at)
            if len(found) > MOST_ACCOUNTS:
                break
        return list(found.values())


def _accuse(accused: Accused, scope: str, value: str, at: float) -> None:
    if scope == "address":
        accused.addresses.add(value)
    elif scope == "prefix":
        accused.add_network(value)
    elif scope == "account":
        accused.accounts.setdefault(value, at)
    elif scope == "credential":
        accused.credentials.setdefault(value, at)


def _accuse_source(accused: Accused, source: str) -> None:
    """A finding names addresses and prefixes alike; other words (a trace's) are no source of the journal's."""
    try:
        if "/" in source:
            accused.add_network(source)
        else:
            accused.addresses.add(str(ip_address(source)))
    except ValueError:
        return
