"""Takes up another policy file while the service runs: whole or not at all, with an entry in the audit log."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from pontlevis.brain.setting import adopt
from pontlevis.config import Settings
from pontlevis.controller.children import write_settings
from pontlevis.controller.guard import Guard
from pontlevis.controller.hub import Hub
from pontlevis.policy_file import BadPolicyFile, Change, changes, live_part, read_tables, ruled, section_names
from pontlevis.storage.audit import record_audit
from pontlevis.storage.database import Database

LONGEST_DETAIL = 4_000

log = logging.getLogger("pontlevis.controller")


class PolicyReload:
    """``running`` is what the service goes by; ``unruled`` what it would without a policy file."""

    def __init__(
        self,
        running: Settings,
        unruled: Settings,
        *,
        guard: Guard,
        hub: Hub,
        database: Database,
        settings_file: Path,
        clock: Callable[[], float],
    ) -> None:
        self.running = running
        self.unruled = unruled
        self._guard = guard
        self._hub = hub
        self._database = database
        self._settings_file = settings_file
        self._clock = clock
        self._lock = asyncio.Lock()

    @property
    def file(self) -> Path | None:
        return self.running.policy_file

    @property
    def ruled(self) -> list[Change]:
        """What is in force and would not be without the policy file."""
        return [msgspec.structs.replace(each, live=True) for each in changes(self.unruled, self.running)]

    async def reload(self, *, actor: str, reason: str, dry_run: bool = False) -> list[Change]:
        """Reads the file again and takes up what may change now; what may not is marked.

        With ``dry_run`` nothing changes but the audit log. Raises ``BadPolicyFile``; the running policy
        then stays as it is.
        """
        async with self._lock:
            file = self.file
            if file is None:
                raise BadPolicyFile(
                    "the policy file", ["the service was started without one (--policy FILE)"]
                )
            try:
                tables = await asyncio.to_thread(read_tables, file)
                thresholds = ruled(self.unruled, tables, str(file))
            except BadPolicyFile as error:
                log.error("policy:file:refused %s", "; ".join(error.problems))
                await self._audit(actor, "policy:file:refused", file, "; ".join([reason, *error.problems]))
                raise
            # Thresholds only: addresses, engines and the data directory are as they were at the start.
            wanted = self.running.model_copy(
                update={section: getattr(thresholds, section) for section in section_names()}
            )
            found = changes(self.running, wanted)
            said = "; ".join([reason, *(str(each) for each in found)] if found else [reason, "no change"])
            if dry_run:
                await self._audit(actor, "policy:file:dry_run", file, said)
                return found
            await self._take_up(live_part(self.running, wanted), actor, reason)
            # Whatever starts again takes up the rest.
            write_settings(wanted, self._settings_file)
            log.warning("policy:file:reloaded actor=%s %s", actor, said)
            await self._audit(actor, "policy:file:reloaded", file, said)
            return found

    async def _take_up(self, fresh: Settings, actor: str, reason: str) -> None:
        adopt(self.running.standing, fresh.standing)
        await self._guard.adopt(
            fresh.detection, fresh.posture, reason=f"The policy changed: {reason}", actor=actor
        )
        self.running = fresh.model_copy(update={"standing": self.running.standing})
        await self._hub.publish(admission=fresh.admission)

    async def _audit(self, actor: str, event: str, file: Path, detail: str) -> None:
        async with self._database.session() as session:
            await record_audit(
                session,
                at=self._clock(),
                actor=actor,
                event=event,
                subject=str(file),
                detail=detail[:LONGEST_DETAIL],
            )
