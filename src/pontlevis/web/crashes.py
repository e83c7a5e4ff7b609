"""What a visitor sees when something breaks: a short word, never a trace."""

import logging
from collections.abc import Callable

from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pontlevis.storage.database import UNAVAILABLE, is_unstorable

RETRY_S = 5.0

log = logging.getLogger("pontlevis.web")

Answer = Callable[[Request, int, str, str, float], Response]
"""From request, status, code, message and Retry-After in seconds (0: none) to an answer."""


class CrashMiddleware:
    """Pure ASGI. Stands within the security headers, so that the answer to a crash carries them too."""

    def __init__(self, app: ASGIApp, answer: Answer) -> None:
        self._app = app
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            # The route's own pattern, not the visitor's path: nobody may write into the log.
            place = f"{scope['method']} {getattr(scope.get('route'), 'path', 'no route')}"
            unstorable = is_unstorable(error)
            if unstorable:
                log.info("web:request:unstorable %s", place)
            elif isinstance(error, UNAVAILABLE):
                log.error("web:database:unavailable %s: %s", place, getattr(error, "orig", error))
            else:
                log.exception("web:request:crashed %s", place)
            if begun:
                raise
            request = Request(scope, receive)
            if unstorable:
                message = "something in this request is no text that can be kept"
                answer = self._answer(request, 400, "bad_request", message, 0.0)
            elif isinstance(error, UNAVAILABLE):
                message = "accounts are not available at this moment; please try again shortly"
                answer = self._answer(request, 503, "unavailable", message, RETRY_S)
            else:
                answer = self._answer(request, 500, "internal_error", "something went wrong on our side", 0.0)
            await answer(scope, receive, sending)
