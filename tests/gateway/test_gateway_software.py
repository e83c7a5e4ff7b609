"""What a gateway notes of a client's software."""

from __future__ import annotations

from pontlevis.brain.fingerprint import Fingerprint
from pontlevis.gateway.software import MOST_KNOWN, Software
from pontlevis.gateway.source import Headers, fingerprint


class Clock:
    """Seconds that stand where they are put."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def head(agent: bytes, *more: bytes) -> Headers:
    return [(b"host", b"x"), (b"user-agent", agent), *((name, b"y") for name in more)]


def test_a_fingerprint_is_the_same_by_any_name() -> None:
    """It is the order of header names; the name stands beside it."""
    software = Software(True, 10, Clock())
    one, other = software.of(head(b"curl/8.5.0")), software.of(head(b"Wget/1.21"))
    assert one == other == fingerprint(head(b""))
    assert (one.agent, other.agent) == ("curl 8", "Wget 1")
    assert software.of([(b"host", b"x")]).agent == "none"
    assert Software(False, 10, Clock()).of(head(b"curl/8.5.0")).agent == ""


def test_a_browsers_name_without_what_browsers_send_is_marked() -> None:
    """Every browser tells its user's languages."""
    software = Software(True, 10, Clock())
    firefox = b"Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
    assert software.of(head(firefox)).agent == "Firefox 133 bare"
    assert software.of(head(firefox, b"accept-language")).agent == "Firefox 133"
    assert software.of(head(b"curl/8.5.0")).agent == "curl 8"


def test_made_up_names_are_bounded_and_hide_no_known_product() -> None:
    """In the next minute there is room again, also for those that found none."""
    clock = Clock()
    software = Software(True, 3, clock)
    names = [software.of(head(b"x%c/1" % (97 + number % 26))).agent for number in range(20)]
    assert names == ["xa 1", "xb 1", "xc 1"] + ["other"] * 17
    assert software.of(head(b"curl/8.5.0")).agent == "curl"
    assert software.of(head(b"xb/1.9")).agent == "xb 1"
    clock.now = 60.0
    assert software.of(head(b"xz/1")).agent == "xz 1"
    assert software.of(head(b"curl/8.5.0")).agent == "curl 8"


def test_what_is_remembered_is_bounded() -> None:
    """Whatever is sent."""
    software = Software(True, 3, Clock())
    for number in range(MOST_KNOWN + 10):
        assert isinstance(software.of(head(b"%d/1" % number)), Fingerprint)
    assert len(software._known) <= MOST_KNOWN


def test_a_head_that_is_longer_than_any_clients_is_not_remembered() -> None:
    """Or a few thousand made-up heads of many kilobytes would fill the gateway's memory; it is read all the same."""
    software = Software(True, 10, lambda: 0.0)
    long = [(b"user-agent", b"curl/8.1"), *((b"x-%04d" % number, b"") for number in range(200))]
    assert software.of(long).agent == "curl 8"
    assert software.of(long) == fingerprint(long)
    assert not software._known


def test_names_of_earlier_minutes_find_no_room_beside_those_of_this_one() -> None:
    """Learnt a few a minute, made-up names are not all noted at once in a later one."""
    clock = Clock()
    software = Software(True, 3, clock)
    names = [b"x%c/1" % (97 + number) for number in range(12)]
    for place, name in enumerate(names):
        clock.now = 60.0 * (place // 3)
        assert software.of(head(name)).agent != "other"
    clock.now += 60.0
    noted = {software.of(head(name)).agent for name in [b"new/1", *names]}
    assert len(noted - {"other"}) == 3
