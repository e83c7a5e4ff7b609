"""The console's pages: policy with dry run, reports, audit log, accounts, incidents; the live feed."""

import asyncio
import json
import re
from pathlib import Path

import httpx
import pytest
from web_house import START, SUSPENDED, WebHouse

from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.vocabulary import Posture
from pontlevis.controller.history import History
from pontlevis.evidence.journal import FOLDER, Journal
from pontlevis.web.live import Live, TooManyListeners
from pontlevis.web.operator_overview import Overviews
from pontlevis.web.operator_plots import nice, plots
from pontlevis.web.operator_reports import listed


async def test_the_audit_log_is_searched_and_read_on(house: WebHouse) -> None:
    """By who, by event, by words; a percent sign is a percent sign."""
    operator = await house.operator_client()
    for number in range(3):
        body = {"email": f"ada{number}@example.com", "name": f"100% hers {number}"}
        assert (await operator.post("/api/keys", json=body)).status_code == 201
    page = (await operator.get("/audit?event=operator:key&words=hers%201")).text
    assert "100% hers 1" in page
    assert "100% hers 2" not in page
    assert "Nothing matches" in (await operator.get("/audit?words=%25%25")).text
    assert "Nothing matches" in (await operator.get("/audit?by=nobody")).text
    found = (await operator.get("/api/audit?words=100%25&limit=2")).json()["audit"]
    assert [each["detail"] for each in found] == ["100% hers 2", "100% hers 1"]
    await operator.aclose()


async def test_accounts_are_banned_with_a_reason_and_let_in_again(house: WebHouse) -> None:
    """An operator's own cannot be."""
    operator = await house.operator_client()
    await operator.post("/api/keys", json={"email": "ada@example.com"})
    accounts = {
        each["email"]: each["id"] for each in (await operator.get("/api/accounts")).json()["accounts"]
    }
    ada = f"/accounts/{accounts['ada@example.com']}"
    assert "Say why" in (await operator.post(ada, data={"do": "ban"})).text
    assert (await operator.post(ada, data={"do": "ban", "reason": "resells <keys>"})).status_code == 303
    page = (await operator.get("/accounts")).text
    assert "resells &lt;keys&gt;" in page
    assert (await operator.post(ada, data={"do": "unban"})).status_code == 303
    assert "resells" not in (await operator.get("/accounts")).text
    own = f"/accounts/{accounts['operator@example.com']}"
    assert "cannot be disabled" in (await operator.post(own, data={"do": "ban", "reason": "x"})).text
    await operator.aclose()


async def test_a_policy_is_tried_on_the_journal(house: WebHouse, tmp_path: Path) -> None:
    """In a process of its own; a bad one is told with its faults, and nothing changes."""
    operator = await house.operator_client()
    empty = await operator.post("/policy/dry-run", data={"policy": "", "hours": "1"})
    assert "The journal holds nothing of that time." in empty.text, empty.text
    bad = await operator.post("/policy/dry-run", data={"policy": "[posture]\nnonsense = 1", "hours": "1"})
    assert bad.status_code == 400
    assert "nonsense" in bad.text
    journal = Journal(tmp_path / FOLDER, house.context.settings.journal)
    journal.start()
    journal.stood(START - 600, PostureState(), reason="The service started.", actor="start")
    for at in range(120):
        for number in range(20):
            journal.observe(
                Observation(START - 600 + at, Kind.LOGIN, Outcome.UNKNOWN_USER, f"198.51.100.{number}")
            )
        journal.tick(START - 600 + at, "normal")
    await asyncio.to_thread(journal.close)
    policy = "[posture]\nelevated_calm_s = 321.0\n"
    tried = await operator.post("/policy/dry-run", data={"policy": policy, "hours": "1"})
    assert tried.status_code == 200, tried.text
    assert "What this policy would have done in the last 1 h" in tried.text
    acts = re.search(r"of service, (\d+) acts", tried.text)
    assert acts is not None, tried.text
    assert int(acts.group(1)) > 100
    assert "posture.elevated_calm_s" in tried.text
    assert house.policy.orders == []
    await operator.aclose()


async def test_reports_are_listed_and_cannot_act(house: WebHouse, tmp_path: Path) -> None:
    """A report may be anybody's file: it is framed without rights, and no name leads out of the directory."""
    operator = await house.operator_client()
    assert "No report yet" in (await operator.get("/reports")).text
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "drill.html").write_text("<script>parent.location='/'</script>")
    (folder / "drill.json").write_text(
        json.dumps({"seed": 7, "existing_goodput_ratio": 0.996, "finding_s": None})
    )
    (folder / "backtest.json").write_text(json.dumps({"findings": [1, 2], "decisions": []}))
    (folder / "list.json").write_text("[1]")
    (folder / ".hidden.json").write_text("{}")
    (tmp_path / "secret.json").write_text("{}")
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    assert {each.name for each in listed(folder)} == {
        "drill.html",
        "drill.json",
        "backtest.json",
        "list.json",
    }
    assert "0.996" in (await operator.get("/reports/drill.json")).text
    assert "findings" in (await operator.get("/reports/backtest.json")).text
    framed = await operator.get("/reports/drill.html")
    assert '<iframe class="report" sandbox src=' in framed.text
    raw = await operator.get("/reports/drill.html/raw")
    assert raw.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    for name in ("link.json", ".hidden.json", "..%2Fsecret.json", "nothing.json", "drill.exe"):
        assert (await operator.get(f"/reports/{name}")).status_code == 404, name
        assert (await operator.get(f"/reports/{name}/raw")).status_code == 404, name
    await operator.aclose()


