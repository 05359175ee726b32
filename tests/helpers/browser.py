"""A real browser that tests drive: Debian's chromium, through Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Return the browser of this machine; skip the test where there is none."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("no browser: install chromium (on Debian: apt-get install chromium)")
    return found


@contextmanager
def started(*arguments: str) -> Iterator[Browser]:
    """Start the browser."""
    path = chromium()
    with sync_playwright() as playwright:
        # Its own sandbox cannot be made by root, as which tests run in containers.
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", *arguments]
        )
        yield browser
        browser.close()


@dataclass
class Seen:
    """What a page said, asked for, and did not get."""

    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    failed: dict[str, str | None] = field(default_factory=dict)


@contextmanager
def opened(browser: Browser, file: Path, **context: Any) -> Iterator[tuple[Page, Seen]]:
    """Open a file in a window of its own, with nothing stored."""
    window = browser.new_context(**context)
    page, seen = window.new_page(), Seen()
    page.set_default_timeout(20_000)
    page.on("console", lambda message: seen.console.append(message.text))
    page.on("pageerror", lambda error: seen.console.append(str(error)))
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("requestfailed", lambda request: seen.failed.update({request.url: request.failure}))
    page.goto(file.as_uri())
    page.wait_for_selector("#detail[data-drawn]")
    try:
        yield page, seen
    finally:
        window.close()


def screenshot(page: Page, name: str, folder: Path) -> Path:
    """Keep a picture of the page in $SCGM_SCREENSHOTS, or else in *folder*."""
    place = Path(os.environ.get("SCGM_SCREENSHOTS") or folder)
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{name}.png"
    page.screenshot(path=path)
    return path
