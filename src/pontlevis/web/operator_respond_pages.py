"""The console's page for after a breach: choose accounts, see what would end, then do just that."""

import asyncio
import csv
from io import StringIO
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from pontlevis.accounts.respond import MOST_ACCOUNTS, Parts
from pontlevis.accounts.respond import Response as Done
from pontlevis.accounts.roles import Role
from pontlevis.accounts.service import AccountError
from pontlevis.web.context import WebContext
from pontlevis.web.operator_respond_desk import RespondDesk
from pontlevis.web.operator_respond_plans import Held, Plan, Plans, Question, Sums
from pontlevis.web.operator_visitor import Actor, Need, gate_of
from pontlevis.web.render import iso, render

LONGEST_NAMES = 400_000
"""Characters of the field for accounts: some twenty thousand; more go in a file to the command line."""
LONGEST_NAME = 320  # RFC 5321 §4.5.3.1: 64 + 1 + 255
MOST_INCIDENTS = 50
MOST_SHOWN = 200
"""Accounts on the page; the file has all of them."""
Short = Annotated[str, Form(max_length=500)]
Incident = Annotated[str, Query(max_length=16)]
Responder = Annotated[str, Depends(Need(Role.RESPONDER, page=True))]
EVERYTHING = Question((), "", Parts(), operators=False)


def create_respond_pages_router(context: WebContext) -> APIRouter:
    """``/respond``: the form, its dry run, and what was done. Works without JavaScript."""
    router = APIRouter(include_in_schema=False)
    accounts, incidents = context.accounts, context.incidents
    desk, plans, looking = RespondDesk(context), Plans(accounts.clock), asyncio.Lock()

    async def page(
        request: Request,
        actor: str,
        question: Question,
        *,
        plan: Plan | None = None,
        done: Done | None = None,
        noted: bool = False,
        error: str = "",
        status: int = 200,
    ) -> Response:
        """``error`` is the end of a text's key, ``resp.e_…``."""
        known = await incidents.incidents(most=MOST_INCIDENTS)
        values: dict[str, object] = {
            "actor": actor,
            "question": question,
            "incidents": known,
            "incident": next((each for each in known if each.id == question.incident), None),
            "can_touch": context.touched is not None,
            "plan": plan,
            "done": done,
            "sums": Sums.of(done.targets) if done is not None else None,
            "noted": noted,
            "most": MOST_SHOWN,
            "most_accounts": MOST_ACCOUNTS,
            "longest": LONGEST_NAMES,
            "error": error,
        }
        return render(request, "operator_respond.html", values, status=status)

    async def held_page(
        request: Request, actor: str, held: Held, *, error: str = "", status: int = 200
    ) -> Response:
        return await page(
            request,
            actor,
            held.plan.question,
            plan=held.plan,
            done=held.done,
            noted=held.noted,
            error=error,
            status=status,
        )

    @router.get("/respond")
    async def form(request: Request, actor: Responder, incident: Incident = "") -> Response:
        """``incident`` comes chosen from the incident desk."""
        return await page(request, actor, Question((), incident.strip(), Parts(), operators=False))

    @router.post("/respond")
    async def look(
        request: Request,
        actor: Actor,
        named: Annotated[str, Form(alias="accounts", max_length=LONGEST_NAMES)] = "",
        incident: Annotated[str, Form(max_length=16)] = "",
        sessions: Short = "",
        keys: Short = "",
        password: Short = "",
        tell: Short = "",
        passkeys: Short = "",
        operators: Short = "",
    ) -> Response:
        """The dry run: nothing changes."""
        question = Question(
            tuple(dict.fromkeys(each[:LONGEST_NAME] for each in named.replace(",", " ").split())),
            incident.strip(),
            Parts(bool(sessions), bool(keys), bool(password), bool(tell), bool(passkeys)),
            bool(operators),
        )
        if question.operators:
            await gate_of(request).require(request, Role.ADMIN)
        if not question.accounts and not question.incident:
            return await page(request, actor, question, error="nobody", status=400)
        if not question.parts.words:
            return await page(request, actor, question, error="no_part", status=400)
        if question.parts.weaker:
            return await page(request, actor, question, error="weaker", status=400)
        try:
            # One at a time: an incident's accounts are looked for in a day of journal and in the evidence.
            async with looking:
                shown = await accounts.respond(
                    await desk.touched(question.incident),
                    question.accounts,
                    parts=question.parts,
                    actor=actor,
                    reason="",
                    operators=question.operators,
                )
        except AccountError as error:
            why = {404: "incident", 400: "too_many"}.get(error.status, "failed")
            return await page(request, actor, question, error=why, status=error.status)
        return RedirectResponse(f"/respond/{plans.keep(question, shown, actor).id}", 303)

    @router.get("/respond/{plan}")
    async def shown(request: Request, actor: Responder, plan: str) -> Response:
        """What was shown, or what was done, once more."""
        held = plans.look(plan, actor)
        if held is None:
            return await page(request, actor, EVERYTHING, error="gone", status=404)
        return await held_page(request, actor, held)

    @router.post("/respond/{plan}")
    async def act(request: Request, actor: Actor, plan: str, reason: Short = "") -> Response:
        """Does what was shown: to those accounts and no other, whatever happened to the incident since."""
        held, why = plans.look(plan, actor), reason.strip()
        if held is None:
            return await page(request, actor, EVERYTHING, error="gone", status=409)
        question = held.plan.question
        if question.operators:
            await gate_of(request).require(request, Role.ADMIN)
        if not held.taken and not why:
            return await held_page(request, actor, held, error="reason", status=400)
        if not held.taken:
            # Taken before anything is waited for: a button pressed twice acts once.
            held.taken = True
            try:
                held.done = await accounts.respond(
                    held.plan.accounts,
                    parts=question.parts,
                    actor=actor,
                    reason=why,
                    operators=question.operators,
                    apply=True,
                )
                held.noted = await desk.note(question.incident, held.done, actor=actor, reason=why)
            finally:
                # Half-way through it may be asked for again: what has ended is not ended twice.
                held.taken = held.done is not None
        elif held.done is None:
            return await held_page(request, actor, held, error="running", status=409)
        return RedirectResponse(f"/respond/{plan}", 303)

    @router.get("/respond/{plan}/accounts.csv")
    async def listed(request: Request, actor: Responder, plan: str) -> Response:
        """All accounts of a dry run, where a page would be too long."""
        held = plans.look(plan, actor)
        if held is None:
            return await page(request, actor, EVERYTHING, error="gone", status=404)
        return Response(
            await asyncio.to_thread(as_csv, held.plan),  # a second for the longest
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="accounts.csv"'},
        )

    return router


def as_csv(plan: Plan) -> str:
    """One line an account. What a spreadsheet would take for a formula is text (OWASP, CSV injection)."""
    out = StringIO()
    lines = csv.writer(out)
    lines.writerow(
        [
            "account",
            "email",
            "why",
            "at",
            "sessions",
            "keys",
            "new_password",
            "letter",
            "left_out",
            "passkeys",
        ]
    )
    for each in plan.ordered:
        row = [
            each.account, each.email, each.why, iso(each.at), each.sessions, each.keys, int(each.password),
            int(each.told), each.left_out, each.passkeys,
        ]  # fmt: skip
        lines.writerow([f"'{cell}" if str(cell)[:1] in "=+-@\t\r" and cell != "" else cell for cell in row])
    return out.getvalue()
