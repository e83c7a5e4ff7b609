"""After a breach, as the operator's API and the console's page do it: whom it touched, what is done, the note."""

from datetime import UTC, datetime

from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.respond import Response, Touched
from pontlevis.web.context import WebContext


class RespondDesk:
    """Between the accounts' room, which acts, and the incidents', which remember it."""

    def __init__(self, context: WebContext) -> None:
        self._context = context

    async def touched(self, incident: str) -> list[Touched]:
        """Whom an incident touched; nobody where none is named.

        Raises ``AccountError``: 400 where this service cannot know, 404 for an incident that is not there.
        """
        if not incident:
            return []
        if self._context.touched is None:
            raise AccountError(
                400, "bad_request", "this service does not know which accounts an incident touched"
            )
        try:
            return await self._context.touched.touched(incident)
        except KeyError:
            raise AccountError(404, "not_found", "there is no such incident") from None

    async def note(self, incident: str, done: Response, *, actor: str, reason: str) -> bool:
        """A private note on the incident; False where it is too old to be written on, or nothing was done."""
        if not incident or not done.applied:
            return False
        try:
            notes = self._context.incidents.view(incident).notes
        except KeyError:
            return False
        moment = datetime.fromtimestamp(self._context.accounts.clock(), UTC)
        line = f"{moment:%Y-%m-%d %H:%M} UTC, {actor}: {done.sentence}. {reason}"
        await self._context.incidents.edit(incident, actor=actor, notes=f"{notes}\n{line}".strip())
        return True
