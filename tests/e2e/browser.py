"""Debian's Chromium for tests, and what every page must keep to."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect, sync_playwright

from surroundings import PATIENCE_S

NAMES = ("chromium", "chromium-browser", "google-chrome")
expect.set_options(timeout=PATIENCE_S * 1_000)

PHONE = (390, 844)
DESKTOP = (1280, 900)
# Quiet: nothing that calls home, and no sandbox of its own within a container's.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str:
    """Skips where there is no browser; on CI that is a failure."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    if os.environ.get("CI") == "true":
        pytest.fail("no Chromium on PATH, and CI must not skip")
    pytest.skip("no Chromium on PATH")


@contextmanager
def chromium() -> Iterator[Browser]:
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """One person with a browser; notes what the browser complains about."""

    def __init__(
        self,
        browser: Browser,
        *,
        language: str = "en-GB",
        size: tuple[int, int] = DESKTOP,
        javascript: bool = True,
        scheme: str = "light",
    ) -> None:
        self.context: BrowserContext = browser.new_context(
            locale=language,
            viewport={"width": size[0], "height": size[1]},
            java_script_enabled=javascript,
            color_scheme="dark" if scheme == "dark" else "light",
            permissions=["clipboard-read", "clipboard-write"],
        )
        self.complaints: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_S * 1_000)
        self.page.on("console", self._console)
        self.page.on("pageerror", self._error)

    def _console(self, message: ConsoleMessage) -> None:
        # A refusal that the test itself asked for is logged by the browser as a failed resource.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _error(self, error: Error) -> None:
        self.complaints.append(str(error))

    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        return int(
            self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        )

    def close(self) -> None:
        self.context.close()
