"""What was used, from the end of a call until the controller has it in the database.

Each parcel is written to a journal before it is sent, and sent again after every loss of the link until
the controller says that it is settled. Parcels that a killed gateway left behind are sent by the next.
The controller knows each by sender and number, so that none is counted twice.
"""

import logging
import secrets
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pontlevis.gateway.journal import Journal
from pontlevis.link.messages import Parcel, Settled, UsageRecord
from pontlevis.link.stream import frame

SEGMENT_BYTES = 1_048_576  # of one journal; a new one is begun beyond it, and each goes when it is settled
IN_MEMORY_BYTES = (
    4_194_304  # of parcels that wait; those beyond are read from their journals when their turn comes
)
WINDOW_BYTES = 2_097_152  # sent and not settled yet: what the controller must hold at most, for each gateway
PARCEL_RECORDS = 4_096
SUFFIX = ".usage"

log = logging.getLogger("pontlevis.gateway")

_decode = msgspec.msgpack.Decoder(Parcel).decode


@dataclass(slots=True)
class _Held:
    sender: str
    number: int
    size: int
    records: int
    data: bytes | None
    journal: Journal | None = None
    at: int = 0


class Outbox:
    """Parcels of one gateway process that are not settled yet."""

    def __init__(self, directory: Path, *, most_bytes: int) -> None:
        """``directory`` holds the journals and is made if need be; ``most_bytes`` bounds all that waits."""
        self.sender = secrets.token_hex(8)
        self._directory = directory
        self._most = most_bytes
        self._number = 0
        self._segment = 0
        self._journal: Journal | None = None
        self._held: deque[_Held] = deque()
        self._sent = 0
        """How many of ``_held``, from the left, went over the present link."""
        self._in_flight = 0
        self._in_memory = 0
        self.waiting_bytes = 0
        self.lost = 0
        """Records that were given up because nothing more could be held."""
        self._broken = False
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._adopt()
        except OSError as error:
            self._cannot_write(error)

    def __len__(self) -> int:
        return len(self._held)

    def put(self, usage: list[UsageRecord]) -> None:
        """Takes over what was used; never raises for a disk that is full or gone."""
        for start in range(0, len(usage), PARCEL_RECORDS):
            self._put(usage[start : start + PARCEL_RECORDS])

    def due(self) -> Iterator[bytes]:
        """Frames to send now; each comes once for every link."""
        while self._sent < len(self._held) and self._in_flight < WINDOW_BYTES:
            held = self._held[self._sent]
            data = held.data
            if data is None and held.journal is not None:
                try:
                    data = held.journal.read(held.at, held.size)
                except OSError as error:
                    self._cannot_write(error)
                    return
            self._sent += 1
            self._in_flight += held.size
            if data is not None:
                yield data

    def link_made(self) -> None:
        """Nothing that was not settled can be taken as received."""
        self._sent = 0
        self._in_flight = 0

    def settled(self, message: Settled) -> None:
        """The controller has these in the database."""
        kept: deque[_Held] = deque()
        gone: list[_Held] = []
        sent = self._sent
        for index, each in enumerate(self._held):
            if each.sender == message.sender and each.number <= message.number:
                gone.append(each)
                self.waiting_bytes -= each.size
                if each.data is not None:
                    self._in_memory -= each.size
                if index < sent:
                    self._sent -= 1
                    self._in_flight -= each.size
            else:
                kept.append(each)
        self._held = kept
        self._clear({each.journal for each in gone})

    def close(self) -> None:
        """Leaves what is not settled to the next process."""
        journals = {each.journal for each in self._held}
        for journal in journals:
            if journal is not None:
                journal.close(delete=False)
        if self._journal is not None and self._journal not in journals:
            self._journal.close(delete=True)
        self._journal = None

    # -- inside

    def _put(self, usage: list[UsageRecord]) -> None:
        self._number += 1
        data = frame(Parcel(self.sender, self._number, usage))
        if self.waiting_bytes + len(data) > self._most:
            self._lose(len(usage), "the backlog is full")
            self._number -= 1
            return
        held = _Held(self.sender, self._number, len(data), len(usage), data)
        try:
            journal = self._writable()
            held.at = journal.append(data)
            held.journal = journal
            self._broken = False
        except OSError as error:
            self._cannot_write(error)
            if self._in_memory > IN_MEMORY_BYTES:
                self._lose(len(usage), "nothing more can be held in memory")
                self._number -= 1
                return
        if held.journal is not None and self._in_memory > IN_MEMORY_BYTES:
            held.data = None
        else:
            self._in_memory += held.size
        self.waiting_bytes += held.size
        self._held.append(held)

    def _writable(self) -> Journal:
        """The journal to write to: a new one beyond ``SEGMENT_BYTES``."""
        if self._journal is None or self._journal.size >= SEGMENT_BYTES:
            self._segment += 1
            fresh = Journal(self._directory / f"{self.sender}-{self._segment:06d}{SUFFIX}")
            full, self._journal = self._journal, fresh
            self._clear({full})
        return self._journal

    def _clear(self, journals: set[Journal | None]) -> None:
        """Empties or deletes the journals of which nothing waits any more."""
        needed = {each.journal for each in self._held}
        for journal in journals - needed:
            if journal is None:
                continue
            if journal is self._journal:
                journal.empty()
            else:
                journal.close(delete=True)

    def _adopt(self) -> None:
        """Takes over what processes that are gone have left, oldest of each first."""
        for path in sorted(self._directory.glob(f"*{SUFFIX}")):
            try:
                journal = Journal(path)
            except BlockingIOError:
                continue  # its process lives
            found = 0
            for at, size in journal.frames():
                try:
                    parcel = _decode(journal.read(at, size)[4:])
                except msgspec.DecodeError:
                    log.error("gateway:usage:unreadable %s", path.name)
                    break
                self._held.append(
                    _Held(parcel.sender, parcel.number, size, len(parcel.usage), None, journal, at)
                )
                self.waiting_bytes += size
                found += 1
            if found:
                log.info("gateway:usage:adopted %s parcels=%d", path.name, found)
            else:
                journal.close(delete=True)

    def _lose(self, records: int, why: str) -> None:
        if not self.lost:
            log.error("gateway:usage:lost (%s)", why)
        self.lost += records

    def _cannot_write(self, error: OSError) -> None:
        if not self._broken:
            log.error("gateway:usage:unwritten %s; held in memory only", error.strerror or error)
        self._broken = True
