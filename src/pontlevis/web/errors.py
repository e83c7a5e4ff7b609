"""Errors in one shape for programs, and as pages for people."""

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from pontlevis.accounts.factors import SecondFactorRequired
from pontlevis.accounts.service import AccountError
from pontlevis.web.crashes import CrashMiddleware
from pontlevis.web.render import render

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_CODES = {404: "not_found", 405: "method_not_allowed", 403: "forbidden", 401: "not_logged_in"}


def error_answer(
    status: int,
    code: str,
    message: str,
    *,
    param: str | None = None,
    retry_after_s: float = 0.0,
    extra: Mapping[str, object] | None = None,
) -> JSONResponse:
    """An error as the API's clients expect it."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "service_unavailable_error")
    headers = {"retry-after": str(max(1, ceil(retry_after_s)))} if retry_after_s > 0 else None
    body = {"message": message, "type": kind, "code": code, "param": param, **(extra or {})}
    return JSONResponse({"error": body}, status, headers)


def install(app: FastAPI, *, pages: bool) -> None:
    """Registers the handlers; with ``pages`` False everything is answered as JSON."""

    def wants_json(request: Request) -> bool:
        return not pages or request.url.path.startswith(("/api/", "/metrics", "/healthz", "/readyz"))

    async def on_account(request: Request, error: Exception) -> Response:
        if not isinstance(error, AccountError):
            raise error
        if wants_json(request):
            extra: dict[str, object] = {}
            if error.code == "registration_suspended":
                base = request.app.state.base_url
                extra = {"status_page": f"{base}/status", "waitlist": f"{base}/api/waitlist"}
            elif isinstance(error, SecondFactorRequired):
                extra = {
                    "ticket": error.ticket,
                    "expires_at": error.expires_at,
                    "methods": [each.value for each in error.methods],
                }
            elif error.code in ("challenge_required", "challenge_failed"):
                action = "login" if request.url.path == "/api/sessions" else "signup"
                extra = {"challenge": f"{request.app.state.base_url}/api/challenge?action={action}"}
            return error_answer(
                error.status,
                error.code,
                error.message,
                param=error.param,
                retry_after_s=error.retry_after_s,
                extra=extra,
            )
        return _page(request, error.status, error.code, error.retry_after_s)

    async def on_http(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        status = error.status_code
        if wants_json(request):
            phrase = error.detail if isinstance(error.detail, str) else HTTPStatus(status).phrase
            code = _CODES.get(status, "bad_request")
            if status == HTTPStatus.BAD_REQUEST and error.__cause__ is not None:
                code = "invalid_body"  # FastAPI's, for a body that its parser gave up on
            answer = error_answer(
                status, code, phrase.lower() if phrase == HTTPStatus(status).phrase else phrase
            )
            answer.headers.update(error.headers or {})
            return answer
        shown = _page(request, status, str(status))
        shown.headers.update(error.headers or {})
        return shown

    async def on_invalid(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        first = error.errors()[0]
        place = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
        if first["type"] == "json_invalid":
            place, first["msg"] = [], "the JSON body could not be parsed"
        message = f"{'.'.join(place)}: {first['msg']}" if place else str(first["msg"])
        if wants_json(request):
            return error_answer(400, "invalid_body", message[:500], param=".".join(place)[:100] or None)
        return _page(request, 400, "400")

    def on_crash(request: Request, status: int, code: str, message: str, retry_after_s: float) -> Response:
        if wants_json(request):
            return error_answer(status, code, message, retry_after_s=retry_after_s)
        return _page(request, status, code, retry_after_s)

    app.add_exception_handler(AccountError, on_account)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_middleware(CrashMiddleware, answer=on_crash)


def _page(request: Request, status: int, code: str, retry_after_s: float = 0.0) -> Response:
    """``code`` is an error's own, or the status where there is nothing more to say."""
    values = {"status": status, "code": code, "retry_s": ceil(retry_after_s)}
    shown = render(request, "error.html", values, status=status)
    if retry_after_s > 0:
        shown.headers["retry-after"] = str(max(1, ceil(retry_after_s)))
    return shown
