"""An operator's word on registration: written down before it counts, over restarts, until its time is over."""

import asyncio
import logging
from collections.abc import Callable

import msgspec
from sqlalchemy import delete

from pontlevis.brain.registration_order import RegistrationOrder
from pontlevis.brain.vocabulary import RegistrationMode
from pontlevis.storage.audit import record_audit
from pontlevis.storage.database import Database
from pontlevis.storage.tables.gate import RegistrationOrderRow

log = logging.getLogger("pontlevis.controller")


class RegistrationDesk:
    """Keeps the order in force. ``longest_s`` bounds how long one holds, in seconds."""

    def __init__(self, database: Database, clock: Callable[[], float], longest_s: float) -> None:
        self._database = database
        self._clock = clock
        self._longest_s = longest_s
        self._order: RegistrationOrder | None = None
        self._lock = asyncio.Lock()
        """An order that ends by itself while another is given must not take the new one's row away."""

    async def start(self) -> None:
        """Takes up an order that was in force when the service stopped."""
        async with self._database.session() as session:
            row = await session.get(RegistrationOrderRow, 1)
        if row is not None:
            self._order = msgspec.json.decode(row.order, type=RegistrationOrder)

    @property
    def order(self) -> RegistrationOrder | None:
        """The order in force now."""
        return self._order if self._order is not None and self._clock() < self._order.until else None

    def over(self, now: float) -> bool:
        """Whether an order has ended that nobody has taken away yet. ``now`` is Unix seconds."""
        return self._order is not None and now >= self._order.until

    async def set(
        self, mode: RegistrationMode, *, reason: str, actor: str, hold_s: float | None
    ) -> RegistrationOrder:
        """Puts an order in force and on record, in the place of one before it."""
        now = self._clock()
        lasts = min(self._longest_s, self._longest_s if hold_s is None else hold_s)
        order = RegistrationOrder(mode, reason, actor, now, now + lasts)
        async with self._lock:
            async with self._database.session() as session:
                row = RegistrationOrderRow(id=1, order=msgspec.json.encode(order), updated_at=now)
                await session.merge(row)
                event = f"operator:registration:{mode.value}"
                await record_audit(session, at=now, actor=actor, event=event, detail=reason)
            self._order = order
        log.warning("operator:registration:%s actor=%s: %s", mode.value, actor, reason)
        return order

    async def end(self, *, actor: str, reason: str) -> bool:
        """Takes the order away; False where there is none."""
        ended = self._order
        if ended is None:
            return False
        async with self._lock:
            # Another may have been given while this one waited for its turn.
            if self._order is not ended:
                return False
            await self._forget(actor, reason)
        log.warning("operator:registration:released actor=%s: %s", actor, reason)
        return True

    async def _forget(self, actor: str, reason: str) -> None:
        async with self._database.session() as session:
            await session.execute(delete(RegistrationOrderRow))
            await record_audit(
                session, at=self._clock(), actor=actor, event="operator:registration:released", detail=reason
            )
        self._order = None
