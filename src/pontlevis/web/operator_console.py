"""The operator's console: what goes on, why, and what can be done about it."""

import re
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from pontlevis.accounts.factors import Realm, SecondFactorRequired
from pontlevis.accounts.service import AccountError
from pontlevis.brain.posture.state import differences
from pontlevis.brain.refusal_note import Cause, RefusalNote
from pontlevis.brain.vocabulary import Posture, RegistrationMode, Standing, Verdict
from pontlevis.incidents.components import Status
from pontlevis.incidents.views import IMPACTS, STATUSES
from pontlevis.link.messages import DecisionRecord
from pontlevis.storage.audit import recent_audit
from pontlevis.web.context import WebContext
from pontlevis.web.evidence_fates import evidence_fates
from pontlevis.web.i18n import catalogue
from pontlevis.web.login_steps import ask_second_step
from pontlevis.web.operator_desk import back, known_error
from pontlevis.web.operator_live import plots_of
from pontlevis.web.operator_login import TICKET_COOKIE
from pontlevis.web.operator_overview import Overviews, decisions_by_finding
from pontlevis.web.operator_passkeys import passkey_values
from pontlevis.web.operator_posture import DRY_RUN
from pontlevis.web.operator_visitor import (
    COOKIE,
    Actor,
    AdminActor,
    Reader,
    keep_operator_session,
    operator_source,
)
from pontlevis.web.render import render
from pontlevis.web.visitor import agent_of

Short = Annotated[str, Form(max_length=500)]
MOST_SHOWN = 50
"""Decisions of one group on the page; the API lists all."""
DETECTION = "detection"
SCOPES = ("address", "prefix", "account", "credential")
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class DecisionGroup:
    """Decisions in force for one kind of reason of one origin."""

    pattern: str
    """The reason; detection's without its figures."""
    origin: str
    decisions: list[DecisionRecord]

    @property
    def key(self) -> str:
        """Names the group in an address."""
        return sha256(f"{self.origin}\n{self.pattern}".encode()).hexdigest()[:16]

    @property
    def reason(self) -> str:
        """The most frequent one, word for word."""
        return Counter(each.reason for each in self.decisions).most_common(1)[0][0]

    @property
    def last(self) -> float:
        """When the last of them ends."""
        return max(each.expires_at for each in self.decisions)

    @property
    def shown(self) -> list[DecisionRecord]:
        """The newest."""
        return sorted(self.decisions, key=lambda each: -each.created_at)[:MOST_SHOWN]


def grouped(decisions: list[DecisionRecord]) -> list[DecisionGroup]:
    """The largest group first: at night nobody reads a thousand lines.

    Detection's reasons that differ only in a figure are one group; an operator's own words are not touched.
    """
    groups: dict[tuple[str, str], DecisionGroup] = {}
    for each in decisions:
        pattern = _FIGURE.sub("…", each.reason) if each.origin == DETECTION else each.reason
        group = groups.setdefault((pattern, each.origin), DecisionGroup(pattern, each.origin, []))
        group.decisions.append(each)
    return sorted(groups.values(), key=lambda group: -len(group.decisions))


def _refusal_key(note: RefusalNote) -> str:
    """Of the text that says why."""
    if note.cause is not Cause.OTHER:
        return f"refusal.cause_{note.cause.name.lower()}"
    key = f"refusal.code_{note.code.value}"
    return key if key in catalogue("en") else "refusal.code_other"


