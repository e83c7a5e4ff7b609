"""The letter to a subscriber: the newest entries of an incident or of announced work."""

from datetime import UTC, datetime

from pontlevis.accounts.mail.letter import Letter
from pontlevis.incidents.views import IncidentView, MaintenanceView
from pontlevis.notices.fan_out import Event

MOST_ENTRIES = 10  # in one letter; more of them stand on the page

_SAID = {
    "en": {
        "investigating": "Investigating", "identified": "Identified", "monitoring": "Monitoring",
        "resolved": "Resolved", "postmortem": "Post-mortem", "scheduled": "Announced work",
        "in_progress": "Work in progress", "verifying": "Being checked", "completed": "Completed",
        "page": "The whole story", "end": "To end these letters",
        "more": "Earlier entries are on the page.",
    },
    "fr": {
        "investigating": "En cours d'examen", "identified": "Identifié", "monitoring": "Sous surveillance",
        "resolved": "Résolu", "postmortem": "Retour d'expérience", "scheduled": "Travaux annoncés",
        "in_progress": "Travaux en cours", "verifying": "En vérification", "completed": "Terminé",
        "page": "Toute l'histoire", "end": "Pour ne plus recevoir ces lettres",
        "more": "Les entrées précédentes sont sur la page.",
    },
}  # fmt: skip


def news_letter(
    view: IncidentView | MaintenanceView, language: str, *, name: str, url: str, end: str, event: Event
) -> Letter:
    """Only what the public page shows as well: the entries that ``event`` spans, the newest first."""
    said = _SAID["fr" if language == "fr" else "en"]
    entries = [
        (each.status, each.body(language), each.created_at)
        for each in view.updates
        if event.since <= each.created_at <= event.until
    ] or [(view.updates[0].status, view.updates[0].body(language), view.updates[0].created_at)]
    if isinstance(view, IncidentView) and event.status == "postmortem" and view.postmortem_at is not None:
        told = [each for each in entries if event.since < event.until]
        entries = [("postmortem", view.postmortem(language), view.postmortem_at), *told]
    when = ""
    if isinstance(view, MaintenanceView):
        when = f"{_utc(view.scheduled_for)} – {_utc(view.scheduled_until)}\n\n"
    subject = " ".join(f"{name}: {said[entries[0][0]]}: {view.name(language)}".split())[:200]
    parts = [f"{said[status]}, {_utc(at)}\n\n{body}\n\n" for status, body, at in entries[:MOST_ENTRIES]]
    if len(entries) > MOST_ENTRIES:
        parts.append(f"{said['more']}\n\n")
    text = (
        f"{view.name(language)}\n\n{when}{''.join(parts)}"
        f"{said['page']}: {url}/status#{view.id}\n\n--\n{said['end']}: {end}\n"
    )
    return Letter(subject, text)


def _utc(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