async def test_incidents_have_a_page_and_viewers_only_read(house: WebHouse) -> None:
    """Private notes beside public words, no form for who may not write."""
    await house.incidents.on_transition(Transition(START, PostureState(), SUSPENDED, "Two findings agree."))
    (incident,) = await house.incidents.incidents()
    operator = await house.operator_client()
    await operator.patch(f"/api/incidents/{incident.id}", json={"notes": "Call the <provider>."})
    page = (await operator.get("/incidents")).text
    assert "Call the &lt;provider&gt;." in page
    assert "Post the update" in page
    await house.accounts.make_key("boss@example.com", name="x", paid=False, unlimited=False)
    await operator.put("/api/operators", json={"email": "boss@example.com", "role": "admin"})
    await operator.put("/api/operators", json={"email": "operator@example.com", "role": "viewer"})
    for path in (
        "/",
        "/incidents",
        "/policy",
        "/accounts",
        "/registration",
        "/operators",
        "/audit",
        "/reports",
    ):
        answer = await operator.get(path)
        assert answer.status_code == 200
        for word in (
            "Post the update",
            'action="/posture"',
            'action="/decisions"',
            'action="/policy/dry-run"',
        ):
            assert word not in answer.text, (path, word)
    assert "Call the &lt;provider&gt;." in (await operator.get("/incidents")).text
    assert (await operator.get("/mailbox")).status_code == 403
    await operator.aclose()


async def frames(live: Live, count: int, last_id: str = "") -> list[bytes]:
    """The first events of one listener."""

    async def yes() -> bool:
        return True

    heard = []
    live.join()
    feed = live.follow(last_id, yes)
    async for each in feed:
        heard.append(each)
        if len(heard) == count:
            break
    await feed.aclose()
    live.leave()
    return heard


async def frames_of(live: Live, last_id: str) -> list[bytes]:
    """What is told before anything new happens."""
    left = iter((True, False))

    async def still() -> bool:
        return next(left)

    return [
        each async for each in live.follow(last_id, still, beat_s=0.0) if b"now" in each or b"retry" in each
    ]


async def test_the_feed_tells_what_changed_to_a_bounded_number(house: WebHouse) -> None:
    """All at first, then what is new; who comes back and has missed nothing is not told it again."""
    overviews = Overviews(house.context)
    live = Live(overviews, lambda: 1, most=2)
    first = await frames(live, 2)
    assert first[0] == b"retry: 2000\n\n"
    assert {line for line in first[1].split(b"\n") if line.startswith(b"event")} == {
        b"event: now", b"event: parts", b"event: step",
    }  # fmt: skip
    live.join()
    live.join()
    with pytest.raises(TooManyListeners):
        live.join()
    again = await frames_of(live, live.frame_id)
    assert again == [b"retry: 2000\n\n"]
    live.leave()
    live.leave()
    assert live.listeners == 0


async def test_the_feed_ends_with_the_log_in(house: WebHouse) -> None:
    """And a beat keeps it open until then."""
    live = Live(Overviews(house.context), lambda: 1)
    left = [True, False]

    async def still() -> bool:
        return left.pop(0)

    live.join()
    heard = [each async for each in live.follow("", still, beat_s=0.01)]
    live.leave()
    assert b": beat\n\n" in heard
    assert heard[-1] == b"event: gone\ndata: {}\n\n"


async def test_a_stranger_hears_nothing(house: WebHouse) -> None:
    """The feed and the plots are as guarded as the page."""
    async with house.console() as stranger:
        assert (await stranger.get("/api/events")).status_code == 401
        assert (await stranger.get("/plots")).status_code == 401


async def test_plots_have_bands_and_words(house: WebHouse) -> None:
    """What is drawn is also said; a posture lies behind the time it was in force."""
    operator = await house.operator_client()
    house.service.posture = SUSPENDED
    house.service.postures = [Transition(START - 300, PostureState(), SUSPENDED, "x")]
    for outcome, count in ((Outcome.OK, 5), (Outcome.REFUSED, 10)):
        house.service.history.observe(Observation(START - 60, Kind.SIGNUP, outcome, "x", count=count))
    drawn = plots(house.service.series(600, 120), house.service.postures, SUSPENDED)
    assert [(each.posture, each.x, each.width) for each in drawn[0].bands] == [("under_attack", 500.0, 500.0)]
    answer: httpx.Response = await operator.get("/plots?last=10")
    assert (
        'aria-label="Sign-ups: made 0/s, 1.0/s at most; turned away 0/s, 2.0/s at most; Under attack; "'
        in answer.text
    )
    assert (await operator.get("/plots?last=x' onload='")).status_code == 200
    assert (await operator.get("/api/series?last_s=600")).json()["step_s"] == 5.0
    await operator.aclose()


@pytest.mark.parametrize(
    ("most", "top"), [(0.1, 0.1), (1.0, 1.0), (1.1, 2.0), (3, 5.0), (7, 10.0), (101, 200.0)]
)
def test_axes_are_round(most: float, top: float) -> None:
    """One, two or five times a power of ten."""
    assert nice(most) == pytest.approx(top)


def test_a_quiet_service_draws_nothing_over_its_axis() -> None:
    """No line at nought, no band of a normal posture."""
    drawn = plots(History().series(START, 600, 120), [], PostureState(posture=Posture.NORMAL))
    assert all(each.shown == [] and each.bands == [] for each in drawn)
