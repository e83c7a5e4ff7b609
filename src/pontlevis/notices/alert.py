"""What is worth an alert, and when it is given and taken back. Pure: facts and a time go in, changes come out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture
from pontlevis.incidents.components import Component, Status, Statuses
from pontlevis.incidents.views import DutyView, IncidentView
from pontlevis.notices.policy import SEVERITIES, AlertPolicy

_SUSTAINED = ("outage", "database")


class Action(StrEnum):
    """As PagerDuty names them."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that an operator should know. ``since`` is Unix seconds."""

    key: str
    """The same for the same trouble, however often it is seen."""
    name: str
    """Of ``alerts.events``, or ``test``."""
    severity: str
    summary: str
    since: float = 0.0
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What receivers are told."""

    action: Action
    alert: Alert
    at: float
    by: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What alerts are made of, this second."""

    posture: PostureState
    statuses: Statuses
    database_ok: bool
    duties: tuple[DutyView, ...] = ()
    open_incidents: tuple[IncidentView, ...] = ()


def alerts_of(facts: Facts, policy: AlertPolicy) -> dict[str, Alert]:
    """What stands now, by key, as far as ``policy.events`` names it."""
    found: list[Alert] = []
    state = facts.posture
    about = {"posture": state.posture.value, "registration": state.registration.value}
    if state.posture is Posture.UNDER_ATTACK:
        found.append(Alert("attack", "attack", "critical", f"Under attack: {state.reason}", details=about))
    elif state.posture is Posture.RECOVERING:
        said = f"Recovering, {state.registration_share:.0%} of registrations let through: {state.reason}"
        found.append(Alert("attack", "attack", "warning", said, details=about))
    elif state.posture is Posture.ELEVATED:
        found.append(Alert("elevated", "elevated", "warning", f"Elevated: {state.reason}", details=about))
    for component in (Component.API, Component.CHAT, Component.LOGIN):
        status = facts.statuses[component]
        if status in (Status.PARTIAL, Status.MAJOR):
            severity = "critical" if status is Status.MAJOR else "warning"
            text = f"{component.value} is {'down' if status is Status.MAJOR else 'partly down'} for existing users."
            found.append(
                Alert(f"outage:{component.value}", "outage", severity, text, details={"status": status.value})
            )
    if not facts.database_ok:
        text = "The database does not take what is written: no log-ins, no new accounts."
        found.append(Alert("database", "database", "critical", text))
    for duty in facts.duties:
        if duty.state in ("soon", "overdue"):
            late = duty.state == "overdue"
            left = "its time is over" if late else "its time is nearly over"
            text = f"{duty.name} ({duty.incident_name}): {left}. {duty.law}".strip()
            about = {"duty": duty.id, "incident": duty.incident_id}
            found.append(
                Alert(f"duty:{duty.id}", "duty", "critical" if late else "warning", text, details=about)
            )
    for incident in facts.open_incidents:
        severity = "critical" if incident.impact in ("major", "critical") else "warning"
        about = {"incident": incident.id, "status": incident.status, "impact": incident.impact}
        found.append(Alert(f"incident:{incident.id}", "incident", severity, incident.name_en, details=about))
    return {each.key: each for each in found if each.name in policy.events}


class AlertBook:
    """What operators were told and what of it stands: the same trouble is told once, worse trouble again."""

    def __init__(self, policy: AlertPolicy) -> None:
        self._policy = policy
        self._told: dict[str, Alert] = {}
        self._since: dict[str, float] = {}
        self._gone: dict[str, float] = {}
        self._acknowledged: dict[str, str] = {}

    def restore(self, told: list[Alert]) -> None:
        """After a restart: what had been told already."""
        self._told = {each.key: each for each in told}

    @property
    def standing(self) -> list[Alert]:
        return list(self._told.values())

    def acknowledged_by(self, key: str) -> str:
        return self._acknowledged.get(key, "")

    def take(self, now_there: Mapping[str, Alert], now: float) -> list[Change]:
        """One more look; what has to be told because of it."""
        changes: list[Change] = []
        for key in [each for each in self._since if each not in now_there and each not in self._told]:
            del self._since[key]
        for key, alert in now_there.items():
            since = self._since.setdefault(key, now)
            self._gone.pop(key, None)
            told = self._told.get(key)
            if told is None:
                wait = self._policy.after_s if alert.name in _SUSTAINED else 0.0
                if now - since >= wait:
                    self._told[key] = given = replace(alert, since=since)
                    changes.append(Change(Action.TRIGGER, given, now))
            elif SEVERITIES.index(alert.severity) > SEVERITIES.index(told.severity):
                self._told[key] = given = replace(alert, since=told.since)
                self._acknowledged.pop(key, None)
                changes.append(Change(Action.TRIGGER, given, now))
            elif alert.name == "attack" and alert.severity != told.severity:
                # It recovers: nobody is woken for that, but a relapse is told again.
                self._told[key] = replace(alert, since=told.since)
        for key in [each for each in self._told if each not in now_there]:
            if now - self._gone.setdefault(key, now) >= self._policy.calm_s:
                changes.append(Change(Action.RESOLVE, self._told.pop(key), now))
                for held in (self._gone, self._since, self._acknowledged):
                    held.pop(key, None)
        return changes

    def acknowledge(self, key: str, *, actor: str, now: float) -> Change:
        """Somebody looks after it. Raises ``KeyError`` for what does not stand."""
        alert = self._told[key]
        self._acknowledged[key] = actor
        return Change(Action.ACKNOWLEDGE, alert, now, actor)
