"""Alerts: what stands is told once, worse trouble again, and each receiver gets its own shape."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from receiver import Mailbag, Receiver, receiver
from standardwebhooks.webhooks import Webhook

from pontlevis.accounts.mail.policy import MailPolicy
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture
from pontlevis.incidents.components import Component, Status
from pontlevis.incidents.views import DutyView
from pontlevis.notices.alert import Action, AlertBook, Facts, alerts_of
from pontlevis.notices.alert_room import AlertRoom
from pontlevis.notices.policy import EVENTS, AlertPolicy, AlertReceiver, NoticePolicy, ReceiverKind
from pontlevis.notices.post import Poster
from pontlevis.notices.signing import new_secret
from pontlevis.storage.database import Database
from pontlevis.storage.migrate import upgrade

START = 1_738_000_000.0
FINE = dict.fromkeys(Component, Status.OPERATIONAL)
SECRET = new_secret(bytes(32))
ATTACKED = PostureState(posture=Posture.UNDER_ATTACK, since=START, reason="Two <findings> agree.")
POLICY = AlertPolicy(after_s=30, calm_s=60)


def facts(posture: PostureState | None = None, *, database_ok: bool = True, **statuses: Status) -> Facts:
    parts = {Component(name): status for name, status in statuses.items()}
    return Facts(posture or PostureState(), {**FINE, **parts}, database_ok)


def duty(state: str) -> DutyView:
    return DutyView("d1", "i1", "Tell the authority", "GDPR", 72, 0, 1, None, "", "", "An incident", state)


def test_a_whole_night_as_a_dialogue() -> None:
    """Attack told at once, once; recovery wakes nobody; a relapse is told; the end after a calm while."""
    book = AlertBook(POLICY)

    def look(at: float, posture: Posture) -> list[Action]:
        found = alerts_of(facts(PostureState(posture=posture, reason="Because.")), POLICY)
        return [each.action for each in book.take(found, at)]

    assert look(0, Posture.NORMAL) == []
    assert look(1, Posture.UNDER_ATTACK) == [Action.TRIGGER]
    assert look(2, Posture.UNDER_ATTACK) == []
    assert look(600, Posture.RECOVERING) == []
    assert look(700, Posture.UNDER_ATTACK) == [Action.TRIGGER]
    assert look(800, Posture.NORMAL) == []
    assert look(830, Posture.UNDER_ATTACK) == []
    assert look(900, Posture.NORMAL) == []
    assert look(961, Posture.NORMAL) == [Action.RESOLVE]
    assert book.standing == []


def test_an_outage_is_told_when_it_lasts_and_again_when_it_grows() -> None:
    """A second of failures wakes nobody."""
    book = AlertBook(POLICY)

    def look(at: float, **statuses: Status) -> list[tuple[Action, str]]:
        parts = {Component(name): status for name, status in statuses.items()}
        changes = book.take(alerts_of(Facts(PostureState(), {**FINE, **parts}, True), POLICY), at)
        return [(each.action, each.alert.severity) for each in changes]

    assert look(0, api=Status.PARTIAL) == []
    assert look(10) == []
    assert look(20, api=Status.PARTIAL) == []
    assert look(49, api=Status.PARTIAL) == []
    assert look(50, api=Status.PARTIAL) == [(Action.TRIGGER, "warning")]
    assert look(60, api=Status.MAJOR) == [(Action.TRIGGER, "critical")]
    assert look(70, api=Status.PARTIAL) == []
    assert look(80) == []
    assert look(140) == [(Action.RESOLVE, "critical")]


@pytest.mark.parametrize("event", EVENTS)
def test_which_events_alert_is_a_setting(event: str) -> None:
    """Only what is named."""
    everything = Facts(ATTACKED, {**FINE, Component.API: Status.MAJOR}, False, (duty("soon"),))
    named = {each.name for each in alerts_of(everything, AlertPolicy(events=(event,))).values()}
    assert named <= {event}
    assert named or event in ("elevated", "incident")


def test_a_duty_warns_and_then_calls() -> None:
    """Before its time is over, and when it is."""
    for state, severity in (("soon", "warning"), ("overdue", "critical")):
        (alert,) = alerts_of(Facts(PostureState(), FINE, True, (duty(state),)), POLICY).values()
        assert (alert.key, alert.severity) == ("duty:d1", severity)
    assert alerts_of(Facts(PostureState(), FINE, True, (duty("running"), duty("done"))), POLICY) == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": ReceiverKind.SLACK}, "needs an address in 'url'"),
        ({"kind": ReceiverKind.MAIL}, "needs an address in 'to'"),
        ({"kind": ReceiverKind.PAGERDUTY}, "needs its routing key"),
        ({"kind": ReceiverKind.WEBHOOK, "url": "https://a/", "secret": "x"}, "begins with whsec_"),
        ({"kind": ReceiverKind.SLACK, "url": "https://a/", "events": ("nope",)}, "events are of"),
        ({"kind": ReceiverKind.SLACK, "url": "https://a/", "name": ""}, "a name of 1 to 60"),
    ],
)
def test_a_receiver_that_could_not_be_reached_is_refused(change: dict[str, object], reason: str) -> None:
    """At the start, by name; and what is secret in it stays out of what is printed."""
    with pytest.raises(ValueError, match=reason):
        AlertReceiver(**{"name": "a", **change})  # type: ignore[arg-type]
    shown = repr(AlertReceiver("a", ReceiverKind.SLACK, url="https://hooks.example/T0/secret"))
    assert "secret" not in shown.replace("secret=", "")


class Night:
    """A room with a clock that is set by hand."""

    def __init__(self, database: Database, policy: AlertPolicy) -> None:
        self.now = START
        self.bag = Mailbag()
        self.database = database
        self.policy = policy
        self.room = self.made()

    def made(self) -> AlertRoom:
        delivery = NoticePolicy(tries=3)
        return AlertRoom(
            self.database, self.policy, delivery, MailPolicy(sender="alerts@front.example"), Poster(delivery),
            service="Heron", url="http://127.0.0.1:8081", clock=lambda: self.now, draw=lambda: 1.0,
            carrier=self.bag,
        )  # fmt: skip

    async def see(self, found: Facts, seconds: float = 1.0) -> None:
        """A second passes; whatever is sent because of it has arrived afterwards."""
        self.now += seconds
        await self.room.tick(found)
        while self.room._under_way:
            await asyncio.sleep(0.005)


@asynccontextmanager
async def night(directory: Path, *receivers: AlertReceiver, per_hour: int = 60) -> AsyncIterator[Night]:
    database = Database.in_directory(directory)
    try:
        await upgrade(database)
        made = Night(
            database, AlertPolicy(receivers=receivers, after_s=0, calm_s=0, per_hour=per_hour, resend_s=60)
        )
        await made.room.start()
        yield made
        await made.room.close()
    finally:
        await database.close()


def whole(there: Receiver) -> list[dict[str, object]]:
    return [each.json for each in there.calls]


class Text(msgspec.Struct, forbid_unknown_fields=True):
    """Block Kit's text object."""

    type: str
    text: str
    emoji: bool = False


