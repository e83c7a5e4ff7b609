"""Keeps the brain's knowledge of addresses as the operator's files say it."""

import asyncio
import logging
from collections.abc import Callable

from pontlevis.brain.detection.knowledge import NOWHERE, Knowledge, Place
from pontlevis.knowledge.policy import KnowledgePolicy
from pontlevis.knowledge.shelf import FileNote, Shelf

log = logging.getLogger("pontlevis.controller")


class Library:
    """Looks after the files, and hands over what they say whenever it is new."""

    def __init__(
        self, policy: KnowledgePolicy, clock: Callable[[], float], hand_over: Callable[[Knowledge], None]
    ) -> None:
        self._shelf = Shelf(policy, clock)
        self._hand_over = hand_over
        self.named = bool(policy.asn_files or policy.data_centre_files or policy.vpn_files)
        """Whether the operator named any file."""
        self.files: tuple[FileNote, ...] = ()
        self.ranges = 0
        self.find: Callable[[str], Place] = lambda _: NOWHERE
        """What is known of an address; may be asked from any thread."""

    async def look(self) -> None:
        """Reads what has changed, in a thread; call now and then. Nothing that a file holds is fatal."""
        if not self.named:
            return
        report = await asyncio.to_thread(self._shelf.look)
        if report is None:
            return
        self._hand_over(report.knowledge)
        self.find = report.knowledge.find
        self.files = report.files
        self.ranges = report.knowledge.ranges
        for note in report.files:
            if note.path in report.changed:
                level = logging.WARNING if note.error or note.bad or note.left_out else logging.INFO
                log.log(
                    level,
                    "sources:file:%s %s: %s",
                    "failed" if note.error else "read",
                    note.path,
                    note.sentence,
                )
        log.info("sources:knowledge:renewed %d ranges from %d files", self.ranges, len(self.files))
