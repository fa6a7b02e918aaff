"""What a page takes of the way to a real Chromium, and of the server: bytes, files that are not there, a visit left."""

import re

import pytest

from app.parts.watch import POLL, QUICK, SLOW_POLL
from tests.support.browser import cheap, expect, grid_line, status

pytestmark = pytest.mark.browser

SECONDS = 12
# Bytes of the smallest message that has a map in it.
A_MAP = 15_000
PAGES = (
    "",
    "compare",
    "fairness",
    "evaluate",
    "layers",
    "studies",
    "flow",
    "learn?lesson=noise",
    "class",
    "glossary",
    "about",
)


def told(channel, way: str) -> list[str]:
    """Every message on the websocket from now on, in Base64."""
    found: list[str] = []
    channel.on(f"Network.webSocketFrame{way}", lambda one: found.append(one["response"]["payloadData"]))
    return found


def size(messages: list[str]) -> float:
    return sum(map(len, messages)) * 3 / 4


def test_a_grid_that_fills_in_sends_the_maps_that_have_changed(page, at_length):
    """Ten minutes of it are less than five million bytes, with what the page asks."""
    channel = page.context.new_cdp_session(page)
    channel.send("Network.enable")
    came, went = told(channel, "Received"), told(channel, "Sent")
    layers, methods = "conv3-3+pool4+fc6", "saliency+cid+grad_cam+lrp"
    page.goto(
        cheap(at_length, network="vgg16-birds", view="grid", refine="True", grid="0", methods=methods, layers=layers)
    )
    # What is quick has come, what is refined is under way.
    expect(grid_line(page)).to_contain_text(re.compile(r"[456] of 7 maps ready"))
    page.wait_for_timeout(1000)
    opened = size(came) + size(went)
    start = len(came), len(went)
    page.wait_for_timeout(SECONDS * 1000)
    expect(grid_line(page)).to_contain_text("maps ready")
    channel.detach()
    maps = [message for message in came if size([message]) > A_MAP]
    # A page that is run again at once has not said yet what has come.
    assert 3 < len(set(maps)) <= len(maps) < 2 * len(set(maps))
    # The page asks once a second, and every three seconds when it takes long; each map travels at most three times.
    looks = QUICK / POLL + (600 - QUICK) / SLOW_POLL
    others = size([message for message in came[start[0] :] if message not in maps]) + size(went[start[1] :])
    ten = opened + 3 * 3 * max(map(len, maps)) + others * looks * POLL / SECONDS
    # Measured: 3.4 million, of which 0.2 million are the maps; 114 million when every frame sent the whole figure.
    assert ten < 5e6, ten


def test_another_link_in_the_same_tab_does_not_wait_for_the_visit_before(page, at_length):
    long = {"refine": "True", "grid": "0", "layer": "fc8"}
    page.goto(cheap(at_length, network="vgg16-birds", **long))
    expect(status(page).get_by_role("button", name="Cancel")).to_be_visible()
    page.wait_for_timeout(2000)
    page.goto(cheap(at_length, network="alexnet-birds", seed="1", **long))
    expect(status(page).get_by_role("button", name="Cancel")).to_be_visible()
    # As long as the visit before is waited for, it says "taking turns".
    page.wait_for_timeout(8000)
    expect(status(page)).not_to_contain_text("turn", timeout=15_000)


def test_no_page_asks_for_what_is_not_there(page, address):
    missing: list[str] = []

    def note(answer) -> None:
        if answer.status >= 400:
            missing.append(f"{answer.status} {answer.url}")

    page.on("response", note)
    for path in PAGES:
        page.goto(f"{address}/{path}")
        expect(page.get_by_role("heading").first).to_be_visible()
        page.wait_for_timeout(500)
    # An address at which no page is leads home, also one in a folder; so does that of a page's own name.
    for path, name in (("nowhere?seed=1", "nowhere"), ("lessons/nowhere", "nowhere")):
        page.goto(f"{address}/{path}")
        expect(page.get_by_role("heading", name="There is no page at this address")).to_be_visible()
        assert page.url.startswith(f"{address}/{name}")
        expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("link", name="Go to Explore").click()
    expect(page.get_by_role("heading", name="What does this layer throw away?")).to_be_visible()
    page.goto(f"{address}/explore?seed=1")
    expect(page.get_by_role("heading", name="What does this layer throw away?")).to_be_visible()
    assert page.url.startswith(f"{address}/?")
    assert "seed=1" in page.url
    page.remove_listener("response", note)
    assert missing == []
