"""News that come close together go out as one; the first and the resolution at once."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from receiver import Mailbag, receiver
from sqlalchemy import func, select

from pontlevis.accounts.mail.policy import MailPolicy
from pontlevis.accounts.rooms import Site
from pontlevis.incidents.page_policy import StatusPolicy
from pontlevis.incidents.policy import IncidentPolicy
from pontlevis.incidents.service import Incidents
from pontlevis.incidents.statuspage import Page
from pontlevis.notices.courier import Courier
from pontlevis.notices.fan_out import BATCH, Told, due_at
from pontlevis.notices.policy import NoticePolicy
from pontlevis.notices.post import Poster
from pontlevis.notices.subscribers import MAIL, Subscribers
from pontlevis.storage.database import Database
from pontlevis.storage.migrate import upgrade
from pontlevis.storage.tables.telling import NoticeRow, SubscriberRow
from surroundings import PATIENCE_S

BASE = "https://front.example"


class Office:
    """Incidents, subscribers and a courier on one database; ``again`` is a restart."""

    def __init__(self, database: Database, **notices: float) -> None:
        self.database, self.now, self.bag = database, 1_738_000_000.0, Mailbag()
        self._policy = NoticePolicy(allow_networks=("127.0.0.0/8",), allow_http=True, **notices)  # type: ignore[arg-type]
        self._build()

    def _build(self) -> None:
        clock = lambda: self.now  # noqa: E731
        self.incidents = Incidents(self.database, IncidentPolicy(write_limit_s=PATIENCE_S), clock, "Heron")
        self.subscribers = Subscribers(
            self.database, StatusPolicy(), self._policy, MailPolicy(host="127.0.0.1"),
            Site("Heron", BASE), key=bytes(32), clock=clock, entropy=Random(3).randbytes,
        )  # fmt: skip
        self.courier = Courier(
            self.subscribers, self.incidents, Poster(self._policy), page=Page("Heron", BASE), draw=lambda: 1.0,
            carrier=self.bag,
        )  # fmt: skip

    async def again(self) -> None:
        self._build()
        await self.incidents.start()

    async def reader(self, language: str = "en") -> None:
        async with self.database.session() as session:
            session.add(
                SubscriberRow(
                    id="reader",
                    kind=MAIL,
                    target="ada@example.com",
                    target_key="ada",
                    language=language,
                    state="active",
                    created_at=self.now,
                )
            )

    async def say(self, incident: str, status: str, text: str, *, after_s: float) -> None:
        self.now += after_s
        await self.incidents.post_update(
            incident, actor="op", status=status, body_en=text, body_fr=f"FR {text}"
        )
        await self.courier.deliver()

    async def opened(self, text: str = "We look.") -> str:
        made = await self.incidents.open_incident(actor="op", name_en="Slow", body_en=text)
        await self.courier.deliver()
        return made.id

    def subjects(self) -> list[str]:
        return [str(each["Subject"]) for each in self.bag.messages]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    database = Database.in_directory(tmp_path)
    try:
        await upgrade(database)
        made = Office(database)
        await made.incidents.start()
        await made.reader()
        yield made
    finally:
        await database.close()


async def test_the_first_goes_at_once_and_what_follows_as_one(office: Office) -> None:
    """Three entries within three minutes are two letters; the second tells both, the newest first."""
    incident = await office.opened()
    assert office.subjects() == ["Heron: Investigating: Slow"]
    await office.say(incident, "identified", "It is a flood.", after_s=20)
    await office.say(incident, "identified", "The bridge is up.", after_s=20)
    assert len(office.bag.messages) == 1
    office.now += 139
    await office.courier.deliver()
    assert len(office.bag.messages) == 1
    office.now += 1
    await office.courier.deliver()
    await office.courier.deliver()
    assert office.subjects()[1:] == ["Heron: Identified: Slow"]
    text = office.bag.messages[1].get_content()
    assert text.index("The bridge is up.") < text.index("It is a flood.")
    assert "We look." not in text


async def test_a_resolution_never_waits_and_takes_along_what_did(office: Office) -> None:
    """Nothing comes after it that was written before; what begins anew afterwards is told at once as well."""
    incident = await office.opened()
    await office.say(incident, "identified", "It is a flood.", after_s=5)
    await office.say(incident, "resolved", "It is over.", after_s=5)
    assert office.subjects()[1:] == ["Heron: Resolved: Slow"]
    text = office.bag.messages[1].get_content()
    assert text.index("It is over.") < text.index("It is a flood.")
    await office.say(incident, "investigating", "It is back.", after_s=5)
    assert office.subjects()[2:] == ["Heron: Investigating: Slow"]
    office.now += 3_600
    await office.courier.deliver()
    assert len(office.bag.messages) == 3


async def test_another_incident_does_not_wait_for_the_first(office: Office) -> None:
    """Windows are each incident's own."""
    await office.opened()
    office.now += 5
    await office.opened("Another.")
    assert len(office.bag.messages) == 2


