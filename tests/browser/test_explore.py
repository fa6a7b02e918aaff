"""Explore in a real Chromium: a first visit, the grid, layers and pictures one by one, work that is cancelled."""

import re

import pytest

from tests.support.browser import READY, chart, cheap, drawn, expect, grid_line, status
from tests.support.picture_files import noise
from tests.support.places import ROOT
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser
# How far below the window's upper edge a line begins and ends; nothing of one that a newer chart has replaced.
HEIGHTS = """line => {
    if (!line.getNumberOfChars()) return null;
    const at = place => place.matrixTransform(line.getScreenCTM()).y;
    return [at(line.getStartPositionOfChar(0)), at(line.getEndPositionOfChar(line.textContent.length - 1))] }"""


def test_from_a_first_visit_to_a_first_map(page, address):
    page.goto(address)
    expect(grid_line(page)).to_contain_text(re.compile(r"[1-9]\d* of \d+ maps ready|All \d+ maps"))
    expect(chart(page, "grid").locator(".main-svg").first).to_be_visible()
    words = chart(page, "grid").locator(".cbtitle tspan", has_text="thrown away").first
    expect(words).to_be_visible()
    first, last = wait_until(lambda: words.evaluate(HEIGHTS))
    assert words.text_content().startswith("kept")
    assert first > last, "what stands at the lower end of the scale is not what little means"
    page.get_by_role("button", name="Got it").click()
    expect(page.locator(".st-key-newcomer")).to_have_count(0)
    assert page.strangers == []
    assert page.complaints == []


def test_a_grid_of_five_methods_fills_in_and_its_link_shows_the_same(page, address, chromium):
    methods = "cid+grad_cam+lrp+saliency+activation"
    page.goto(cheap(address, view="grid", methods=methods, layers="layer2.2+layer3.2"))
    expect(grid_line(page)).to_contain_text("All 8 maps are ready")
    expect(page.get_by_role("button", name="Methods (5)")).to_be_visible()
    # What is said may come a moment before what is drawn.
    wait_until(lambda: len(set(drawn(page))) >= 8)
    other = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    other.goto(page.url)
    expect(grid_line(other)).to_contain_text("All 8 maps are ready")
    wait_until(lambda: drawn(other) == drawn(page))
    other.context.close()

    closer = page.get_by_role("radiogroup", name="Look closer")
    closer.get_by_role("radio", name="Difference of two maps").press("Space")
    expect(chart(page, "closer_difference")).to_contain_text("B − A (nats)")
    expect(page.locator(".st-key-closer_numbers")).to_contain_text("Rank correlation")
    closer.get_by_role("radio", name="Values of a map").press("Space")
    bars = chart(page, "closer_histogram").locator(".nsewdrag")
    expect(bars).to_be_visible()
    bars.scroll_into_view_if_needed()
    box = bars.bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 60, steps=4)
    page.mouse.up()
    expect(page.locator(".st-key-closer")).to_contain_text(re.compile(r"Marked: \d+ of 64 values"))
    expect(page).to_have_url(re.compile("marked="))
    closer.get_by_role("radio", name="Agreement").press("Space")
    expect(chart(page, "agreement_ranks").locator(".heatmap-label")).to_have_count(25)
    page.get_by_role("combobox", name="Pictures").click()
    page.get_by_role("option", name="6 pictures of the gallery").click()
    page.get_by_role("button", name="Compute the missing maps").click()
    expect(page.locator(".st-key-agreement_line")).to_contain_text("From 30 maps, all ready.")
    expect(page).to_have_url(re.compile("over=6"))
    assert page.complaints == []


def test_two_browsers_at_once_see_each_its_own(page, address, chromium):
    other = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(cheap(address, layer="layer2.0", seed="5"))
    other.goto(cheap(address, layer="layer3.0", picture="bird/3", seed="5"))
    for one, layer, bird in ((page, "layer2.0", "Cardinal"), (other, "layer3.0", "Blue jay")):
        expect(status(one)).to_contain_text(READY)
        expect(status(one)).to_contain_text(layer)
        expect(one.locator(".st-key-figures")).to_contain_text(bird)
    other.context.close()


