"""Statuspage's v2 JSON shapes, so that its clients read ours."""

from dataclasses import dataclass

import msgspec

from pontlevis.incidents.views import ComponentView, IncidentView, UpdateView
from pontlevis.web.render import iso

DOCUMENTS = ("status", "summary", "components", "incidents", "incidents/unresolved", "scheduled-maintenances")
PAGE_ID = "pontlevis"
_NAMES = {"api": "API", "chat": "Chat", "login": "Log-in", "registration": "Registration"}
_DESCRIPTIONS = {
    "none": "All Systems Operational",
    "minor": "Minor Service Outage",
    "major": "Partial System Outage",
    "critical": "Major Service Outage",
}
_COMPONENT_WORDS = {
    "api": "The inference API under /v1.",
    "chat": "The chat page.",
    "login": "Log-in to existing accounts.",
    "registration": "Making new accounts.",
}

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Page:
    """Whose page it is."""

    name: str
    url: str


def document(
    name: str,
    page: Page,
    components: list[ComponentView],
    incidents: list[IncidentView],
    indicator: str,
    now: float,
) -> bytes:
    """One of ``DOCUMENTS`` as bytes. ``now`` is Unix seconds."""
    updated = max(
        [each.updated_at for each in incidents] + [each.updated_at for each in components], default=now
    )
    about: Json = {
        "id": PAGE_ID,
        "name": page.name,
        "url": page.url,
        "time_zone": "Etc/UTC",
        "updated_at": iso(updated),
    }
    state: Json = {"indicator": indicator, "description": _DESCRIPTIONS[indicator]}
    parts = [_component(each, place) for place, each in enumerate(components, 1)]
    unresolved = [each for each in incidents if each.resolved_at is None]
    body: Json = {"page": about}
    if name == "status":
        body["status"] = state
    elif name == "summary":
        body |= {
            "components": parts,
            "incidents": [_incident(each, page, parts) for each in unresolved],
            "scheduled_maintenances": [],
            "status": state,
        }
    elif name == "components":
        body["components"] = parts
    elif name == "incidents":
        body["incidents"] = [_incident(each, page, parts) for each in incidents]
    elif name == "incidents/unresolved":
        body["incidents"] = [_incident(each, page, parts) for each in unresolved]
    else:
        body["scheduled_maintenances"] = []
    return msgspec.json.encode(body)


def _component(view: ComponentView, place: int) -> Json:
    key = view.component.value
    return {
        "id": key,
        "name": _NAMES[key],
        "status": view.status.value,
        "created_at": iso(view.first_seen_at),
        "updated_at": iso(view.updated_at),
        "position": place,
        "description": _COMPONENT_WORDS[key],
        "showcase": True,
        "start_date": iso(view.first_seen_at)[:10],
        "group_id": None,
        "page_id": PAGE_ID,
        "group": False,
        "only_show_if_degraded": False,
    }


def _incident(view: IncidentView, page: Page, components: list[Json]) -> Json:
    return {
        "id": view.id,
        "name": view.name_en,
        "status": view.status,
        "created_at": iso(view.created_at),
        "updated_at": iso(view.updated_at),
        "monitoring_at": iso(view.monitoring_at) if view.monitoring_at else None,
        "resolved_at": iso(view.resolved_at) if view.resolved_at else None,
        "impact": view.impact,
        "shortlink": f"{page.url}/status#{view.id}",
        "started_at": iso(view.created_at),
        "page_id": PAGE_ID,
        "incident_updates": [_update(each, view.id) for each in view.updates],
        "components": [each for each in components if each["status"] != "operational"]
        if view.resolved_at is None
        else [],
    }


def _update(view: UpdateView, incident: str) -> Json:
    return {
        "id": view.id,
        "status": view.status,
        "body": view.body_en,
        "incident_id": incident,
        "created_at": iso(view.created_at),
        "updated_at": iso(view.updated_at),
        "display_at": iso(view.created_at),
        "affected_components": None,
        "deliver_notifications": False,
        "custom_tweet": None,
        "tweet_id": None,
    }
