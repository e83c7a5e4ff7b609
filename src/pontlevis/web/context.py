"""What the web rooms are given."""

from dataclasses import dataclass

from pontlevis.accounts.respond import TouchedAccounts
from pontlevis.accounts.service import Accounts
from pontlevis.brain.refusal_note import RefusalCodec
from pontlevis.config import Settings
from pontlevis.incidents.service import Incidents
from pontlevis.notices.alert_room import AlertRoom
from pontlevis.notices.subscribers import Subscribers
from pontlevis.web.ports import PolicyDesk, Service


@dataclass(frozen=True, slots=True)
class WebContext:
    """The rooms behind the pages."""

    settings: Settings
    accounts: Accounts
    incidents: Incidents
    service: Service
    refusals: RefusalCodec
    """Opens the ids of refusals."""
    policy: PolicyDesk
    subscribers: Subscribers | None = None
    """Who is told by mail and webhook; None: nobody."""
    alerts: AlertRoom | None = None
    touched: TouchedAccounts | None = None
    """Who knows which accounts an incident touched."""