class Block(msgspec.Struct, forbid_unknown_fields=True):
    """The three kinds of block that are used."""

    type: str
    text: Text | None = None
    elements: list[Text] = []


async def test_slack_gets_blocks(tmp_path: Path) -> None:
    """A text for notifications, a header, a section, a context; nobody can be mentioned by what an attacker writes."""
    async with receiver() as there:
        slack = AlertReceiver("chat", ReceiverKind.SLACK, url=f"{there.url}/services/T/B/x")
        async with night(tmp_path, slack) as made:
            await made.see(facts(ATTACKED))
            await made.see(facts())
    first, last = whole(there)
    assert first["text"] == "Heron: alert: Under attack: Two &lt;findings&gt; agree."
    header, section, context = msgspec.convert(first["blocks"], list[Block])
    assert [each.type for each in (header, section, context)] == ["header", "section", "context"]
    assert header.text is not None
    assert header.text.type == "plain_text"
    assert len(header.text.text) <= 150
    assert section.text is not None
    assert "&lt;findings&gt;" in section.text.text
    assert [each.type for each in context.elements] == ["mrkdwn", "mrkdwn"]
    assert str(last["text"]).startswith("Heron: resolved: ")


async def test_pagerduty_triggers_acknowledges_and_resolves_one_incident(tmp_path: Path) -> None:
    """Events API v2: one dedup_key over all three."""
    async with receiver() as there:
        pager = AlertReceiver("pager", ReceiverKind.PAGERDUTY, url=f"{there.url}/v2/enqueue", secret="R" * 32)
        async with night(tmp_path, pager) as made:
            await made.see(facts(ATTACKED))
            await made.room.acknowledge("attack", actor="ada")
            assert made.room.book.acknowledged_by("attack") == "ada"
            await made.see(facts(ATTACKED))
            await made.see(facts())
            with pytest.raises(KeyError):
                await made.room.acknowledge("attack", actor="ada")
    events = whole(there)
    assert [each["event_action"] for each in events] == ["trigger", "acknowledge", "resolve"]
    assert {each["dedup_key"] for each in events} == {"pontlevis/Heron/attack"}
    assert {each["routing_key"] for each in events} == {"R" * 32}
    payload = events[0]["payload"]
    assert isinstance(payload, dict)
    assert {"summary", "source", "severity", "timestamp", "component", "class", "custom_details"} == set(
        payload
    )
    assert payload["severity"] == "critical"
    assert datetime.fromisoformat(payload["timestamp"]).timestamp() == START + 1