def test_layers_and_pictures_by_mouse_and_keyboard_all_layers_and_a_picture_of_ones_own(page, address):
    page.goto(cheap(address))
    expect(status(page)).to_contain_text(READY)
    expect(chart(page, "nats")).to_contain_text("entropy H (nats)")

    # The network as a picture stands where there is room; the layer that is shown has its colour.
    layers = page.get_by_role("radiogroup", name="Layer", exact=True)
    expect(layers.get_by_role("radio")).to_have_count(12)
    expect(layers.get_by_role("radio", name="layer1.0")).to_be_checked()
    expect(page.locator(".st-key-w_layer")).to_be_hidden()
    layers.get_by_role("radio", name="conv1").click()
    expect(status(page)).to_contain_text("conv1")
    expect(page).to_have_url(re.compile("layer=conv1"))

    group = page.get_by_role("radiogroup", name="Choose a picture")
    expect(group.get_by_role("radio")).to_have_count(12)
    wren = group.get_by_role("radio", name="Wren")
    wren.press("Space")
    expect(wren).to_be_checked()
    expect(page.locator(".st-key-figures")).to_contain_text("Wren (rendered)")

    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", name="What this is")).to_be_visible()
    page.get_by_role("link", name="Explore").click()
    expect(status(page)).to_contain_text("conv1")
    expect(page.locator(".st-key-figures")).to_contain_text("Wren (rendered)")

    page.get_by_role("tab", name="All layers").click()
    page.get_by_role("button", name="Compute").click()
    expect(page.locator(".st-key-layers_line")).to_contain_text("All 12 layers are ready")
    expect(chart(page, "strip").locator(".heatmaplayer image")).to_have_count(12)
    expect(chart(page, "curve")).to_contain_text("concentration")
    page.locator(".st-key-w_open_layer").get_by_role("radio", name="layer2.0").click()
    expect(status(page)).to_contain_text("layer2.0 of")

    page.get_by_role("radio", name="Your own").click()
    upload = page.locator('.st-key-w_upload input[type="file"]')
    upload.set_input_files({"name": "broken.png", "mimeType": "image/png", "buffer": noise(48)[:500]})
    expect(page.get_by_role("alert")).to_contain_text("Expected")
    text = page.locator("body").inner_text()
    assert "Traceback" not in text
    assert str(ROOT) not in text
    upload.set_input_files({"name": "noise.png", "mimeType": "image/png", "buffer": noise(48)})
    expect(page.locator(".st-key-figures")).to_contain_text("noise.png")
    expect(chart(page, "nats").locator(".heatmaplayer image").first).to_be_attached()
    assert page.strangers == []
    assert page.complaints == []


def test_what_is_cancelled_keeps_what_was_ready_and_can_be_begun_again_on_every_page(page, at_length):
    # The longest work there is among the shipped networks.
    page.goto(cheap(at_length, network="vgg16-birds", refine="True", grid="0", layer="fc8"))
    page.get_by_role("button", name="Cancel").click()
    expect(status(page)).to_contain_text("Cancelled at")
    page.get_by_role("button", name="Start again").click()
    # A preview is marked as one, and says how far it may be off; once cancelled, too.
    expect(page.locator(".st-key-numbers")).to_contain_text(re.compile(r"so far.*about −?\d+\.\d+ ± \d+\.\d+"))
    page.get_by_role("button", name="Cancel").click()
    expect(status(page)).to_contain_text(re.compile(r"Cancelled at.*its mean may lie \d+\.\d+ nats from"))

    page.goto(cheap(at_length, network="vgg16-birds", view="grid", refine="True", grid="0", methods="saliency+cid"))
    page.get_by_role("button", name="Cancel").click()
    expect(grid_line(page)).to_contain_text("Cancelled: ")
    expect(chart(page, "grid")).to_contain_text("cancelled")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Cancel").click()
    expect(grid_line(page)).to_contain_text("Cancelled: ")

    long = "network=vgg16-birds&other=vgg16-birds&refine=True&grid=0&layer=fc8"
    for path, line, said in (
        (f"compare?{long}", "compare", "Cancelled"),
        ("fairness?network=alexnet-birds", "fair", "Cancelled at"),
        ("evaluate?network=alexnet-birds&methods=cid+lime&refined=True&count=200", "evaluate", "0 of 2 methods"),
    ):
        page.goto(f"{at_length}/{path}")
        if line == "evaluate":
            page.get_by_role("button", name="Judge 2 methods").click()
        place = page.locator(f".st-key-{line}_line")
        place.get_by_role("button", name="Cancel").click()
        expect(place).to_contain_text(said)
        expect(place.get_by_role("button", name="Cancel")).to_have_count(0)
        place.get_by_role("button", name=re.compile("Go on|Start again|Judge")).click()
        place.get_by_role("button", name="Cancel").click()
        expect(place).to_contain_text(said)
    assert page.complaints == []
