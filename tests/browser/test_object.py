"""One visit to a photograph: its object and its part are drawn, its noise is looked at, and the page is taken away."""

import json
import re

import pytest

from tests.support.accessibility import complaints
from tests.support.browser import READY, cheap, expect, opened, status, take, whole
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser
CONCENTRATION = '[data-testid="stMetric"]:has-text("Concentration (nats)")'


def board(page):
    """The picture that is drawn on, and how a share of its sides is found on the screen."""
    place = page.locator(".draw .board")
    expect(place.locator("img")).to_be_visible()
    # A dialog moves for a moment when it opens.
    page.wait_for_timeout(600)
    box = place.bounding_box()
    return lambda x, y: (box["x"] + x * box["width"], box["y"] + y * box["height"])


def drag(page, *places) -> None:
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def shares(page) -> list[float]:
    """The outline in the address."""
    expect(page).to_have_url(re.compile("picture=.*~"))
    text = re.search(r"picture=photo%2Frocket(?:%40[^~&]*)?~([^&]*)", page.url).group(1)
    return [float(share) for share in text.split("%2C")]


def test_draw_the_object_and_the_part_look_at_the_noise_and_take_the_page_away(page, address):
    page.goto(cheap(address, picture="photo/rocket"))
    expect(status(page)).to_contain_text(READY)
    expect(page.locator(CONCENTRATION)).to_be_visible()
    before = page.locator(CONCENTRATION).inner_text()

    # A box with the mouse.
    page.locator(".st-key-object summary").click()
    page.locator(".st-key-object_draw").get_by_role("button").click()
    at = board(page)
    assert complaints(page) == []
    drag(page, at(0.3, 0.2), at(0.5, 0.6), at(0.6, 0.9))
    expect(page.get_by_role("dialog")).to_contain_text("the box that you have drawn")
    page.locator(".st-key-object_done").get_by_role("button").click()
    assert shares(page) == pytest.approx([0.3, 0.2, 0.6, 0.9], abs=0.01)
    expect(page.locator(CONCENTRATION)).not_to_have_text(before)
    expect(page.locator(".st-key-w_object_left input")).to_have_value(re.compile(r"^(29|30)\.\d"))

    # One corner with the keyboard; and a polygon in one go.
    page.locator(".st-key-object_draw").get_by_role("button").click()
    board(page)
    corner = page.get_by_role("button", name="Corner 3:")
    corner.press("Shift+ArrowLeft")
    corner.press("ArrowUp")
    expect(page.get_by_role("dialog")).to_contain_text("17% of the picture")
    page.locator(".st-key-w_object_kind_large").get_by_role("radio", name="Polygon").click()
    expect(page.get_by_role("dialog")).to_contain_text("corner after corner")
    at = board(page)
    drag(page, at(0.05, 0.05), at(0.9, 0.1), at(0.8, 0.95), at(0.1, 0.8))
    expect(page.get_by_role("dialog")).to_contain_text(re.compile(r"polygon of \d corners"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".st-key-w_object_corners input")).to_have_value(re.compile(r"^5 5, "))
    assert 8 <= len(shares(page)) < 20, "thinned to the corners that there are"

    # The part that is used.
    page.locator(".st-key-crop summary").click()
    page.locator(".st-key-crop_draw").get_by_role("button").click()
    at = board(page)
    drag(page, at(1.0, 1.0), at(0.8, 0.8))
    expect(page.get_by_role("dialog")).to_contain_text(re.compile(r"rows 0 to 3[34]\d of"))
    page.locator(".st-key-crop_done").get_by_role("button").click()
    expect(page).to_have_url(re.compile(r"rocket%400%2C0%2C0\.(8|79|80)\d*%2C0\.\d+~"))
    expect(status(page)).to_contain_text(READY)

    # The noise itself.
    page.locator(".st-key-w_noise_on label").first.click()
    moved = page.locator('[data-testid="stMetric"]:has-text("Feature has moved")')
    expect(moved).to_be_visible()
    page.locator(".st-key-w_noise").get_by_role("slider").press("End")
    expect(page).to_have_url(re.compile("noise=20"))
    expect(page.get_by_text("these are two pictures")).to_be_visible()
    expect(page.locator(".st-key-figure_noise_answer .main-svg").first).to_be_visible()
    expect(page.locator(".st-key-noise_line")).to_contain_text("Measured with")
    assert complaints(page) == []
    for width in (390, 800, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        wait_until(lambda: whole(page, "noise_answer") and whole(page, "noise_change"))

    # What is on the page, as one file and as a notebook.
    opened(page)
    name, data = take(page, "Report")
    assert name == "resnet20-cifar10-layer1.0-cid-photo-rocket.html"
    text = data.decode()
    assert text.count("<img ") == 4
    assert "What the noise does" in text
    assert "the polygon that you have drawn" in text
    assert page.url.split("?")[0] in text
    name, data = take(page, "Notebook")
    cells = json.loads(data)["cells"]
    for cell in cells:
        if cell["cell_type"] == "code":
            compile(cell["source"], name, "exec")
    assert sum("attachments" in cell for cell in cells) == 4
    assert page.strangers == []
    assert page.complaints == []
