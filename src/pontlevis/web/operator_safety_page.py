"""The console's page on what is kept safe: audit chain, seal keys, evidence, and what the doctor sees from here."""

import asyncio
import logging
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.exc import SQLAlchemyError

from pontlevis.accounts.secret_keys import SealKeyView
from pontlevis.config import Settings
from pontlevis.doctor.check import Check, Level
from pontlevis.doctor.leaks import check_secrets
from pontlevis.doctor.machine import check_machine
from pontlevis.doctor.thresholds import check_thresholds
from pontlevis.evidence.manifest import Head
from pontlevis.evidence.store import FOLDER
from pontlevis.evidence.verify import Verified, verify
from pontlevis.investigation.incident import load_head
from pontlevis.storage.audit import audit_key
from pontlevis.storage.audit_check import AuditVerdict, verify_audit
from pontlevis.storage.audit_search import search_audit
from pontlevis.web.context import WebContext
from pontlevis.web.operator_visitor import AdminReader
from pontlevis.web.render import render

LOOK_S = 4.0
"""Choice: each part may take so long; what takes longer is a command's work, and the page names the command."""
KEPT_S = 30.0
"""An answer is shown again for so long: a page that is reloaded does not read everything each time."""
ORDER = (Level.FAIL, Level.WARN, Level.OK)

T = TypeVar("T")
log = logging.getLogger("pontlevis.web")


@dataclass(frozen=True, slots=True)
class Key:
    """A seal key, and when it was made (Unix seconds), where the audit log says so."""

    view: SealKeyView
    made_at: float | None


@dataclass(frozen=True, slots=True)
class Look:
    """What was found at ``at`` (Unix seconds). None: it took too long, or could not be read."""

    at: float
    audit: AuditVerdict | None
    audit_at: float | None
    """When the newest line was written."""
    keys: list[Key] | None
    evidence: Verified | None
    no_evidence: bool
    checks: list[Check] | None

    @property
    def outdated(self) -> int:
        """Values that are not under the newest key."""
        return sum(each.view.values for each in self.keys or [] if not each.view.newest)


def create_safety_page_router(context: WebContext) -> APIRouter:
    """``/safety``, for admins: it names files and settings."""
    router = APIRouter(include_in_schema=False)
    looking = asyncio.Lock()
    held: list[Look] = []

    @router.get("/safety")
    async def safety(request: Request, actor: AdminReader) -> Response:
        async with looking:
            now = context.accounts.clock()
            if not held or not 0 <= now - held[0].at < KEPT_S:
                held[:] = [await look(context)]
        values: dict[str, object] = {"actor": actor, "look": held[0], "data": context.settings.data}
        return render(request, "operator_safety.html", values)

    return router


async def look(context: WebContext) -> Look:
    """Each part for ``LOOK_S`` at most; none of them changes anything."""
    accounts, settings = context.accounts, context.policy.running
    now = accounts.clock()
    store = settings.data / FOLDER
    audit = await _bounded("audit", _audit(context))
    keys = await _bounded("keys", _keys(context))
    there = await asyncio.to_thread(store.is_dir)
    evidence = await _bounded("evidence", _evidence(context, store)) if there else None
    checks = await _bounded("doctor", asyncio.to_thread(_checks, settings, now))
    verdict, audit_at = audit if audit is not None else (None, None)
    return Look(now, verdict, audit_at, keys, evidence, not there, checks)


async def _bounded(name: str, act: Awaitable[T]) -> T | None:
    try:
        async with asyncio.timeout(LOOK_S):
            return await act
    except (TimeoutError, OSError, SQLAlchemyError) as error:
        log.info("operator:safety:unread %s: %s", name, error or type(error).__name__)
        return None


async def _audit(context: WebContext) -> tuple[AuditVerdict, float | None]:
    database = context.accounts.database
    key = audit_key(database.engine.sync_engine)
    async with database.session() as session:
        newest = await search_audit(session, most=1)
    async with database.snapshot() as session:
        found = await verify_audit(session, key=key)
    return found, newest[0].at if newest else None


async def _keys(context: WebContext) -> list[Key]:
    found = await context.accounts.seal_keys()
    async with context.accounts.database.session() as session:
        turned = await search_audit(session, event="operator:seals:rotated", most=100)
    made = {each.subject: each.at for each in turned}
    return [Key(each, made.get(each.id)) for each in found]


async def _evidence(context: WebContext, store: Path) -> Verified:
    kept = await load_head(context.accounts.database)
    known = Head(*kept) if kept is not None else None
    until = time.monotonic() + LOOK_S

    def heard(_: int) -> None:
        if time.monotonic() > until:
            raise TimeoutError("the store is too large to be read here")

    for _ in range(2):
        found = await asyncio.to_thread(verify, store, known_head=known, progress=heard)
        if not found.broken:
            break
        # A file that was closed while the store was read looks strange, once.
    return found


def _checks(settings: Settings, now: float) -> list[Check]:
    """The doctor's, but for those that ask others: databases' ports, engines, our own public port."""
    found = [*check_thresholds(settings), *check_machine(settings, now), *check_secrets(settings)]
    return sorted(found, key=lambda each: ORDER.index(each.level))
