"""A real Chromium and a server for all tests of this folder."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import SLOW
from tests.support.server import serving

CHROMIUM = os.environ.get("CHROMIUM", shutil.which("chromium") or "/usr/bin/chromium")

SIZE = {"width": 1440, "height": 900}
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No test stays long enough on a page for what is compiled ahead, or again, to pay.
    "--js-flags=--no-opt --max-lazy",
    "--num-raster-threads=1",
]


@pytest.fixture(scope="package")
def playwright():
    """Playwright's own entry point; skipped, or failed where the browser is required, without Chromium."""
    reason = ""
    try:
        from playwright.sync_api import expect, sync_playwright
    except ImportError:
        reason = "playwright is not installed"
    if not reason and not Path(CHROMIUM).is_file():
        reason = "there is no chromium; install Debian's package chromium, or name one in CHROMIUM"
    if reason:
        (pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip)(reason)
    expect.set_options(timeout=SLOW)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def address(playwright) -> Iterator[str]:
    with serving(program="tests.support.brief_server") as (address, _):
        yield address


@pytest.fixture(scope="package")
def at_length(playwright) -> Iterator[str]:
    """A server whose maps take as long as they do for everybody: work that still goes on when it is looked at."""
    with serving() as (address, _):
        yield address


@pytest.fixture(scope="package")
def chromium(playwright):
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def window(chromium, address):
    """The one page of a file's tests, which keeps what it has compiled of the server's scripts: half of what it costs.

    What leaves the machine and what the page complains about is collected.
    """
    context = chromium.new_context(viewport=SIZE, reduced_motion="reduce")
    page = context.new_page()
    page.on("request", lambda request: stranger(request.url, address) and page.strangers.append(request.url))
    page.on("pageerror", lambda error: page.complaints.append(str(error)) or page.errors.append(error.stack))
    page.on("console", lambda said: said.type == "error" and page.errors.append(said.text))
    page.on("websocket", lambda socket: socket.on("close", lambda _: page.errors.append(f"closed: {socket.url}")))
    page.set_default_timeout(SLOW)
    yield page
    context.close()


@pytest.fixture
def page(window, address):
    """A new visitor: every address that is opened begins a session, and nothing is kept of the visitor before."""
    from playwright.sync_api import Error

    window.strangers, window.complaints, window.errors = [], [], []
    window.goto(f"{address}/_stcore/health")
    window.evaluate("localStorage.clear(), sessionStorage.clear()")
    window.context.clear_cookies()
    window.set_viewport_size(SIZE)
    window.emulate_media(color_scheme="null")
    yield window
    # Stands beside a failure.
    print(*window.complaints, *window.errors, sep="\n")
    # The server would go on for a minute with what nobody looks at.
    cancel = window.get_by_role("button", name="Cancel", exact=True).locator("visible=true")
    with contextlib.suppress(Error):
        for button in cancel.all():
            button.click(timeout=2000)


def stranger(url: str, address: str) -> bool:
    return url.startswith(("http", "ws")) and address.split("//")[1] not in url
