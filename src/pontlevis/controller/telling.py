"""Puts together who is told: subscribers of the status page, and operators by alerts."""

import random
import secrets
import time
from collections.abc import Callable

from pontlevis.accounts.rooms import Site
from pontlevis.accounts.service import Accounts
from pontlevis.brain.posture.state import PostureState
from pontlevis.config import Settings
from pontlevis.incidents import statuspage
from pontlevis.incidents.service import Incidents
from pontlevis.notices.alert import Facts
from pontlevis.notices.alert_room import AlertRoom
from pontlevis.notices.courier import Courier
from pontlevis.notices.post import Poster
from pontlevis.notices.subscribers import Subscribers


class Telling:
    """Ticked by the controller. ``key`` signs the links in letters."""

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        incidents: Incidents,
        posture: Callable[[], PostureState],
        *,
        key: bytes,
    ) -> None:
        name = settings.status.title or settings.name
        site = Site(name, settings.base_url)
        poster = Poster(settings.notices)
        self._incidents = incidents
        self._posture = posture
        self.subscribers = Subscribers(
            accounts.database,
            settings.status,
            settings.notices,
            settings.mail,
            site,
            key=key,
            clock=time.time,
            entropy=secrets.token_bytes,
        )
        self.courier = Courier(
            self.subscribers,
            incidents,
            poster,
            page=statuspage.Page(name, settings.base_url),
            draw=random.random,
        )
        self.alerts = AlertRoom(
            accounts.database,
            settings.alerts,
            settings.notices,
            settings.mail,
            poster,
            service=settings.name,
            url=settings.operator_url,
            clock=time.time,
            draw=random.random,
        )
        accounts.subscription_letter = self.subscribers.letter

    async def look(self) -> None:
        """One second of alerts."""
        incidents = self._incidents
        facts = Facts(
            self._posture(),
            incidents.statuses,
            incidents.availability.database_ok,
            tuple(incidents.duties.all()),
            tuple(await incidents.incidents(unresolved=True)),
        )
        await self.alerts.tick(facts)
