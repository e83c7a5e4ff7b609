"""The letter to a subscriber: the latest entry of an incident or of announced work."""

from datetime import UTC, datetime

from pontlevis.accounts.mail.letter import Letter
from pontlevis.incidents.views import IncidentView, MaintenanceView

_SAID = {
    "en": {
        "investigating": "Investigating", "identified": "Identified", "monitoring": "Monitoring",
        "resolved": "Resolved", "postmortem": "Post-mortem", "scheduled": "Announced work",
        "in_progress": "Work in progress", "verifying": "Being checked", "completed": "Completed",
        "page": "The whole story", "end": "To end these letters",
    },
    "fr": {
        "investigating": "En cours d'examen", "identified": "Identifié", "monitoring": "Sous surveillance",
        "resolved": "Résolu", "postmortem": "Retour d'expérience", "scheduled": "Travaux annoncés",
        "in_progress": "Travaux en cours", "verifying": "En vérification", "completed": "Terminé",
        "page": "Toute l'histoire", "end": "Pour ne plus recevoir ces lettres",
    },
}  # fmt: skip


def news_letter(
    view: IncidentView | MaintenanceView, language: str, *, name: str, url: str, end: str
) -> Letter:
    """Only what the public page shows as well."""
    said = _SAID["fr" if language == "fr" else "en"]
    status, body, at = view.updates[0].status, view.updates[0].body(language), view.updates[0].created_at
    if isinstance(view, IncidentView) and view.postmortem_at is not None and view.resolved_at is not None:
        status, body, at = "postmortem", view.postmortem(language), view.postmortem_at
    when = ""
    if isinstance(view, MaintenanceView):
        when = f"{_utc(view.scheduled_for)} – {_utc(view.scheduled_until)}\n\n"
    subject = " ".join(f"{name}: {said[status]}: {view.name(language)}".split())[:200]
    text = (
        f"{view.name(language)}\n\n{when}{said[status]}, {_utc(at)}\n\n{body}\n\n"
        f"{said['page']}: {url}/status#{view.id}\n\n--\n{said['end']}: {end}\n"
    )
    return Letter(subject, text)


def _utc(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