class Posted(msgspec.Struct, forbid_unknown_fields=True):
    """A postable alert, as Alertmanager's OpenAPI has it: labels and annotations are texts."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str = msgspec.field(name="startsAt")
    ends_at: str = msgspec.field(name="endsAt")
    generator_url: str = msgspec.field(name="generatorURL")


async def test_alertmanager_is_told_again_while_it_stands_and_of_the_end(tmp_path: Path) -> None:
    """POST /api/v2/alerts: a list, whose alerts end by themselves a while after the last word."""
    async with receiver() as there:
        manager = AlertReceiver("am", ReceiverKind.ALERTMANAGER, url=f"{there.url}/prefix/")
        async with night(tmp_path, manager) as made:
            await made.see(facts(ATTACKED))
            await made.see(facts(ATTACKED), 30)
            await made.see(facts(ATTACKED), 31)
            await made.see(facts())
    assert {each.path for each in there.calls} == {"/prefix/api/v2/alerts"}
    ends: list[float] = []
    for call in there.calls:
        (alert,) = msgspec.json.decode(call.body, type=list[Posted])
        assert (alert.labels["alertname"], alert.labels["severity"]) == ("PontlevisAttack", "critical")
        assert alert.annotations["summary"].startswith("Under attack")
        assert alert.generator_url == "http://127.0.0.1:8081"
        assert datetime.fromisoformat(alert.starts_at).timestamp() == START + 1
        ends.append(datetime.fromisoformat(alert.ends_at).timestamp() - START)
    assert ends == [181, 242, 63]


async def test_a_webhook_is_signed_and_mail_is_written(tmp_path: Path) -> None:
    """Standard Webhooks, and a letter in one line of subject."""
    async with receiver() as there:
        hook = AlertReceiver("hook", ReceiverKind.WEBHOOK, url=there.url, secret=SECRET)
        mail = AlertReceiver("mail", ReceiverKind.MAIL, to="ops@front.example")
        async with night(tmp_path, hook, mail) as made:
            await made.see(facts(database_ok=False))
            (call,) = there.calls
            at = datetime.fromtimestamp(int(call.headers["webhook-timestamp"])).astimezone()
            signed = Webhook(SECRET).sign(call.headers["webhook-id"], at, call.body.decode())
            assert call.headers["webhook-signature"] == signed
            assert call.json["type"] == "alert.triggered"
            assert call.json["data"]["key"] == "database"  # type: ignore[index]
            (message,) = made.bag.messages
            assert message["To"] == "ops@front.example"
            assert str(message["Subject"]).startswith("[critical] Heron: alert: The database")
            assert "severity critical" in message.get_content()


async def test_a_receiver_that_fails_is_tried_again_and_holds_up_nobody(tmp_path: Path) -> None:
    """With waits that grow; given up after so many tries; what it missed is counted."""
    async with receiver() as bad, receiver() as good:
        bad.answers = ["503 No\r\n"] * 3
        async with night(
            tmp_path,
            AlertReceiver("bad", ReceiverKind.SLACK, url=bad.url),
            AlertReceiver("good", ReceiverKind.SLACK, url=good.url),
        ) as made:
            await made.see(facts(ATTACKED))
            assert (len(bad.calls), len(good.calls)) == (1, 1)
            assert made.room.receivers[0].error == "the receiver answered 503"
            await made.see(facts(ATTACKED), 5)
            assert len(bad.calls) == 1
            await made.see(facts(ATTACKED), 5)
            await made.see(facts(ATTACKED), 20)
            assert len(bad.calls) == 3
            assert (made.room.receivers[0].dropped, made.room.receivers[0].waiting) == (1, 0)
            await made.see(facts(), 3_600)
            assert len(bad.calls) == 4
            assert made.room.receivers[0].error == ""


async def test_a_flood_of_alerts_is_withheld_and_the_end_still_told(tmp_path: Path) -> None:
    """So many messages an hour to one receiver."""
    async with receiver() as there:
        pager = AlertReceiver("pager", ReceiverKind.PAGERDUTY, url=there.url, secret="R")
        async with night(tmp_path, pager, per_hour=4) as made:
            for _ in range(5):
                await made.see(facts(api=Status.MAJOR))
                await made.see(facts())
            assert made.room.receivers[0].withheld == 3
        actions = [each["event_action"] for each in whole(there)]
    assert actions.count("trigger") == 2
    assert actions.count("resolve") == 5


async def test_a_restart_tells_nothing_twice_and_takes_back_what_is_over(tmp_path: Path) -> None:
    """What was told is kept."""
    async with receiver() as there:
        pager = AlertReceiver("pager", ReceiverKind.PAGERDUTY, url=there.url, secret="R")
        async with night(tmp_path, pager) as made:
            await made.see(facts(ATTACKED))
            made.room = made.made()
            await made.room.start()
            await made.see(facts(ATTACKED))
            assert len(there.calls) == 1
            await made.see(facts())
    assert [each["event_action"] for each in whole(there)] == ["trigger", "resolve"]


async def test_a_test_goes_to_everyone_and_says_who_did_not_take_it(tmp_path: Path) -> None:
    """Where something would stay open it is closed again; receivers take only what they asked for."""
    async with receiver() as good, receiver() as bad:
        bad.answers = ["404 No\r\n"]
        async with night(
            tmp_path,
            AlertReceiver("good", ReceiverKind.PAGERDUTY, url=good.url, secret="R", events=("duty",)),
            AlertReceiver("bad", ReceiverKind.SLACK, url=bad.url, least="critical"),
            AlertReceiver("off", ReceiverKind.ALERTMANAGER, url="http://127.0.0.1:9"),
        ) as made:
            found = await made.room.test()
            assert found == {"good": "", "bad": "the receiver answered 404", "off": "ConnectError"}
            assert [each["event_action"] for each in whole(good)] == ["trigger", "resolve"]
            with pytest.raises(KeyError):
                await made.room.test("nope")
            await made.see(facts(ATTACKED))
            assert len(good.calls) == 2
            await made.see(facts(api=Status.PARTIAL))
            assert len(bad.calls) == 3  # the test, the attack and its end; no warning
