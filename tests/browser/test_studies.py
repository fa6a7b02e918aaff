"""The Studies page in a real Chromium: from the index to a study, its map, its files, and on into Explore."""

import re

import pytest

from tests.support.browser import SLOW, chart, expect, opened, take

pytestmark = pytest.mark.browser
# Where the chart's map is drawn: the values of its cells, as the browser has them.
CELLS = "one => JSON.stringify(one.querySelector('.js-plotly-plot').data[0].z)"
# The title above the map says where on the curve it is.


def test_from_the_index_to_a_study_its_map_its_files_and_explore(page, address):
    page.goto(f"{address}/studies")
    expect(page.locator(".studies img").first).to_be_visible()
    page.locator(".studies a").filter(has_text="CID over β").click()
    expect(chart(page, "studies_curves").locator(".main-svg").first).to_be_visible()
    expect(chart(page, "studies_map").locator(".main-svg").first).to_be_visible()
    before = chart(page, "studies_map").evaluate(CELLS)
    slider = page.locator(".st-key-w_studies_stop").get_by_role("slider")
    slider.focus()
    slider.press("ArrowLeft")
    page.wait_for_url("**stop=*", timeout=SLOW)
    expect(page.get_by_role("figure", name=re.compile(r"^CID of .*, 10⁻², in nats$"))).to_be_visible()
    assert chart(page, "studies_map").evaluate(CELLS) != before
    opened(page)
    assert take(page, "SVG")[1].startswith(b"<?xml")
    assert take(page, "Parquet")[0] == "study-beta.parquet"
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Open in Explore").click()
    page.wait_for_url("**network=resnet32-cifar10**", timeout=SLOW)
    assert page.strangers == []
    assert page.complaints == []
