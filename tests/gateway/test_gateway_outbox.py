"""What was used stays in the outbox until it is settled, through kills, full disks and lost links."""

import os
from pathlib import Path

import msgspec
import pytest

from pontlevis.gateway import outbox as module
from pontlevis.gateway.journal import Journal
from pontlevis.gateway.outbox import Outbox
from pontlevis.link.messages import Parcel, Settled, UsageRecord

MOST = 10_000_000


def used(tokens: int) -> UsageRecord:
    return UsageRecord(1.0, "account", "key", "model", tokens, 1, "ok", 0.0, 0.1, 1.0)


def parcels(frames: list[bytes]) -> list[Parcel]:
    return [msgspec.msgpack.decode(each[4:], type=Parcel) for each in frames]


def tokens(frames: list[bytes]) -> list[int]:
    return [each.input_tokens for parcel in parcels(frames) for each in parcel.usage]


def test_a_parcel_is_sent_once_a_link_and_again_over_the_next_until_it_is_settled(tmp_path: Path) -> None:
    """Put, sent, link lost, sent again, settled: gone, and its journal is empty."""
    outbox = Outbox(tmp_path, most_bytes=MOST)
    outbox.put([used(1)])
    outbox.put([used(2), used(3)])
    assert tokens(list(outbox.due())) == [1, 2, 3]
    assert list(outbox.due()) == []
    outbox.settled(Settled(outbox.sender, 1))
    outbox.link_made()
    assert tokens(list(outbox.due())) == [2, 3]
    outbox.settled(Settled(outbox.sender, 2))
    assert (len(outbox), outbox.waiting_bytes) == (0, 0)
    assert [each.stat().st_size for each in tmp_path.iterdir()] == [0]
    outbox.close()
    assert list(tmp_path.iterdir()) == []


def test_the_next_process_sends_what_a_killed_one_left(tmp_path: Path) -> None:
    """Under the dead one's name and numbers, so that what was written already is not counted again."""
    dead = Outbox(tmp_path, most_bytes=MOST)
    dead.put([used(1)])
    dead.put([used(2)])
    dead.close()
    (left,) = tmp_path.iterdir()
    with left.open("ab") as out:
        out.write(b"\x00\x00\x10\x00cut short")  # the kill came in the middle of a write
    heir = Outbox(tmp_path, most_bytes=MOST)
    heir.put([used(3)])
    sent = list(heir.due())
    assert tokens(sent) == [1, 2, 3]
    assert [(each.sender, each.number) for each in parcels(sent)] == [
        (dead.sender, 1),
        (dead.sender, 2),
        (heir.sender, 1),
    ]
    heir.settled(Settled(dead.sender, 2))
    assert not left.exists()
    assert len(heir) == 1
    heir.close()


def test_a_journal_of_a_process_that_lives_is_left_alone(tmp_path: Path) -> None:
    """Two workers share the directory."""
    one = Outbox(tmp_path, most_bytes=MOST)
    one.put([used(1)])
    other = Outbox(tmp_path, most_bytes=MOST)
    assert len(other) == 0
    with pytest.raises(BlockingIOError):
        Journal(next(tmp_path.iterdir()))
    one.close()
    other.close()


def test_memory_is_bounded_while_the_controller_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond it parcels lie on disk only, in segments, and come back in order; each segment goes when it is settled."""
    monkeypatch.setattr(module, "IN_MEMORY_BYTES", 2_000)
    monkeypatch.setattr(module, "SEGMENT_BYTES", 3_000)
    monkeypatch.setattr(module, "WINDOW_BYTES", 1_000)
    outbox = Outbox(tmp_path, most_bytes=MOST)
    for number in range(300):
        outbox.put([used(number)])
    in_memory = sum(len(each.data) for each in outbox._held if each.data is not None)
    assert in_memory <= 2_100
    assert len(list(tmp_path.iterdir())) > 5
    seen: list[bytes] = []
    while len(outbox):
        now = list(outbox.due())
        assert sum(map(len, now)) <= 1_100  # the controller is never sent more than the window
        seen += now
        outbox.settled(Settled(outbox.sender, parcels(now)[-1].number))
    assert tokens(seen) == list(range(300))
    assert len(list(tmp_path.iterdir())) == 1
    outbox.close()


def test_what_cannot_be_held_is_counted_as_lost(tmp_path: Path) -> None:
    """The bound on all that waits holds; what comes after it was settled is taken again."""
    outbox = Outbox(tmp_path, most_bytes=200)
    for number in range(20):
        outbox.put([used(number)])
    assert outbox.lost > 0
    assert outbox.waiting_bytes <= 200
    kept = list(outbox.due())
    assert [each.number for each in parcels(kept)] == list(range(1, len(kept) + 1))
    outbox.settled(Settled(outbox.sender, len(kept)))
    outbox.put([used(99)])
    assert tokens(list(outbox.due())) == [99]
    outbox.close()


def test_a_directory_that_cannot_be_made_is_no_reason_to_stop(tmp_path: Path) -> None:
    """Usage is held in memory then."""
    tmp_path = tmp_path / "a file"
    tmp_path.write_text("in the way, also of root")
    outbox = Outbox(tmp_path / "usage", most_bytes=MOST)
    outbox.put([used(1)])
    assert tokens(list(outbox.due())) == [1]
    outbox.close()


def test_a_full_disk_is_no_reason_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Usage is held in memory then, and written again once there is room."""

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    outbox = Outbox(tmp_path, most_bytes=MOST)
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        outbox.put([used(1)])
    outbox.put([used(2)])
    assert tokens(list(outbox.due())) == [1, 2]
    outbox.close()
    heir = Outbox(tmp_path, most_bytes=MOST)
    assert tokens(list(heir.due())) == [2]
    heir.close()
