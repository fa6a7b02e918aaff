"""First of this folder by its name: the server that all its tests share has not been visited before."""

import pytest

from tests.support.browser import chart, expect, grid_line
from tests.support.server import serving

pytestmark = pytest.mark.browser


def test_the_very_first_visit_may_be_to_another_page(page, address):
    page.goto(f"{address}/about")
    expect(page.get_by_role("heading", name="What this is")).to_be_visible()
    assert page.strangers == []
    assert page.complaints == []


def test_a_first_visit_finds_finished_maps_whose_cells_beyond_the_scale_are_marked(page):
    """A map takes this server longer than this test."""
    with serving(SHIPPED_RESULTS="1", OMP_NUM_THREADS="1") as (address, _):
        page.goto(address)
        expect(grid_line(page)).to_contain_text("All 7 maps are ready")
        expect(chart(page, "grid").locator(".heatmaplayer image")).to_have_count(7)
        expect(chart(page, "grid")).to_contain_text("▼")
        expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
