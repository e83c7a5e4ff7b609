"""What the machine writes: incidents opened, continued, updated and resolved from posture and measurement."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.vocabulary import Posture, RegistrationMode, Verdict
from pontlevis.incidents import words
from pontlevis.incidents.components import SEVERITY, Component, Status, Statuses, registration_status, worse
from pontlevis.incidents.news import News, news_of
from pontlevis.incidents.policy import IncidentPolicy
from pontlevis.incidents.shelf import LONGEST_NOTES, OPERATOR, Shelf, id_of
from pontlevis.incidents.views import IMPACTS
from pontlevis.incidents.words import Words
from pontlevis.storage.database import Database
from pontlevis.storage.tables.control import TransitionRow
from pontlevis.storage.tables.incidents import IncidentRow, IncidentUpdateRow

ATTACK = "attack"
DISTURBANCE = "disturbance"
MACHINE = "posture"
MOST_UNTOLD = 200
REPLAYED_S = 86_400.0  # where no incident is known, how far back transitions are weighed after a restart

log = logging.getLogger("pontlevis.incidents")


class Teller(Shelf):
    """Writes for the public, unless an operator has taken over."""

    def __init__(
        self,
        database: Database,
        policy: IncidentPolicy,
        clock: Callable[[], float],
        statuses: Callable[[], Statuses],
    ) -> None:
        super().__init__(database, policy, clock, statuses)
        self._untold: deque[Transition] = deque(maxlen=MOST_UNTOLD)
        self._telling = asyncio.Lock()
        self._bad_since: float | None = None
        self._calm_since: float | None = None

    async def catch_up(self) -> None:
        """After a restart: tells what had been decided but not yet told. What was told is not told twice."""
        async with self._database.session() as session:
            followed = await session.scalar(select(func.max(IncidentRow.followed_at)))
            since = followed or self._clock() - REPLAYED_S
            rows = await session.scalars(
                select(TransitionRow.transition)
                .where(TransitionRow.at >= since)
                .order_by(TransitionRow.id.desc())
                .limit(MOST_UNTOLD)
            )
            missed = [msgspec.json.decode(each, type=Transition) for each in rows]
        for transition in reversed(missed):
            await self._follow(transition)

    async def on_transition(self, transition: Transition) -> None:
        """Writes what the public should know of a change of posture; the same one twice writes once.

        Where the database does not take it in time it is kept and tried again each second: the defence
        does not wait for the page.
        """
        if news_of(transition) is not None:
            self._untold.append(transition)
        await self.tell()

    async def tell(self) -> None:
        """Writes what is still untold."""
        async with self._telling:
            while self._untold:
                try:
                    async with asyncio.timeout(self._policy.write_limit_s):
                        await self._follow(self._untold[0])
                except Exception:
                    log.exception("incident:update:not_written")
                    return
                self._untold.popleft()

    async def watch(self, posture: PostureState, now: float) -> None:
        """Each second: opens and resolves incidents of what is measured without an attack."""
        impact = self._disturbed(posture)
        if impact is None:
            self._bad_since, self._calm_since = None, self._calm_since or now
        else:
            self._bad_since, self._calm_since = self._bad_since or now, None
        if self._untold or posture.posture not in (Posture.NORMAL, Posture.ELEVATED):
            return
        held = self.open
        bad_for = now - self._bad_since if self._bad_since is not None else 0.0
        calm_for = now - self._calm_since if self._calm_since is not None else 0.0
        if held is not None and held.taken_over_by:
            return
        if impact is not None and bad_for >= self._policy.sustained_s:
            worsened = (
                held is not None
                and held.kind == DISTURBANCE
                and IMPACTS.index(impact) > IMPACTS.index(held.impact)
            )
            if held is None or worsened:
                name, body = _DISTURBANCES[impact]
                news = News("investigating", impact, name, body, opens=True)
                await self._measured(f"measured:{self._bad_since:.3f}:{impact}", news, now)
        elif held is None or impact is not None:
            return
        elif held.kind == DISTURBANCE and calm_for >= self._policy.calm_s:
            news = News("resolved", "none", words.NAME_SLOW, words.RESOLVED_DISTURBANCE, opens=False)
            await self._measured(f"measured:{self._calm_since:.3f}:resolved", news, now)
        elif held.kind == ATTACK and _is_over(posture):
            # Handed back by an operator after the attack had ended.
            news = News("resolved", "none", words.NAME_ATTACK, words.RESOLVED_LIMITED, opens=False)
            await self._measured(f"handed_back:{held.id}:{held.updated_at:.3f}", news, now)

    def _disturbed(self, posture: PostureState) -> str | None:
        """The impact of what is measured now on those who have an account."""
        statuses = self._statuses()
        worst = Status.OPERATIONAL
        for component in (Component.API, Component.CHAT, Component.LOGIN):
            if statuses[component] is not Status.MAINTENANCE:
                worst = worse(worst, statuses[component])
        if worst is Status.OPERATIONAL:
            overloaded = posture.posture is Posture.ELEVATED and posture.verdict is Verdict.OVERLOAD
            return "minor" if overloaded else None
        if worst is Status.MAJOR and statuses[Component.API] is Status.MAJOR:
            return "critical"
        return "minor" if worst is Status.DEGRADED else "major"

    async def _measured(self, cause: str, news: News, now: float) -> None:
        try:
            async with asyncio.timeout(self._policy.write_limit_s), self._telling, self.writing() as session:
                await self._write(session, cause, news, DISTURBANCE, now, MACHINE, "", self._statuses())
        except Exception:
            log.exception("incident:update:not_written")

    async def _follow(self, transition: Transition) -> None:
        news = news_of(transition)
        if news is None:
            return
        after = transition.after
        cause = f"posture:{transition.at:.6f}:{after.posture.value}:{after.stage}:{after.registration.value}"
        statuses = {**self._statuses(), Component.REGISTRATION: registration_status(after)}
        async with self.writing() as session:
            await self._write(
                session, cause, news, ATTACK, transition.at, transition.actor, transition.reason, statuses
            )

    async def _write(
        self,
        session: AsyncSession,
        cause: str,
        news: News,
        kind: str,
        now: float,
        actor: str,
        reason: str,
        statuses: Statuses,
    ) -> None:
        if await session.scalar(select(IncidentUpdateRow.id).where(IncidentUpdateRow.cause == cause)):
            return
        incident = await self._incident(session, cause, news, kind, now)
        if incident is None:
            return
        if kind == ATTACK:
            incident.followed_at = max(incident.followed_at, now)
        if reason:
            _note(incident, now, actor, reason)
        if incident.taken_over_by:
            return
        if news.opens and _may_rename(incident, news.name):
            incident.name_en, incident.name_fr = news.name.en, news.name.fr
        incident.impact = max(incident.impact, news.impact, key=IMPACTS.index)
        body = self._body(incident, news, statuses)
        self.enter(
            session, incident, now=now, cause=cause, status=news.status, body=body,
            automatic=True, actor=actor, statuses=statuses,
        )  # fmt: skip

    async def _incident(
        self, session: AsyncSession, cause: str, news: News, kind: str, now: float
    ) -> IncidentRow | None:
        """The open incident, or the last one continued, or a new one."""
        newest = (
            select(IncidentRow).where(IncidentRow.kind != OPERATOR).order_by(IncidentRow.created_at.desc())
        )
        held = await session.scalar(newest.where(IncidentRow.resolved_at.is_(None)).limit(1))
        if held is not None:
            if kind == ATTACK and held.kind == DISTURBANCE:
                if not news.opens:
                    return None
                held.kind = ATTACK
            return held
        if not news.opens:
            return None
        last = await session.scalar(
            newest.where(
                IncidentRow.kind == kind,
                IncidentRow.taken_over_by == "",
                IncidentRow.resolved_at >= now - self._policy.continue_s,
            ).limit(1)
        )
        if last is not None:
            return last
        made = IncidentRow(
            id=id_of(cause), name_en=news.name.en, name_fr=news.name.fr, status=news.status,
            impact=news.impact, created_at=now, updated_at=now, taken_over_by="", notes="", kind=kind,
            followed_at=0.0, asked=0, unserved=0,
        )  # fmt: skip
        session.add(made)
        await session.flush()
        return made

    def _body(self, incident: IncidentRow, news: News, statuses: Statuses) -> Words:
        body = news.body
        if news.reassures:
            fine = all(
                SEVERITY[statuses[each]] < SEVERITY[Status.DEGRADED]
                for each in (Component.API, Component.LOGIN)
            )
            body = body.then(words.EXISTING if fine else words.EXISTING_DISTURBED)
        counted = next((each for each in self._views if each.id == incident.id), None)
        if counted is not None and counted.asked >= self._policy.least_told:
            body = body.then(words.availability(counted.asked, counted.unserved))
        return body


_DISTURBANCES = {
    "minor": (words.NAME_SLOW, words.SLOW),
    "major": (words.NAME_FAILING, words.FAILING),
    "critical": (words.NAME_FAILING, words.DOWN),
}


def _is_over(posture: PostureState) -> bool:
    return posture.posture is Posture.NORMAL and posture.registration in (
        RegistrationMode.OPEN,
        RegistrationMode.CHALLENGE,
    )


def _may_rename(incident: IncidentRow, name: Words) -> bool:
    """Never over an operator's words, and never from the attack to something lesser."""
    held = Words(incident.name_en, incident.name_fr)
    return held in words.NAMES and (held != words.NAME_ATTACK or name == words.NAME_ATTACK)


def _note(incident: IncidentRow, now: float, actor: str, reason: str) -> None:
    line = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M:%S} UTC, {actor}: {reason}"
    if line not in incident.notes:
        incident.notes = f"{incident.notes}\n{line}".strip()[-LONGEST_NOTES:]
