"""Whom a response is about: what the journal of the last day and the evidence of a month know, together."""

import random
from pathlib import Path

from evidence_house import NOON, House, act
from test_investigation import ATTACK, GUESSERS, attack, people

from pontlevis.accounts.respond import Touched
from pontlevis.brain.observation import Outcome
from pontlevis.controller.touched_by_both import TouchedByBoth
from pontlevis.evidence.store_policy import EvidencePolicy
from pontlevis.investigation.policy import InvestigationPolicy
from pontlevis.storage.database import Database
from pontlevis.storage.migrate import upgrade
from pontlevis.storage.tables.incidents import IncidentRow

INCIDENT = "00000000000000aa"


class Journalled:
    """What the journal is said to know."""

    def __init__(self, *found: Touched) -> None:
        self._found = list(found)

    async def touched(self, incident: str) -> list[Touched]:
        return self._found


async def test_the_evidence_knows_whom_the_journal_has_forgotten(tmp_path: Path) -> None:
    """Each account once, with the first reason; without evidence the journal alone answers."""
    store = House(tmp_path, EvidencePolicy(batch_s=900, queue_s=10_000))
    chance = random.Random(1)
    for minute in range(45):
        at = NOON + minute * 60
        acts = people(at, chance)
        if at >= ATTACK:
            acts += attack(at, chance)
        if minute == 40:
            acts.append(
                act(at + 0.5, outcome=Outcome.OK, source="198.51.3.9", fingerprint=GUESSERS, account="good7")
            )
            acts += [
                act(at + 0.1, source="198.51.3.9", fingerprint=GUESSERS, account=f"good{each}") for each in range(9)
            ]  # fmt: skip
        store.batch(acts)
    store.close()
    database = Database.in_directory(tmp_path)
    await upgrade(database)
    async with database.session() as session:
        session.add(
            IncidentRow(id=INCIDENT, name_en="n", name_fr="n", status="resolved", impact="minor",
                        created_at=ATTACK, updated_at=ATTACK, resolved_at=NOON + 44 * 60)
        )  # fmt: skip
    journal = Journalled(Touched("good3", "a key was used", ATTACK + 1))

    async def found(folder: Path) -> list[str]:
        both = TouchedByBoth(journal, database, folder, InvestigationPolicy(), lambda: store.now)
        return [each.account_id for each in await both.touched(INCIDENT)]

    assert await found(store.folder) == ["good3", "good7"]
    assert await found(tmp_path / "nothing") == ["good3"]
    await database.close()
