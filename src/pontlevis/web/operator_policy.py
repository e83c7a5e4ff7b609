"""The policy on the console: what is in force, and what another one would have done in the last while."""

import asyncio
import sys
from typing import Annotated

import msgspec
from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from pontlevis.doctor.rehearse import Question, Rehearsal
from pontlevis.web.context import WebContext
from pontlevis.web.operator_visitor import Actor, Reader
from pontlevis.web.render import render

LONGEST_POLICY = 100_000
HOURS = (1, 6, 24)
TIME_LIMIT_S = 300.0
"""A day of attack takes about two minutes on a busy core."""
MOST_SHOWN = 30


class Busy(Exception):
    """One rehearsal runs already: each takes a core."""


class Rehearsals:
    """Runs rehearsals, one at a time, each in a process of its own."""

    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._lock = asyncio.Lock()

    async def run(self, policy: str, hours: float) -> Rehearsal:
        """Raises ``Busy``, ``TimeoutError``, and ``RuntimeError`` where the process failed."""
        if self._lock.locked():
            raise Busy
        async with self._lock:
            now = self._context.accounts.clock()
            question = Question(
                settings=msgspec.Raw(self._context.policy.unruled.model_dump_json().encode()),
                running=msgspec.Raw(self._context.policy.running.model_dump_json().encode()),
                policy=policy,
                since=now - hours * 3_600,
                until=now,
            )
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "pontlevis.doctor.rehearse",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                async with asyncio.timeout(TIME_LIMIT_S):
                    said, _ = await child.communicate(msgspec.json.encode(question))
            finally:
                if child.returncode is None:
                    child.kill()
                    await child.wait()
            if child.returncode:
                raise RuntimeError(f"the rehearsal ended with status {child.returncode}")
            return msgspec.json.decode(said, type=Rehearsal)


def create_policy_pages_router(context: WebContext) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    rehearsals = Rehearsals(context)

    async def page(
        request: Request,
        actor: str,
        *,
        text: str | None = None,
        hours: int = 1,
        rehearsal: Rehearsal | None = None,
        error: str = "",
        status: int = 200,
    ) -> Response:
        if text is None:
            text = await asyncio.to_thread(_text_of, context)
        values: dict[str, object] = {
            "actor": actor,
            "file": context.policy.file,
            "ruled": context.policy.ruled,
            "text": text,
            "hours": hours,
            "all_hours": HOURS,
            "rehearsal": rehearsal,
            "most": MOST_SHOWN,
            "error": error,
        }
        return render(request, "operator_policy.html", values, status=status)

    @router.get("/policy")
    async def policy(request: Request, actor: Reader) -> Response:
        return await page(request, actor)

    @router.post("/policy/dry-run")
    async def dry_run(
        request: Request,
        actor: Actor,
        policy: Annotated[str, Form(max_length=LONGEST_POLICY)] = "",
        hours: Annotated[int, Form(ge=1, le=24)] = 1,
    ) -> Response:
        """Changes nothing."""
        try:
            rehearsal = await rehearsals.run(policy, hours)
        except Busy:
            return await page(request, actor, text=policy, hours=hours, error="busy", status=409)
        except (TimeoutError, RuntimeError, OSError):
            return await page(request, actor, text=policy, hours=hours, error="failed", status=500)
        status = 400 if rehearsal.problems else 200
        return await page(request, actor, text=policy, hours=hours, rehearsal=rehearsal, status=status)

    return router


def _text_of(context: WebContext) -> str:
    """The policy file as it is on disk; empty where there is none or it cannot be read."""
    file = context.policy.file
    try:
        return file.read_text("utf-8")[:LONGEST_POLICY] if file is not None else ""
    except (OSError, UnicodeDecodeError):
        return ""
