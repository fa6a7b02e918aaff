"""What a page takes of the way to a real Chromium, and of the server: bytes, files that are not there, a visit left."""

import pytest

from tests.support.browser import SLOW, cheap, expect, grid_line, status

pytestmark = pytest.mark.browser

SECONDS = 20
PAGES = ("", "compare", "fairness", "evaluate", "layers", "flow", "learn?lesson=noise", "class", "glossary", "about")


def test_a_grid_that_fills_in_takes_few_bytes(page, address):
    channel, sizes = page.context.new_cdp_session(page), []
    channel.send("Network.enable")
    # What is not text comes as Base64.
    channel.on("Network.webSocketFrameReceived", lambda got: sizes.append(len(got["response"]["payloadData"]) * 3 / 4))
    layers = "conv3-3+pool4+fc6"
    page.goto(
        cheap(
            address, network="vgg16-birds", view="grid", refine="True", grid="0", methods="saliency+cid", layers=layers
        )
    )
    expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=SLOW)
    page.wait_for_timeout(3000)
    opened = sum(sizes)
    page.wait_for_timeout(SECONDS * 1000)
    expect(grid_line(page)).to_contain_text("maps ready")
    minute = (sum(sizes) - opened) * 60 / SECONDS
    channel.detach()
    assert len(sizes) > 50
    # Measured: 0.4 million bytes a minute, and 7 million when every frame of every map was sent.
    assert minute < 2.5e6, minute


def test_another_link_in_the_same_tab_does_not_wait_for_the_visit_before(page, address):
    long = {"refine": "True", "grid": "0", "layer": "fc8"}
    page.goto(cheap(address, network="vgg16-birds", **long))
    expect(status(page).get_by_role("button", name="Cancel")).to_be_visible(timeout=SLOW)
    page.wait_for_timeout(2000)
    page.goto(cheap(address, network="alexnet-birds", seed="1", **long))
    expect(status(page).get_by_role("button", name="Cancel")).to_be_visible(timeout=SLOW)
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
        expect(page.get_by_role("heading").first).to_be_visible(timeout=SLOW)
        page.wait_for_timeout(500)
    page.remove_listener("response", note)
    assert missing == []
