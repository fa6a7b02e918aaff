"""The Layers page in a real Chromium: a sweep's table, a click on a point, curves that grow, Cancel, files."""

import io

import pyarrow.parquet as pq
import pytest

from tests.support.browser import SLOW, chart, expect, opened, take
from tests.support.sweep_rows import parquet, rows
from tests.support.tables import rows_of

pytestmark = pytest.mark.browser
POINTS = ".scatterlayer .trace .points path"


def line(page):
    return page.locator(".st-key-layers_page_line")


def points(page):
    return chart(page, "layer_curves").locator(POINTS)


def click(page, place: int) -> None:
    """A click on a point, as the mouse makes it: the layer for dragging lies above the drawing."""
    box = points(page).nth(place).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_a_table_is_drawn_a_point_opens_explore_and_curves_grow_until_they_are_cancelled(page, address, tmp_path):
    table = tmp_path / "sweep.parquet"
    table.write_bytes(parquet(*rows(), *rows("my-net", ("a", "b", "c"))))
    page.goto(f"{address}/layers?data=table")
    page.locator(".st-key-w_layers_table input[type=file]").set_input_files(table)
    expect(line(page)).to_contain_text("15 rows of 3 pictures were read")
    expect(points(page)).to_have_count(5)
    opened(page)
    name, data = take(page, "Parquet")
    assert name == "layers-cid-3-pictures-of-a-sweep-s-table.parquet"
    assert len(pq.read_table(io.BytesIO(data))) == 15
    assert len(rows_of(take(page, "CSV")[1])) == 5
    assert take(page, "PNG")[1].startswith(b"\x89PNG")
    assert b'"method": "cid"' in take(page, "Record")[1]
    page.keyboard.press("Escape")
    click(page, 1)
    page.wait_for_url("**/?network=resnet20-cifar10*layer=fc*", timeout=SLOW)
    expect(page.locator(".st-key-map_line")).to_be_visible()
    assert "view=layer" in page.url
    assert "refine=False" in page.url
    page.goto(f"{address}/layers?networks=resnet20-cifar10&count=12&refined=False")
    page.get_by_role("button", name="Compute 144 maps").click()
    expect(points(page).first).to_be_visible()
    expect(line(page)).to_contain_text("left")
    # A box that is drawn while points arrive is drawn to its end, and the zoom outlives them.
    drag = chart(page, "layer_curves").locator(".nsewdrag").first.bounding_box()
    before = points(page).count()
    page.mouse.move(drag["x"] + 5, drag["y"] + 5)
    page.mouse.down()
    page.mouse.move(drag["x"] + drag["width"] / 2, drag["y"] + drag["height"] - 5, steps=4)
    status = line(page).inner_text()
    expect(line(page)).not_to_have_text(status)
    page.mouse.up()
    across = "chart => chart.querySelector('.js-plotly-plot')._fullLayout.xaxis.range"
    zoomed = chart(page, "layer_curves").evaluate(across)
    assert zoomed[1] - zoomed[0] < 7
    expect(points(page).nth(before)).to_be_attached()
    assert chart(page, "layer_curves").evaluate(across) == pytest.approx(zoomed)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Compute the missing maps")).to_be_visible()
    expect(points(page).first).to_be_visible()
    page.get_by_role("radio", name="Unlike Grad-CAM").click()
    expect(page.locator(".st-key-layers_unlike_line")).to_contain_text("Compared with Grad-CAM: ")
    expect(page.locator(".st-key-layers_unlike_line")).not_to_contain_text(" of ")
    page.get_by_role("button", name="Open in Explore").click()
    page.wait_for_url("**/?network=resnet20-cifar10*layer=conv1*", timeout=SLOW)
    expect(page.locator(".st-key-map_line")).to_be_visible()
    assert page.strangers == []
    assert page.complaints == []
