"""The evidence store's place in the controller: its head in the database, what incidents hold, time stamps."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx
from sqlalchemy import select

from pontlevis.brain.detection.finding import Finding
from pontlevis.brain.posture.state import PostureState
from pontlevis.config import Settings
from pontlevis.controller.library import Library
from pontlevis.evidence.keeper import Keeper
from pontlevis.evidence.manifest import Head
from pontlevis.evidence.masking import Mask, key_in
from pontlevis.evidence.rows import decision_note, finding_note, posture_note
from pontlevis.evidence.stamps import CONTENT_TYPE, MOST_ANSWER_BYTES, NoStamp, Stamper
from pontlevis.evidence.store import DAY_S, FOLDER, Hold
from pontlevis.link.messages import DecisionRecord
from pontlevis.storage.database import Database
from pontlevis.storage.tables.evidence import EvidenceHeadRow
from pontlevis.storage.tables.incidents import IncidentRow

BEAT_S = 10.0
KEY = "evidence.key"
HOLD_AROUND_S = 3_600.0
"""Before an incident and after it: what led to it, and what came of it."""
TSA_WAIT_S = 10.0

log = logging.getLogger("pontlevis.controller")


class EvidenceRoom:
    """Puts the keeper together; ``beat`` does what needs the database or the network."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Callable[[], float],
        library: Library,
    ) -> None:
        self._policy = settings.evidence
        self._database = database
        self._clock = clock
        mask = None
        if self._policy.enabled and self._policy.pseudonymise:
            mask = Mask(key_in(settings.data / KEY))
        self.keeper = Keeper(
            settings.data / FOLDER, self._policy, clock, place=lambda source: library.find(source), mask=mask
        )
        self._saved = Head()
        self._stamped = Head()
        self._stamp_due = 0.0

    def posture(self, at: float, state: PostureState, reason: str, actor: str) -> None:
        """The posture that holds from ``at`` on."""
        self.keeper.note(posture_note(at, state, reason=reason, actor=actor))

    def findings(self, findings: Iterable[Finding]) -> None:
        """Findings as they were confirmed."""
        for each in findings:
            self.keeper.note(finding_note(each))

    def decisions(self, records: Iterable[DecisionRecord]) -> None:
        """Decisions that were made or lifted just now."""
        now = self._clock()
        for each in records:
            self.keeper.note(
                decision_note(
                    now, number=each.id, scope=each.scope, value=each.value, reason=each.reason, origin=each.origin,
                    expires_at=each.expires_at, lifted=each.lifted,
                )
            )  # fmt: skip

    async def beat(self) -> None:
        """Call every few seconds, and once before the end."""
        if not self._policy.enabled:
            return
        await self._save_head()
        await self._hold()
        if self._policy.tsa_url:
            await self._stamp()

    async def close(self) -> None:
        """Writes what waits and says where the chain has reached."""
        await asyncio.to_thread(self.keeper.close, self._clock())
        await self._save_head()

    async def _save_head(self) -> None:
        head = self.keeper.head
        if head == self._saved or head.n == 0:
            return
        async with self._database.session() as session:
            await session.merge(
                EvidenceHeadRow(id=1, number=head.n, hash=head.hash, updated_at=self._clock())
            )
        self._saved = head

    async def _hold(self) -> None:
        now = self._clock()
        async with self._database.session() as session:
            rows = await session.scalars(
                select(IncidentRow).where(
                    IncidentRow.kind != "disturbance",
                    IncidentRow.created_at > now - (self._policy.hold_days + 365) * DAY_S,
                )
            )
            holds = [
                Hold(row.id, row.created_at - HOLD_AROUND_S, (row.resolved_at or now) + HOLD_AROUND_S)
                for row in rows
            ]
        self.keeper.hold(holds)

    async def _stamp(self) -> None:
        head, now = self.keeper.head, self._clock()
        if head.n <= self._stamped.n + 1 or now < self._stamp_due:
            return  # a stamp is a line itself: that alone is nothing new
        self._stamp_due = now + self._policy.tsa_every_s
        try:
            stamper = await asyncio.to_thread(Stamper, Path(self._policy.tsa_certificate))
            token = await _asked(self._policy.tsa_url, stamper.request(head))
            at = await asyncio.to_thread(stamper.check, token, head.hash)
        except (NoStamp, httpx.HTTPError) as error:
            log.error("evidence:stamp:failed %s", error)
            return
        self.keeper.stamped(head, token, at)
        self._stamped = head
        log.info("evidence:stamp:made line %d at %.0f", head.n, at)


async def _asked(url: str, query: bytes) -> bytes:
    """The authority's answer, read only as far as a time stamp goes. Raises ``httpx.HTTPError``, ``NoStamp``."""
    async with (
        httpx.AsyncClient(timeout=TSA_WAIT_S) as client,
        client.stream("POST", url, content=query, headers={"content-type": CONTENT_TYPE}) as answer,
    ):
        answer.raise_for_status()
        held = bytearray()
        async for block in answer.aiter_bytes():
            held += block
            if len(held) > MOST_ANSWER_BYTES:
                raise NoStamp("the answer is longer than any time stamp")
        return bytes(held)
