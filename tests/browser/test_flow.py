"""The Information flow page in a real Chromium: play, another epoch, the switch, an estimate that draws, files."""

import io
import re

import pyarrow.parquet as pq
import pytest

from tests.support.browser import SLOW, chart, expect, opened, quiet, take
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser
STAGE = "flow_stage"
# Where the player's slider stands.
ACTIVE = "one => one.querySelector('.js-plotly-plot').layout.sliders[0].active"


def active(page) -> int:
    return chart(page, STAGE).evaluate(ACTIVE)


def button(page, words: str):
    """A button of the figure itself."""
    return chart(page, STAGE).locator(".updatemenu-button").filter(has_text=words)


def test_epochs_are_played_in_the_browser_and_snapshots_estimated_anew(page, address):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/flow?epoch=1&at=5&samples=64")
    expect(button(page, "Play")).to_be_visible()
    expect(chart(page, "flow_curves").locator(".main-svg").first).to_be_visible()
    assert active(page) == 1
    # What every page brings along has come.
    quiet(page)
    wait_until(lambda: all(any(url.endswith(name) for url in asked) for name in ("/theme.js", "/touch.js")))
    page.wait_for_load_state("networkidle")
    asked.clear()
    button(page, "Play").click()
    expect(chart(page, STAGE).get_by_text(re.compile(r"^epoch [\d,]{2,}$"))).to_be_visible()
    button(page, "Pause").click()
    page.wait_for_timeout(500)
    stands = active(page)
    page.wait_for_timeout(1500)
    assert active(page) == stands
    # No run of the script for an epoch: nothing was asked of the server, and the address stands.
    assert [url for url in asked if "_stcore/stream" not in url] == []
    assert "epoch=1&" in page.url + "&"
    slider = page.locator(".st-key-w_flow_epoch").get_by_role("slider")
    slider.focus()
    slider.press("ArrowRight")
    page.wait_for_url("**epoch=2*", timeout=SLOW)
    expect(chart(page, STAGE).get_by_text("epoch 2", exact=True)).to_be_visible()

    page.get_by_role("button", name="Estimate", exact=True).click()
    expect(chart(page, "flow_curves").get_by_text("layer 5, new").first).to_be_visible()
    expect(page.get_by_text("are in the curves")).to_be_visible()
    opened(page)
    name, data = take(page, "Parquet")
    assert name == "information-flow-bits-tanh-0.005-input-layer5.parquet"
    assert "estimated anew" in pq.read_table(io.BytesIO(data)).column("source").to_pylist()
    assert take(page, "PNG")[1].startswith(b"\x89PNG")
    assert b"mutual_information_input(network, '5'" in take(page, "Python")[1]
    assert b'"recipe": "bits-tanh-0.005"' in take(page, "Record")[1]
    page.keyboard.press("Escape")

    page.locator(".st-key-w_flow_deterministic label").first.click()
    expect(chart(page, "flow_widths").get_by_text("bins of 0.5").first).to_be_visible()
    expect(page.get_by_text("T is a function of X")).to_be_visible()
    expect(page).to_have_url(re.compile("deterministic=True"))
    assert page.strangers == []
    # Plotly rejects the promise of an animation that is paused, and says nothing with it.
    assert set(page.complaints) <= {"undefined"}
