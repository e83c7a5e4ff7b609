"""Which accounts an incident touched, by the journal of the last day and by the evidence that is kept for longer."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from pontlevis.accounts.respond import Touched, TouchedAccounts
from pontlevis.investigation.incident import load_incident
from pontlevis.investigation.no_answer import NoEvidence
from pontlevis.investigation.policy import InvestigationPolicy
from pontlevis.investigation.touched import touched_accounts
from pontlevis.storage.database import Database

log = logging.getLogger("pontlevis.controller")


class TouchedByBoth:
    """What either knows; ``store`` is the directory of the evidence."""

    def __init__(
        self,
        journal: TouchedAccounts,
        database: Database,
        store: Path,
        policy: InvestigationPolicy,
        clock: Callable[[], float],
    ) -> None:
        self._journal = journal
        self._database = database
        self._store = store
        self._policy = policy
        self._clock = clock

    async def touched(self, incident: str) -> list[Touched]:
        """The earliest first, each account once. Raises ``KeyError`` for an unknown incident."""
        found = await self._journal.touched(incident)
        facts = await load_incident(self._database, incident)
        until = facts.until(self._clock())
        try:
            kept = await asyncio.to_thread(touched_accounts, self._store, facts.since, until, self._policy)
        except NoEvidence:
            kept = []
        except ValueError as error:
            log.warning("respond:evidence:unread %s", error)
            kept = []
        both = [*found, *(Touched(each.account_id, each.why, each.at) for each in kept)]
        earliest: dict[str, Touched] = {}
        for each in sorted(both, key=lambda each: each.at):
            earliest.setdefault(each.account_id, each)
        return list(earliest.values())