def create_console_router(context: WebContext, overviews: Overviews) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    service, accounts, incidents = context.service, context.accounts, context.incidents
    rule: dict[str, object] = {
        "password_min": context.settings.accounts.password_min,
        "password_max": context.settings.accounts.password_max,
    }

    async def page(request: Request, actor: str, trial: list[str] | None = None) -> Response:
        """``trial``: what an order that was only tried would change."""
        async with accounts.database.session() as session:
            audit = await recent_audit(session, most=20)
        decisions = service.decisions
        refusal = request.query_params.get("refusal", "").strip()[:100]
        note = context.refusals.open(refusal) if refusal else None
        wanted = context.settings.gateway.workers
        values: dict[str, object] = {
            "actor": actor,
            "state": service.posture,
            "dry_running": service.posture_dry_run,
            "planned": service.planned,
            "trial": trial,
            "postures": list(Posture),
            "verdicts": list(Verdict),
            "modes": list(RegistrationMode),
            "findings": service.findings,
            "groups": grouped(decisions),
            "sources": service.sources,
            "measure_notes": service.measure_notes,
            "evidence_fates": evidence_fates(service.totals, enabled=context.policy.running.evidence.enabled),
            "decision_count": len(decisions),
            "engines": service.engines,
            "now": await overviews.overview(),
            "changes": service.postures,
            "decided": decisions_by_finding(service),
            **plots_of(context, request, request.query_params.get("last", "")),
            "gateways": str(service.gateways) if wanted == 1 else f"{service.gateways} / {wanted}",
            "incidents": await incidents.incidents(most=5),
            "audit": audit,
            "standings": sorted(Standing, reverse=True),
            "components": await incidents.components(),
            "component_states": list(Status),
            "statuses": STATUSES,
            "impacts": IMPACTS,
            "error": known_error(request),
            "refusal": refusal,
            "note": note,
            "note_key": _refusal_key(note) if note is not None else "",
        }
        return render(request, "operator_console.html", values)

    @router.get("/")
    async def console(request: Request, actor: Reader) -> Response:
        return await page(request, actor)

    def login_page(request: Request, error: AccountError | None = None) -> Response:
        values: dict[str, object] = {**passkey_values(request, context), "actor": None, "error": error}
        return render(request, "operator_login.html", values, status=error.status if error else 200)

    @router.get("/login")
    async def login_form(request: Request) -> Response:
        return login_page(request)

    @router.post("/login")
    async def login(
        request: Request, email: Short = "", password: Annotated[str, Form(max_length=1_024)] = ""
    ) -> Response:
        try:
            grant = await accounts.log_in(
                email,
                password,
                source=operator_source(request),
                fingerprint=0,
                challenge=None,
                agent=agent_of(request),
                realm=Realm.OPERATOR,
            )
            if grant.account.standing is not Standing.OPERATOR:
                await accounts.end_session(grant.token)
                raise AccountError(401, "invalid_credentials", "no operator has these credentials")
        except SecondFactorRequired as asked:
            return ask_second_step(asked, context, target="/", cookie=TICKET_COOKIE)
        except AccountError as error:
            return login_page(request, error)
        answer = RedirectResponse("/", 303)
        keep_operator_session(answer, grant, lifetime_s=context.settings.accounts.session_lifetime_s)
        return answer

    @router.post("/logout")
    async def logout(request: Request) -> Response:
        await accounts.end_session(request.cookies.get(COOKIE, ""))
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE)
        return answer

    @router.get("/setup")
    async def setup_form(request: Request, token: str = "") -> Response:
        fits = await accounts.setup_token_fits(token[:200])
        values: dict[str, object] = {
            **rule,
            "actor": None,
            "token": token[:200],
            "fits": fits,
            "error": None,
            "email": "",
        }
        return render(request, "operator_setup.html", values, status=200 if fits else 403)

    @router.post("/setup")
    async def setup(
        request: Request,
        token: Short = "",
        email: Short = "",
        password: Annotated[str, Form(max_length=1_024)] = "",
    ) -> Response:
        source = operator_source(request)
        try:
            grant = await accounts.make_first_operator(token, email, password, source=source)
        except AccountError as error:
            fits = await accounts.setup_token_fits(token)
            again: dict[str, object] = {
                **rule,
                "actor": None,
                "token": token,
                "fits": fits,
                "error": error,
                "email": email,
            }
            return render(request, "operator_setup.html", again, status=error.status)
        answer = RedirectResponse("/", 303)
        keep_operator_session(answer, grant, lifetime_s=context.settings.accounts.session_lifetime_s)
        return answer

    @router.post("/posture")
    async def order_posture(
        request: Request,
        actor: Actor,
        posture: Short = "",
        reason: Short = "",
        minutes: Annotated[float, Form(gt=0, le=43_200)] = 60,
        order: Short = "set",
        trial: Short = "",
    ) -> Response:
        """``order``: set, hold or release; with ``trial`` it is said what would change, and nothing does."""
        why, hold_s, dry_run = reason.strip(), minutes * 60, bool(trial)
        if not why or (order == "set" and posture not in list(Posture)):
            return back(error="reason")
        if order == "hold":
            done = await service.hold_posture(reason=why, actor=actor, hold_s=hold_s, dry_run=dry_run)
        elif order == "release":
            done = await service.release_posture(actor=actor, reason=why, dry_run=dry_run)
        else:
            done = await service.set_posture(
                Posture(posture), reason=why, actor=actor, hold_s=hold_s, dry_run=dry_run
            )
        return await page(request, actor, differences(done)) if dry_run else RedirectResponse("/", 303)

    @router.post("/posture/dry-run")
    async def switch_dry_run(actor: AdminActor, on: Short, reason: Short = "") -> Response:
        if not reason.strip() or on not in DRY_RUN:
            return back(error="reason")
        await service.set_posture_dry_run(DRY_RUN[on], actor=actor, reason=reason.strip())
        return RedirectResponse("/", 303)

    @router.post("/decisions")
    async def decide(
        actor: Actor,
        scope: Short = "",
        value: Short = "",
        reason: Short = "",
        minutes: Annotated[float, Form(gt=0, le=527_040)] = 60,
    ) -> Response:
        """A measure by hand."""
        if not reason.strip() or not value.strip() or scope not in SCOPES:
            return back(error="decision")
        try:
            await service.decide(
                scope=scope, value=value.strip(), reason=reason.strip(), duration_s=minutes * 60, actor=actor
            )
        except ValueError:
            return back(error="target")
        return back("decisions")

    @router.post("/decisions/{decision}/lift")
    async def lift(actor: Actor, decision: int, reason: Short = "") -> Response:
        if not reason.strip():
            return back(error="undo")
        try:
            await service.lift(decision, actor=actor, reason=reason.strip())
        except KeyError:
            return back(error="ended")
        return back("decisions")

    @router.post("/groups/{group}/undo")
    async def lift_group(actor: Actor, group: str, reason: Short = "") -> Response:
        """All decisions of one reason at once: a false alarm is never one address."""
        if not reason.strip():
            return back(error="undo")
        found = [each for each in grouped(service.decisions) if each.key == group]
        lifted = 0
        for decision in (one for each in found for one in each.decisions):
            try:
                await service.lift(decision.id, actor=actor, reason=reason.strip())
                lifted += 1
            except KeyError:
                continue  # It ended by itself meanwhile.
        return back("decisions") if lifted else back(error="ended")

    return router
