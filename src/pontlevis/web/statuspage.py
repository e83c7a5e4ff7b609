"""Statuspage's v2 JSON shapes, so that its clients read ours."""

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from pontlevis.incidents.components import Component, indicator
from pontlevis.incidents.views import ComponentView, IncidentView, UpdateView

DOCUMENTS = (
    "status",
    "summary",
    "components",
    "incidents",
    "incidents/unresolved",
    "scheduled-maintenances",
    "scheduled-maintenances/upcoming",
    "scheduled-maintenances/active",
)
PAGE_ID = "pontlevis"
NAMES = {
    Component.API: "API",
    Component.CHAT: "Chat",
    Component.LOGIN: "Log-in",
    Component.REGISTRATION: "Registration",
}
_ABOUT = {
    Component.API: "The inference API under /v1.",
    Component.CHAT: "The chat page.",
    Component.LOGIN: "Log-in to existing accounts.",
    Component.REGISTRATION: "Making new accounts.",
}
_DESCRIPTIONS = {
    "none": "All Systems Operational",
    "minor": "Minor Service Outage",
    "major": "Partial System Outage",
    "critical": "Major Service Outage",
    "maintenance": "Service Under Maintenance",
}

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Page:
    """Whose page it is; ``url`` without a slash at its end."""

    name: str
    url: str


def document(
    name: str, page: Page, components: list[ComponentView], incidents: list[IncidentView], now: float
) -> bytes:
    """One of ``DOCUMENTS``. ``now`` is Unix seconds."""
    changes = [each.updated_at for each in incidents] + [each.updated_at for each in components]
    body: Json = {
        "page": {
            "id": PAGE_ID,
            "name": page.name,
            "url": f"{page.url}/status",
            "time_zone": "Etc/UTC",
            "updated_at": moment(max(changes, default=now)),
        }
    }
    unresolved = [each for each in incidents if each.resolved_at is None]
    parts = {each.component: _component(each, place) for place, each in enumerate(components, 1)}
    if name == "summary":
        body["components"] = list(parts.values())
        body["incidents"] = [_incident(each, page, parts) for each in unresolved]
        body["scheduled_maintenances"] = []
    elif name == "components":
        body["components"] = list(parts.values())
    elif name == "incidents":
        body["incidents"] = [_incident(each, page, parts) for each in incidents]
    elif name == "incidents/unresolved":
        body["incidents"] = [_incident(each, page, parts) for each in unresolved]
    elif name != "status":
        body["scheduled_maintenances"] = []
    if name in ("status", "summary"):
        word = indicator({each.component: each.status for each in components})
        body["status"] = {"indicator": word, "description": _DESCRIPTIONS[word]}
    return msgspec.json.encode(body)


def moment(seconds: float) -> str:
    """With milliseconds, as Statuspage writes it."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _component(view: ComponentView, place: int) -> Json:
    return {
        "id": view.component.value,
        "name": NAMES[view.component],
        "status": view.status.value,
        "created_at": moment(view.first_seen_at),
        "updated_at": moment(view.updated_at),
        "position": place,
        "description": _ABOUT[view.component],
        "showcase": True,
        "start_date": moment(view.first_seen_at)[:10],
        "group_id": None,
        "page_id": PAGE_ID,
        "group": False,
        "only_show_if_degraded": False,
    }


def _incident(view: IncidentView, page: Page, parts: dict[Component, Json]) -> Json:
    return {
        "id": view.id,
        "name": view.name_en,
        "status": view.status,
        "created_at": moment(view.created_at),
        "updated_at": moment(view.updated_at),
        "monitoring_at": moment(view.monitoring_at) if view.monitoring_at is not None else None,
        "resolved_at": moment(view.resolved_at) if view.resolved_at is not None else None,
        "impact": view.impact,
        "shortlink": f"{page.url}/status#{view.id}",
        "started_at": moment(view.created_at),
        "page_id": PAGE_ID,
        "incident_updates": [_update(each, view.id) for each in view.updates],
        "components": [parts[each] for each in view.components],
        "reminder_intervals": None,
    }


def _update(view: UpdateView, incident: str) -> Json:
    affected = [
        {
            "code": each.component.value,
            "name": NAMES[each.component],
            "old_status": each.old.value,
            "new_status": each.new.value,
        }
        for each in view.affected
    ]
    return {
        "id": view.id,
        "status": view.status,
        "body": view.body_en,
        "incident_id": incident,
        "created_at": moment(view.created_at),
        "updated_at": moment(view.updated_at),
        "display_at": moment(view.created_at),
        "affected_components": affected or None,
        "deliver_notifications": False,
        "custom_tweet": None,
        "tweet_id": None,
    }
