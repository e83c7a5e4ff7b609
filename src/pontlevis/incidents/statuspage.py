"""Statuspage's v2 JSON shapes, so that its clients read ours."""

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from pontlevis.incidents.components import SEVERITY, Component, Status, indicator
from pontlevis.incidents.page_policy import ComponentGroup
from pontlevis.incidents.views import ComponentView, IncidentView, MaintenanceView, UpdateView

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


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the documents are made of."""

    page: Page
    components: list[ComponentView]
    incidents: list[IncidentView]
    maintenances: list[MaintenanceView]
    groups: tuple[ComponentGroup, ...] = ()
    now: float = 0.0


def document(name: str, facts: Facts) -> bytes:
    """One of ``DOCUMENTS``."""
    body: Json = {"page": page_shape(facts)}
    unresolved = [each for each in facts.incidents if each.resolved_at is None]
    if name == "summary":
        body["components"] = _components(facts)
        body["incidents"] = [incident_shape(each, facts) for each in unresolved]
        ahead = [each for each in facts.maintenances if each.ended_at is None]
        body["scheduled_maintenances"] = [maintenance_shape(each, facts) for each in ahead]
    elif name == "components":
        body["components"] = _components(facts)
    elif name == "incidents":
        body["incidents"] = [incident_shape(each, facts) for each in facts.incidents]
    elif name == "incidents/unresolved":
        body["incidents"] = [incident_shape(each, facts) for each in unresolved]
    elif name != "status":
        body["scheduled_maintenances"] = [
            maintenance_shape(each, facts)
            for each in facts.maintenances
            if name == "scheduled-maintenances"
            or (each.active if name.endswith("active") else each.status == "scheduled")
        ]
    if name in ("status", "summary"):
        word = indicator({each.component: each.status for each in facts.components})
        body["status"] = {"indicator": word, "description": _DESCRIPTIONS[word]}
    return msgspec.json.encode(body)


def page_shape(facts: Facts) -> Json:
    """Whose page it is, as every document says."""
    changes = [each.updated_at for each in facts.incidents]
    changes += [each.updated_at for each in facts.components]
    changes += [each.updated_at for each in facts.maintenances]
    return {
        "id": PAGE_ID,
        "name": facts.page.name,
        "url": f"{facts.page.url}/status",
        "time_zone": "Etc/UTC",
        "updated_at": moment(max(changes, default=facts.now)),
    }


def moment(seconds: float) -> str:
    """With milliseconds, as Statuspage writes it."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _components(facts: Facts) -> list[Json]:
    """Groups first, each followed by its own, as Statuspage lists them; then those by themselves."""
    group_of = {part: each for each in facts.groups for part in each.components}
    found: list[Json] = []
    views = {each.component: each for each in facts.components}
    for group in facts.groups:
        parts = [views[each] for each in Component if each in group.components]
        worst = max((each.status for each in parts), key=SEVERITY.__getitem__)
        first = min(each.first_seen_at for each in parts)
        found.append(
            _component_shape(
                _group_id(group),
                group.name,
                worst,
                first,
                max(each.updated_at for each in parts),
                len(found) + 1,
            )
            | {"group": True, "components": [each.component.value for each in parts], "start_date": None}
        )
        found.extend(_component(each, place, _group_id(group)) for place, each in enumerate(parts, 1))
    alone = [each for each in facts.components if each.component not in group_of]
    found.extend(_component(each, place) for place, each in enumerate(alone, len(facts.groups) + 1))
    return found


def _group_id(group: ComponentGroup) -> str:
    return "group-" + "-".join(each.value for each in Component if each in group.components)


def _component(view: ComponentView, place: int, group: str | None = None) -> Json:
    name = NAMES[view.component]
    shape = _component_shape(
        view.component.value, name, view.status, view.first_seen_at, view.updated_at, place
    )
    return shape | {"description": _ABOUT[view.component], "group_id": group}


def _component_shape(id_: str, name: str, status: Status, first: float, updated: float, place: int) -> Json:
    return {
        "id": id_,
        "name": name,
        "status": status.value,
        "created_at": moment(first),
        "updated_at": moment(updated),
        "position": place,
        "description": None,
        "showcase": True,
        "start_date": moment(first)[:10],
        "group_id": None,
        "page_id": PAGE_ID,
        "group": False,
        "only_show_if_degraded": False,
    }


def _named(parts: tuple[Component, ...], facts: Facts) -> list[Json]:
    shapes = {str(each["id"]): each for each in _components(facts)}
    return [shapes[each.value] for each in parts]


def incident_shape(view: IncidentView, facts: Facts) -> Json:
    """One incident. Private notes are no part of it, by not being read here at all."""
    updates = [_update(each, view.id) for each in view.updates]
    if view.postmortem_at is not None and view.resolved_at is not None:
        told = UpdateView(
            f"{view.id[:8]}postmort", "postmortem", view.postmortem_en, view.postmortem_fr,
            view.postmortem_at, view.postmortem_at, False, "",
        )  # fmt: skip
        updates.insert(0, _update(told, view.id))
    return {
        "id": view.id,
        "name": view.name_en,
        "status": updates[0]["status"] if updates and updates[0]["status"] == "postmortem" else view.status,
        "created_at": moment(view.created_at),
        "updated_at": moment(view.updated_at),
        "monitoring_at": _moment(view.monitoring_at),
        "resolved_at": _moment(view.resolved_at),
        "impact": view.impact,
        "shortlink": f"{facts.page.url}/status#{view.id}",
        "started_at": moment(view.created_at),
        "page_id": PAGE_ID,
        "incident_updates": updates,
        "components": _named(view.components, facts),
        "reminder_intervals": None,
    }


def maintenance_shape(view: MaintenanceView, facts: Facts) -> Json:
    """One announced maintenance."""
    return {
        "id": view.id,
        "name": view.name_en,
        "status": view.status,
        "created_at": moment(view.created_at),
        "updated_at": moment(view.updated_at),
        "monitoring_at": None,
        "resolved_at": _moment(view.ended_at),
        "impact": "maintenance",
        "shortlink": f"{facts.page.url}/status#{view.id}",
        "started_at": moment(view.created_at),
        "page_id": PAGE_ID,
        "incident_updates": [_update(each, view.id) for each in view.updates],
        "components": _named(view.components, facts),
        "scheduled_for": moment(view.scheduled_for),
        "scheduled_until": moment(view.scheduled_until),
        "reminder_intervals": None,
    }


def _moment(seconds: float | None) -> str | None:
    return moment(seconds) if seconds is not None else None


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
