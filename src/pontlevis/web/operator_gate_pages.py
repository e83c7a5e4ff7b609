"""The operator's pages on registration, invitations and letters."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from pontlevis.accounts.invitations import NewInvitation
from pontlevis.accounts.service import AccountError
from pontlevis.brain.vocabulary import RegistrationMode
from pontlevis.web.context import WebContext
from pontlevis.web.operator_visitor import Actor, AdminReader, Reader
from pontlevis.web.render import render

Short = Annotated[str, Form(max_length=500)]
DAY_S = 86_400.0


def create_operator_gate_pages_router(context: WebContext) -> APIRouter:
    """Each form does what the operator's API does."""
    router = APIRouter(include_in_schema=False)
    service, accounts, settings = context.service, context.accounts, context.settings

    async def registration_page(
        request: Request,
        actor: str,
        *,
        made: NewInvitation | None = None,
        error: AccountError | None = None,
        unsaid: bool = False,
    ) -> Response:
        values: dict[str, object] = {
            "actor": actor,
            "state": service.posture,
            "order": service.registration_order,
            "modes": list(RegistrationMode),
            "waiting": await accounts.waiting(),
            "pending": await accounts.list_pending(),
            "invitations": await accounts.list_invitations(),
            "days": settings.accounts.invitation_lifetime_s / DAY_S,
            "made": made,
            "error": error,
            "unsaid": unsaid,
        }
        status = error.status if error else 400 if unsaid else 201 if made else 200
        return render(request, "operator_registration.html", values, status=status)

    @router.get("/registration")
    async def registration(request: Request, actor: Reader) -> Response:
        return await registration_page(request, actor)

    @router.post("/registration")
    async def set_registration(
        request: Request,
        actor: Actor,
        mode: Short = "",
        reason: Short = "",
        minutes: Annotated[float, Form(gt=0, le=43_200)] = 60,
    ) -> Response:
        if mode not in list(RegistrationMode) or not reason.strip():
            return await registration_page(request, actor, unsaid=True)
        await service.set_registration(
            RegistrationMode(mode), reason=reason.strip(), actor=actor, hold_s=minutes * 60
        )
        return RedirectResponse("/registration", 303)

    @router.post("/registration/release")
    async def release_registration(actor: Actor) -> Response:
        await service.release_registration(actor=actor, reason="released on the console")
        return RedirectResponse("/registration", 303)

    @router.post("/registration/{account}/approve")
    async def approve(request: Request, actor: Actor, account: str) -> Response:
        try:
            await accounts.change_account(account, actor=actor, pending=False)
        except AccountError as error:
            return await registration_page(request, actor, error=error)
        return RedirectResponse("/registration#pending", 303)

    @router.post("/registration/{account}/reject")
    async def reject(request: Request, actor: Actor, account: str) -> Response:
        try:
            await accounts.change_account(account, actor=actor, disabled="it was not approved")
        except AccountError as error:
            return await registration_page(request, actor, error=error)
        return RedirectResponse("/registration#pending", 303)

    @router.post("/invitations")
    async def invite(
        request: Request,
        actor: Actor,
        email: Short = "",
        note: Short = "",
        days: Annotated[float, Form(gt=0, le=366)] = 7,
        mail: Short = "",
    ) -> Response:
        try:
            made = await accounts.invite(
                actor=actor, email=email.strip(), note=note, lifetime_s=days * DAY_S, mail=bool(mail)
            )
        except AccountError as error:
            return await registration_page(request, actor, error=error)
        return await registration_page(request, actor, made=made)

    @router.post("/invitations/{invitation}/revoke")
    async def revoke(request: Request, actor: Actor, invitation: str) -> Response:
        try:
            await accounts.revoke_invitation(invitation, actor=actor)
        except AccountError as error:
            return await registration_page(request, actor, error=error)
        return RedirectResponse("/registration#invitations", 303)

    @router.get("/mailbox")
    async def mailbox(request: Request, actor: AdminReader) -> Response:
        """For admins: where there is no mail server, letters with other operators' links lie here."""
        values: dict[str, object] = {
            "actor": actor,
            "letters": await accounts.letters(),
            "sends": settings.mail.sends,
            "host": settings.mail.host,
            "days": f"{settings.mail.keep_s / DAY_S:.0f}",
        }
        return render(request, "operator_mailbox.html", values)

    return router
