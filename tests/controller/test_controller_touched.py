"""Which accounts an incident touched: who got in from accused sources while it went on, by the journal."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from pontlevis.accounts.respond import Touched
from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.controller.touched import JournalTouched
from pontlevis.evidence.journal import Journal
from pontlevis.evidence.policy import JournalPolicy
from pontlevis.storage.database import Database
from pontlevis.storage.migrate import upgrade
from pontlevis.storage.tables.accounts import AccountRow, KeyRow
from pontlevis.storage.tables.control import DecisionRow, FindingRow
from pontlevis.storage.tables.incidents import IncidentRow

AT = 1_738_000_000.0
INCIDENT = "00000000000000aa"
KEY = "00000000000000bb"


def saw(at: float, kind: Kind, outcome: Outcome, source: str, account: str) -> Observation:
    return Observation(at, kind, outcome, source, 7, account, 3)


SEEN = [
    saw(AT + 5, Kind.LOGIN, Outcome.OK, "203.0.113.9", "guessed"),
    saw(AT + 9, Kind.LOGIN, Outcome.OK, "203.0.113.9", "guessed"),
    saw(AT + 6, Kind.REQUEST, Outcome.OK, "198.51.100.77", "key-used"),
    saw(AT + 7, Kind.REQUEST, Outcome.OK, "2001:db8:1::5", "by-finding"),
    saw(AT + 8, Kind.LOGIN, Outcome.BAD_CREDENTIAL, "203.0.113.9", "guess-failed"),
    saw(AT + 8, Kind.LOGIN, Outcome.UNKNOWN_USER, "203.0.113.9", "name:0badcafe"),
    saw(AT + 8, Kind.LOGIN, Outcome.OK, "192.0.2.1", "bystander"),
    saw(AT + 8, Kind.REQUEST, Outcome.OK, "203.0.113.9", "anon:203.0.113.9"),
    saw(AT + 90, Kind.LOGIN, Outcome.OK, "203.0.113.9", "too-late"),
]


@pytest.fixture
async def touched(tmp_path: Path) -> AsyncIterator[JournalTouched]:
    """A minute's incident with two decisions, a finding and a journal."""
    journal = Journal(tmp_path / "journal", JournalPolicy())
    journal.start()
    for each in sorted(SEEN, key=lambda seen: seen.at):
        journal.observe(each)
        journal.tick(each.at, "under_attack")
    journal.close()
    database = Database.in_directory(tmp_path)
    await upgrade(database)
    finding = Finding("f", DetectorName.CREDENTIAL_STUFFING, AT, AT + 30, 0.9, True, "s", {}, ("2001:db8:1::/48", "not an address"))  # fmt: skip
    quiet = Finding("g", DetectorName.IMPACT, AT, AT + 30, 0.9, False, "s", {}, ("192.0.2.1",))
    async with database.session() as session:
        session.add_all(
            [
                IncidentRow(id=INCIDENT, name_en="n", name_fr="n", status="resolved", impact="minor", created_at=AT, updated_at=AT, resolved_at=AT + 60),
                AccountRow(id="owner", email="", email_key="o", created_at=AT),
                *(FindingRow(id=each.id, detector="d", since=each.since, at=each.at, sentence="s", finding=msgspec.json.encode(each)) for each in (finding, quiet)),
                *(
                    DecisionRow(scope=scope, value=value, reason="r", origin=origin, created_at=AT + 1, expires_at=AT + 50)
                    for scope, value, origin in (
                        ("address", "203.0.113.9", "detection"),
                        ("prefix", "198.51.100.0/24", "detection"),
                        ("credential", KEY, "detection"),
                        ("address", "192.0.2.1", "account 00000000000000cc"),
                    )
                ),
            ]
        )  # fmt: skip
        await session.flush()
        session.add(KeyRow(id=KEY, account_id="owner", name="n", secret_hash=b"", created_at=AT))
    yield JournalTouched(database, tmp_path / "journal", lambda: AT + 100)
    await database.close()


async def test_who_got_in_from_an_accused_source_is_touched(touched: JournalTouched) -> None:
    """Once each, at the first time, with the source; not those whose password was only tried, and no bystander."""
    assert await touched.touched(INCIDENT) == [
        Touched("owner", "detection accused one of its keys or sessions", AT + 1),
        Touched("guessed", "a log-in succeeded from 203.0.113.9, which detection accused", AT + 5),
        Touched(
            "key-used", "a key or session was used from 198.51.100.0/24, which detection accused", AT + 6
        ),
        Touched(
            "by-finding", "a key or session was used from 2001:db8:1::/48, which detection accused", AT + 7
        ),
    ]


async def test_an_unknown_incident_is_said(touched: JournalTouched) -> None:
    """Rather than nobody being touched."""
    with pytest.raises(KeyError):
        await touched.touched("ffffffffffffffff")
