"""Incidents and measured availability as one service: what the controller feeds and the pages read."""

import asyncio
import logging
from collections.abc import Callable

from pontlevis.brain.observation import ServiceSample
from pontlevis.brain.posture.state import PostureState
from pontlevis.incidents.availability import Availability
from pontlevis.incidents.components import Component, Status, Statuses
from pontlevis.incidents.desk import Desk
from pontlevis.incidents.duties import Duties
from pontlevis.incidents.maintenance import Maintenances
from pontlevis.incidents.measure import Served
from pontlevis.incidents.policy import IncidentPolicy
from pontlevis.incidents.teller import Teller
from pontlevis.incidents.views import ComponentView, IncidentView
from pontlevis.storage.audit import record_audit
from pontlevis.storage.database import Database

log = logging.getLogger("pontlevis.incidents")


class Incidents(Teller, Desk):
    """The incidents of one service. ``clock`` gives Unix seconds; ``name`` is the service's own."""

    def __init__(
        self, database: Database, policy: IncidentPolicy, clock: Callable[[], float], name: str
    ) -> None:
        self.availability = Availability(database, policy, clock)
        super().__init__(database, policy, clock, lambda: self.availability.statuses)
        self.maintenance = Maintenances(database, policy, clock)
        self.duties = Duties(database, policy, clock, self)
        self.name = name
        self.clock = clock

    async def start(self) -> None:
        """Takes up where the service stopped: days, states, open incident, transitions not yet told."""
        await self.availability.start()
        await self.load()
        await self.maintenance.load()
        await self.maintenance.follow_the_clock()
        self.availability.maintained = self.maintenance.components
        await self.duties.load()
        await self.catch_up()

    async def measure(self, sample: ServiceSample, posture: PostureState, now: float) -> None:
        """Call once a second with the newest sample."""
        await self._maintain(now)
        served = self.availability.take(sample, posture, now)
        self.count(served.asked, served.unserved)
        await self.tell()
        await self.watch(posture, now)
        if self.availability.due(now):
            await self._flush_in_time()

    async def personal_data_touched(
        self, incident: str, at: float, why: str, *, actor: str = "machine"
    ) -> IncidentView:
        """Starts the clocks of the duties to notify; see ``Duties.personal_data_touched``."""
        return await self.duties.personal_data_touched(incident, at, why, actor=actor)

    async def flush(self) -> None:
        """Writes what was measured since the last time; also on the way out."""
        await self.availability.flush()
        await self.save_counts()

    def login(self, ok: bool) -> None:
        """An existing user tried to log in with the right to, and could or could not."""
        self.availability.login(ok)

    @property
    def statuses(self) -> Statuses:
        """Every component's state now."""
        return self.availability.statuses

    async def components(self) -> list[ComponentView]:
        """Every component with its days, today last."""
        return self.availability.components()

    async def existing_availability(self, days: int | None = None) -> Served:
        """Existing users' requests of the last ``days`` days, today among them; all days shown by default."""
        return self.availability.served(days)

    async def declare(self, component: Component, status: Status | None, *, actor: str) -> None:
        """An operator's word on a component's state instead of the measured one; None goes back to it."""
        await self.availability.declare(component, status, actor=actor)
        async with self._database.session() as session:
            await record_audit(
                session,
                at=self._clock(),
                actor=actor,
                event="operator:component:declared" if status else "operator:component:measured",
                subject=component.value,
                detail=status.value if status else "",
            )

    async def _maintain(self, now: float) -> None:
        if self.maintenance.due(now):
            try:
                async with asyncio.timeout(self._policy.write_limit_s):
                    await self.maintenance.follow_the_clock()
            except Exception:
                log.exception("incident:maintenance:not_written")
        self.availability.maintained = self.maintenance.components

    async def _flush_in_time(self) -> None:
        try:
            async with asyncio.timeout(self._policy.write_limit_s):
                await self.flush()
        except Exception:
            if self.availability.database_ok:
                log.exception("incident:availability:not_written")
            self.availability.database_ok = False
        else:
            self.availability.database_ok = True
