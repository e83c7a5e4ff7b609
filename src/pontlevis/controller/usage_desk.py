"""Writes what the gateways say was used, and tells them once it is in the database."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from pontlevis.link.messages import Parcel, Settled
from pontlevis.storage.database import UNAVAILABLE

FLUSH_INTERVAL_S = 0.25  # between transactions; one that is written sooner costs a disk's flush more
RETRY_S = 1.0  # after the database refused
MOST_REFUSALS = (
    5  # of one parcel alone, by a database that is there: then it is given up, or it would block all others
)

_Waiting = tuple[Parcel, Callable[[Settled], None]]

log = logging.getLogger("pontlevis.controller")


class UsageDesk:
    """Gathers parcels and writes all that are there in one transaction.

    What waits here is bounded by what each gateway sends ahead (``WINDOW_BYTES`` there). Parcels of a
    controller that dies are sent again by their gateways.
    """

    def __init__(self, write: Callable[[list[Parcel]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: list[_Waiting] = []
        self._refused = 0
        self._some = asyncio.Event()
        self._away = False

    def take(self, parcel: Parcel, settle: Callable[[Settled], None]) -> None:
        self._waiting.append((parcel, settle))
        self._some.set()

    async def run(self) -> None:
        """Writes for ever."""
        while True:
            await self._some.wait()
            try:
                await self.flush()
            except Exception:
                if not self._away:
                    log.exception(
                        "controller:usage:unwritten; the gateways keep it until the database is back"
                    )
                self._away = True
                await asyncio.sleep(RETRY_S)
                continue
            if self._away:
                log.info("controller:usage:written again")
            self._away = False
            await asyncio.sleep(FLUSH_INTERVAL_S)

    async def flush(self) -> None:
        """Writes all that waits, in one transaction where that goes. Raises what the database raises; the parcels stay then."""
        taken = list(self._waiting)
        if taken:
            try:
                await self._write([parcel for parcel, _ in taken])
            except UNAVAILABLE:
                raise
            except Exception:
                await self._write_each(taken)
            else:
                self._settle(taken)
        if not self._waiting:
            self._some.clear()

    async def _write_each(self, taken: list[_Waiting]) -> None:
        """Finds the parcel that the database refuses, so that it holds up nothing but itself, and that not for ever."""
        for each in taken:
            parcel = each[0]
            try:
                await self._write([parcel])
            except UNAVAILABLE:
                raise
            except Exception:
                self._refused += 1
                if self._refused < MOST_REFUSALS:
                    raise
                log.exception("controller:usage:lost records=%d", len(parcel.usage))
            self._refused = 0
            self._settle([each])

    def _settle(self, written: list[_Waiting]) -> None:
        del self._waiting[: len(written)]
        for parcel, settle in written:
            settle(Settled(parcel.sender, parcel.number))
