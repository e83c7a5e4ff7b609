"""The status site as files: for any web host, so that it stays up when everything else is down."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from pontlevis.incidents import statuspage
from pontlevis.incidents.components import Component
from pontlevis.incidents.files import write_files
from pontlevis.web.public import STATIC
from pontlevis.web.status_site import StatusSite

_STATIC_FILES = ("style.css", "status.css", "time.js", "stale.js", "logo.svg")

log = logging.getLogger("pontlevis.status")


async def files_of(site: StatusSite) -> dict[str, bytes]:
    """Every file by its path within the directory."""
    found: dict[str, bytes] = {}
    links = site.links(static=True)
    for language in site.languages:
        found[links.page(language)] = await site.page(language, static=True)
        found[links.history(language)] = await site.history(language, "", static=True) or b""
        for kind in ("atom", "rss"):
            found[links.feed(kind, language)] = await site.feed(kind, language)
    for name in statuspage.DOCUMENTS:
        found[f"api/v2/{name}.json"] = await site.document(name)
    language = "en" if "en" in site.languages else site.languages[0]
    found["badge.svg"] = await site.badge(None, language)
    for component in Component:
        found[f"badge/{component.value}.svg"] = await site.badge(component, language)
    for name in _STATIC_FILES:
        found[f"static/{name}"] = (STATIC / name).read_bytes()
    if site.logo is not None:
        found[links.brand] = site.logo.data
    return found


class StatusCopy:
    """Keeps a directory up to date. ``tick`` is called every second; times are Unix seconds."""

    def __init__(self, site: StatusSite, directory: Path, clock: Callable[[], float]) -> None:
        self._site = site
        self._directory = directory
        self._clock = clock
        self._seen: object = None
        self._write_at = 0.0
        self.failed = ""
        """Why the last try failed; empty when it did not."""

    async def tick(self) -> None:
        """Writes where something has changed, or where it is time to show that the copy is alive."""
        incidents, now = self._site.incidents, self._clock()
        posture = self._site.context.service.posture
        seen = (
            incidents.version,
            incidents.maintenance.version,
            tuple(incidents.statuses.items()),
            (posture.registration, posture.registration_share, posture.next_stage_at),
        )
        due = self._write_at <= now or self._write_at > now + 2 * self._site.policy.export_every_s
        if not due and (seen == self._seen or self.failed):
            return
        self._seen, self._write_at = seen, now + self._site.policy.export_every_s
        try:
            files = await files_of(self._site)
            await asyncio.to_thread(write_files, self._directory, files)
        except Exception as error:
            if not self.failed:
                log.exception("status:copy:not_written")
            self.failed = f"{type(error).__name__}: {error}"
        else:
            self.failed = ""
