"""The parts of the service that the public knows, and their states."""

from enum import StrEnum

from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import RegistrationMode


class Component(StrEnum):
    """In the order in which they are shown."""

    API = "api"
    CHAT = "chat"
    LOGIN = "login"
    REGISTRATION = "registration"


class Status(StrEnum):
    """States of a component, as Statuspage names them."""

    OPERATIONAL = "operational"
    DEGRADED = "degraded_performance"
    PARTIAL = "partial_outage"
    MAJOR = "major_outage"
    MAINTENANCE = "under_maintenance"


SEVERITY = {
    Status.OPERATIONAL: 0,
    Status.MAINTENANCE: 1,
    Status.DEGRADED: 2,
    Status.PARTIAL: 3,
    Status.MAJOR: 4,
}
COLUMNS = {
    Status.OPERATIONAL: "operational_s",
    Status.DEGRADED: "degraded_s",
    Status.PARTIAL: "partial_s",
    Status.MAJOR: "major_s",
    Status.MAINTENANCE: "maintenance_s",
}
"""Where the database keeps the seconds of each; the order is that of ``Seconds``."""

Statuses = dict[Component, Status]


def worse(one: Status, other: Status) -> Status:
    return one if SEVERITY[one] >= SEVERITY[other] else other


def registration_status(posture: PostureState) -> Status:
    """What a registration mode means for who wants an account.

    Suspended is a partial outage, not a major one: the waitlist takes addresses, and whoever has an
    account loses nothing. Anything between open and suspended is degraded.
    """
    if posture.registration is RegistrationMode.SUSPENDED:
        return Status.PARTIAL
    if posture.registration in (RegistrationMode.OPEN, RegistrationMode.CHALLENGE):
        return Status.OPERATIONAL if posture.registration_share >= 1.0 else Status.DEGRADED
    return Status.DEGRADED


def indicator(statuses: Statuses) -> str:
    """The page as a whole: ``none``, ``minor``, ``major``, ``critical`` or ``maintenance``.

    Registration alone never makes more than ``minor``: those who have an account lose nothing by it.
    """
    serving = [statuses[each] for each in (Component.API, Component.CHAT, Component.LOGIN)]
    worst = max(serving, key=SEVERITY.__getitem__)
    if worst is Status.MAJOR:
        return "critical" if Status.MAJOR in (serving[0], serving[1]) else "major"
    if worst is Status.PARTIAL:
        return "major"
    if worst is Status.DEGRADED:
        return "minor"
    registration = statuses[Component.REGISTRATION]
    if registration not in (Status.OPERATIONAL, Status.MAINTENANCE):
        return "minor"
    return "maintenance" if Status.MAINTENANCE in (worst, registration) else "none"