async def test_what_waits_survives_a_restart(office: Office) -> None:
    """Neither lost nor sent early, and told once."""
    incident = await office.opened()
    await office.say(incident, "identified", "It is a flood.", after_s=10)
    await office.again()
    await office.courier.deliver()
    assert len(office.bag.messages) == 1
    office.now += 170
    await office.courier.deliver()
    await office.again()
    await office.courier.deliver()
    assert len(office.bag.messages) == 2


async def test_a_webhook_gets_all_entries_in_the_shape_it_knows(office: Office) -> None:
    """One call for two entries, whose document holds both as before; many that wait keep no resolution back."""
    async with receiver() as there:
        await office.subscribers.ask_by_webhook(f"{there.url}/hook", language="en", source="192.0.2.1")
        await office.courier.deliver()
        incident = await office.opened()
        for number in range(BATCH + 2):
            office.now += 1
            await office.incidents.post_update(
                incident, actor="op", status="identified", body_en=f"No. {number}."
            )
        await office.courier.deliver()
        await office.courier.deliver()
        assert len(there.calls) == 2
        await office.say(incident, "resolved", "It is over.", after_s=1)
    body = there.calls[-1].json
    assert (len(there.calls), body["type"]) == (3, "incident.updated")
    shape: dict[str, object] = body["data"]["incident"]  # type: ignore[index]
    assert (shape["id"], shape["status"]) == (incident, "resolved")
    told = [each["body"] for each in shape["incident_updates"]]  # type: ignore[attr-defined]
    assert told == ["It is over.", *(f"No. {each}." for each in reversed(range(BATCH + 2))), "We look."]
    assert "Earlier entries are on the page." in office.bag.messages[-1].get_content()
    async with office.database.session() as session:
        waiting = await session.scalar(select(func.count()).where(NoticeRow.state == "waiting"))
    assert waiting == 0


async def test_without_a_window_each_goes_by_itself(tmp_path: Path) -> None:
    """``notices.merge_s = 0``."""
    database = Database.in_directory(tmp_path)
    try:
        await upgrade(database)
        office = Office(database, merge_s=0.0)
        await office.incidents.start()
        await office.reader("fr")
        incident = await office.opened()
        await office.say(incident, "identified", "It is a flood.", after_s=1)
        assert [each.get_content().count("FR It is a flood.") for each in office.bag.messages] == [0, 1]
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("status", "told", "due"),
    [
        ("investigating", None, 100.0),
        ("identified", Told("investigating", 90.0), 150.0),
        ("identified", Told("investigating", 30.0), 100.0),
        ("resolved", Told("identified", 99.0), 100.0),
        ("investigating", Told("resolved", 99.0), 100.0),
        ("postmortem", Told("identified", 99.0), 100.0),
        ("in_progress", Told("scheduled", 99.0), 159.0),
        ("completed", Told("in_progress", 99.0), 100.0),
    ],
)
def test_when_news_is_due(status: str, told: Told | None, due: float) -> None:
    """At second 100, with a window of a minute."""
    assert due_at(status, told, 100.0, merge_s=60.0) == due
