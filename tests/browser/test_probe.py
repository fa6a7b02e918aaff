"""One pixel in all maps: pointed at, typed, pinned, followed through the layers, and zoomed in on."""

import re

import numpy as np
import pytest
from PIL import Image

from tests.support.browser import SLOW, chart, cheap, expect, grid_line, status, whole
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser

# How strong the shades at the left and the right edge of what is scrolled sideways are.
SHADES = """() => ["::before", "::after"].map(
    shade => getComputedStyle(document.querySelector(".more_beyond"), shade).opacity)"""
# Whether a player's title ends within it, and it is as low as a phone's two maps.
FITS = """film => {
    const title = film.querySelector(".annotation-text")?.getBoundingClientRect(), all = film.getBoundingClientRect();
    return Boolean(title && title.width && title.right <= all.right && all.height < 420) }"""
# How far below the window's edge the maps of One layer begin, and the height of their charts.
MAPS = """() => ["picture", "unit"].map(name => {
    const chart = document.querySelector(`.st-key-figure_${name}:not([data-stale="true"])`);
    const map = chart?.querySelector(".heatmaplayer image, .imagelayer image");
    return [map?.getBoundingClientRect().top ?? NaN, chart?.getBoundingClientRect().height ?? NaN] })"""
# Whether there are three labels of values in the grid, each within one of its maps.
LABELLED = """() => {
  const boxes = (which) => [...document.querySelectorAll(`.st-key-figure_grid ${which}`)].map(
    (one) => one.getBoundingClientRect());
  const labels = boxes(".probe-marks b"), maps = boxes(".nsewdrag");
  const within = (label, map) => label.left >= map.left - 1 && label.right <= map.right + 1
    && label.top >= map.top - 1 && label.bottom <= map.bottom + 1;
  return labels.length === 3 && labels.every((label) => maps.some((map) => within(label, map))) }"""
# How much of the probe's line of words is out of sight, and where the maps below it begin.
LINE = """() => {
  const said = document.querySelector(".probe .said"), maps = document.querySelector(".st-key-figure_grid");
  return [said.scrollHeight - said.clientHeight, maps.getBoundingClientRect().top] }"""
LABELS, MARKS = ".probe-marks b", ".probe-marks i"
RANGE = "chart => chart.querySelector('.js-plotly-plot')?._fullLayout?.xaxis.range ?? [0, 0]"

EMPTIED = """chart => {
  chart.removeAllListeners("plotly_afterplot");
  chart.data = [{ type: "scatter", x: [null], y: [null], meta: "frame" }];
  const drawn = new Promise((done) => chart.once("plotly_afterplot", done));
  chart.emit("plotly_redraw");
  return drawn.then(() => chart.querySelectorAll(".heatmaplayer image").length);
}"""


# A chart that has no size when it is put into the page, and says so later; the marks in it then.
LATE = """async () => {
  const chart = document.createElement("div"), heard = [];
  const marks = () => chart.querySelectorAll(".probe-marks .pin").length;
  const until = async (holds) => {
    for (let tries = 0; tries < 100 && !holds(); tries += 1) await new Promise((done) => setTimeout(done, 100));
  };
  const axis = () => ({ _length: 0, _offset: 0, c2p: Number, p2c: Number });
  const trace = { type: "image", meta: { probe: { title: "late", unit: "" } }, xaxis: "x", yaxis: "y" };
  const [xaxis, yaxis] = [axis(), axis()];
  const on = (name, act) => name === "plotly_afterplot" && heard.push(act);
  Object.assign(chart, { _ev: {}, on, _fullLayout: { _size: {}, xaxis, yaxis }, _fullData: [trace] });
  Object.assign(chart, { className: "js-plotly-plot", innerHTML: '<div class="svg-container"></div>' });
  document.body.append(chart);
  await until(() => heard.length);
  xaxis._length = yaxis._length = 100;
  heard.forEach((act) => act());
  await until(marks);
  chart.remove();
  return marks();
}"""


def frame(page, name: str, place: int):
    """Where a map is seen; in the document they stand in the order in which they arrived."""
    number = place + 1 if place else ""
    found = chart(page, name).locator(f'.nsewdrag[data-subplot="x{number}y{number}"]')
    expect(found).to_be_attached()
    return found.bounding_box()


def between(page, name: str, upper: int, lower: int) -> float:
    """Pixels from the lower edge of a map to the upper edge of one below it."""
    above, below = frame(page, name, upper), frame(page, name, lower)
    return below["y"] - above["y"] - above["height"]


def pane(page, name: str, place: int):
    """Just beyond the middle of a map, which is where four pixels meet."""
    box = frame(page, name, place)
    return box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2 + 2


def test_a_pixel_is_read_in_all_maps_pinned_and_followed_through_the_layers(page, address):
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append(1)))
    page.goto(cheap(address, view="grid", methods="cid+saliency", layers="layer1.0+layer3.2"))
    expect(grid_line(page)).to_contain_text("All 3 maps are ready")
    expect(page.locator(".probe input")).to_have_count(2)
    expect(page.locator('.stApp[data-test-script-state="notRunning"]')).to_be_visible()

    # Pointing: three maps and the picture are marked, two of the maps say what Plotly's label says in the third.
    before, (x, y) = len(sent), pane(page, "grid", 0)
    page.mouse.move(x, y)
    expect(chart(page, "grid").locator(MARKS)).to_have_count(3)
    expect(page.locator(f".probed-picture {MARKS}")).to_have_count(1)
    others = [re.compile(r"^−\d\.\d{3} nats$"), re.compile(r"^[\d.]+\s+score per unit of input$")]
    expect(chart(page, "grid").locator(LABELS)).to_have_text(others)
    expect(chart(page, "grid").locator(".hoverlayer")).to_contain_text(re.compile(r"−\d\.\d+ nats"))
    expect(page.locator(".probe .said")).to_contain_text("Row 16, column 16. CID · layer1.0: −")
    assert len(sent) == before

    # A click pins, in the address too, and the pixel is drawn through the layers.
    page.mouse.click(x, y)
    page.wait_for_url("**pin=16+16*")
    expect(chart(page, "pixel_cid")).to_contain_text("CID of row 16, column 16")

    # The same by keyboard.
    row = page.get_by_label("Row", exact=True)
    row.press("ArrowDown")
    expect(page.locator(".probe .said")).to_contain_text("Row 15, column 16")
    row.press("Enter")
    page.wait_for_url("**pin=15+16*")

    # On a narrow page, too, its values and the legend of its curve are whole; pointing elsewhere moves nothing.
    for width in (800, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.mouse.move(1, 1)
        wait_until(lambda: page.evaluate(LABELLED) and whole(page, "pixel_cid"))
        hidden, top = page.evaluate(LINE)
        assert hidden == 0
        expect(page.locator(".probe .said")).to_contain_text("Row 15, column 16. CID")
        expect(page.locator(".probe .said")).to_contain_text("score per unit of input")
        place = frame(page, "grid", 0)
        page.mouse.move(place["x"] + 9, place["y"] + 9)
        expect(page.locator(".probe .said")).not_to_contain_text("Row 15, column 16")
        assert page.evaluate(LINE)[1] == top
    # Two columns leave the chart's own scale in view, which tells what the colours beside the names do.
    expect(page.locator(".row_names i").first).to_have_css("opacity", "0")
    page.mouse.move(1, 1)
    page.set_viewport_size({"width": 1440, "height": 900})
    column = page.get_by_label("Column", exact=True)
    column.fill("99")
    column.press("Enter")
    expect(page.locator(".probe .said")).to_have_text("Expected a row from 0 to 31 and a column from 0 to 31.")
    assert "pin=15+16" in page.url
    row.press("Escape")
    page.wait_for_url(lambda url: "pin=" not in url)
    expect(page.locator(MARKS)).to_have_count(0)

    # A box that is drawn while maps arrive is drawn to its end, and the zoom outlives them.
    x, y = pane(page, "grid", 0)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y + 20, steps=2)
    page.get_by_role("radio", name="Each its own, 0–1").evaluate("radio => radio.click()")
    expect(page.get_by_role("radio", name="Each its own, 0–1")).to_be_checked()
    expect(page.locator('.stApp[data-test-script-state="notRunning"]')).to_be_visible()
    expect(chart(page, "grid")).not_to_contain_text("own range")
    page.mouse.move(x + 40, y + 40, steps=2)
    page.mouse.up()
    expect(chart(page, "grid")).to_contain_text("own range")
    zoomed = chart(page, "grid").evaluate(RANGE)
    assert 2 < zoomed[1] - zoomed[0] < 16

    # It outlives the chart itself, which is drawn anew for the other theme, in its ink.
    for scheme, ink in (("dark", "rgb(228, 232, 230)"), ("light", "rgb(29, 38, 41)")):
        page.emulate_media(color_scheme=scheme)
        expect(chart(page, "grid").locator(".annotation-text").first).to_have_css("fill", ink)
        expect(chart(page, "grid").locator(".heatmaplayer image")).to_have_count(3)
        for _ in range(50):
            if chart(page, "grid").evaluate(RANGE) == pytest.approx(zoomed, abs=1):
                break
            page.wait_for_timeout(200)
        assert chart(page, "grid").evaluate(RANGE) == pytest.approx(zoomed, abs=1)

    # A chart that is drawn anew without its maps, and tells nobody, gets them back.
    assert chart(page, "grid").locator(".js-plotly-plot").evaluate(EMPTIED) == 0
    expect(chart(page, "grid").locator(".heatmaplayer image")).to_have_count(3)
    assert page.complaints == []


def test_a_click_on_a_map_of_all_layers_opens_it_at_that_pixel(page, address):
    page.goto(cheap(address, view="layers"))
    compute, line = page.get_by_role("button", name="Compute"), page.locator(".st-key-layers_line")
    # Other visitors may have had them computed.
    expect(compute.or_(line.filter(has_text="are ready")).first).to_be_visible()
    if compute.is_visible():
        compute.click()
    expect(line).to_contain_text("All 12 layers are ready")
    expect(chart(page, "strip").locator(".heatmaplayer image")).to_have_count(12)
    # However wide the page is, rows lie a map and its title apart.
    for width in (390, 800, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        wait_until(lambda: 15 < between(page, "strip", 0, 5) < 32)
    # Played, they come one after the other above the strip, which stays.
    page.get_by_text("Play the layers").click()
    chart(page, "film").get_by_text("▶ Play").click(timeout=SLOW)
    expect(chart(page, "film")).to_contain_text("fc · 12 of 12")
    page.get_by_text("Play the layers").click()
    expect(chart(page, "film")).to_have_count(0)
    # All maps of the strip are zoomed together, and stay so when the page is drawn again.
    x, y = pane(page, "strip", 0)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 35, y + 35, steps=3)
    page.mouse.up()
    zoomed = chart(page, "strip").evaluate(RANGE)
    assert 2 < zoomed[1] - zoomed[0] < 20
    page.get_by_label("Row", exact=True).press("ArrowDown")
    page.get_by_role("button", name="Pin", exact=True).click()
    page.wait_for_url("**pin=15+16*")
    expect(page.locator('.stApp[data-test-script-state="notRunning"]')).to_be_visible()
    assert chart(page, "strip").evaluate(RANGE) == pytest.approx(zoomed)
    assert chart(page, "strip").evaluate(RANGE.replace("xaxis", "xaxis7")) == pytest.approx(zoomed)
    page.get_by_role("button", name="Unpin").click()
    chart(page, "strip").locator(".nsewdrag").first.dblclick()
    expect(page).not_to_have_url(re.compile("pin="))
    page.wait_for_timeout(500)
    page.mouse.click(*pane(page, "strip", 6))
    expect(status(page)).to_contain_text("layer2.2 of")
    page.wait_for_url("**pin=16+16*")
    expect(chart(page, "nats").locator(f"{MARKS}.pin")).to_have_count(1)
    expect(chart(page, "picture").locator(f"{MARKS}.pin")).to_have_count(1)
    assert page.evaluate(LATE) == 1
    expect(chart(page, "pixel_cid")).to_contain_text("CID of row 16, column 16")

    # Played, each frame says which layer it is, and the marked pixel stays marked.
    page.get_by_text("Play the layers").click()
    film = chart(page, "film")
    expect(film).to_contain_text("layer2.2 · 7 of 12")
    film.get_by_text("▶ Play").click()
    expect(film).to_contain_text("fc · 12 of 12")
    expect(film.locator(f"{MARKS}.pin")).to_have_count(2)
    # On a phone its words are whole, and it is no higher than its maps and the player need.
    page.set_viewport_size({"width": 390, "height": 900})
    wait_until(lambda: film.evaluate(FITS))
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(film.locator(LABELS)).to_have_text([re.compile(r"^−\d\.\d{3} nats$")])
    with page.expect_download(timeout=SLOW) as download:
        page.get_by_role("button", name="GIF").click()
    assert download.value.suggested_filename == "resnet20-cifar10-cid-bird-1-layers.gif"
    with Image.open(download.value.path()) as moving:
        assert moving.n_frames == 12

    # So it is in a presentation; without the player the picture and its map stand side by side there, whatever their
    # titles take, and on a phone their charts are no higher than they need.
    page.get_by_role("button", name="Present", exact=True).click()
    page.wait_for_url("**present=1*")
    expect(page.get_by_role("button", name="Leave")).to_be_visible()
    film.get_by_text("▶ Play").click()
    expect(film).to_contain_text("fc · 12 of 12")
    page.set_viewport_size({"width": 390, "height": 900})
    wait_until(lambda: film.evaluate(FITS))
    page.get_by_text("Play the layers").click()
    expect(chart(page, "nats")).to_contain_text("entropy H (nats)")
    wait_until(lambda: all(height < 390 for _, height in page.evaluate(MAPS)))
    page.set_viewport_size({"width": 800, "height": 900})
    wait_until(lambda: abs(np.subtract(*(top for top, _ in page.evaluate(MAPS)))) < 1)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Leave").click()
    page.wait_for_url(lambda url: "present=" not in url)

    # A cell without a map leads to where its decoder is trained.
    page.goto(cheap(address, view="grid", methods="ru", layers="conv1+layer1.0"))
    expect(chart(page, "grid")).to_contain_text("Click here")
    expect(page.locator(".probe input")).to_have_count(2)
    page.mouse.click(*pane(page, "grid", 1))
    expect(page.locator(".st-key-decoder_layer")).to_contain_text("layer1.0")


def swipe(page, x: float, y: float, across: float, down: float) -> None:
    """One finger that moves over a phone's screen."""
    phone = page.context.new_cdp_session(page)
    phone.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 11):
        point = {"x": x + across * step / 10, "y": y + down * step / 10}
        phone.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        page.wait_for_timeout(16)
    phone.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def pinch(page, x: float, y: float) -> None:
    """Two fingers that part."""
    phone = page.context.new_cdp_session(page)

    def send(kind: str, apart: float | None) -> None:
        points = [] if apart is None else [{"x": x, "y": y - apart, "id": 0}, {"x": x, "y": y + apart, "id": 1}]
        phone.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.wait_for_timeout(16)

    send("touchStart", 30)
    for step in range(1, 16):
        send("touchMove", 30 + 6 * step)
    send("touchEnd", None)


def test_on_a_phone_swipes_scroll_two_fingers_zoom_and_a_tap_pins(address, chromium):
    size = {"width": 390, "height": 844}
    page = chromium.new_context(viewport=size, has_touch=True, is_mobile=True, reduced_motion="reduce").new_page()
    page.goto(cheap(address, view="grid", methods="cid", layers="layer1.0+layer2.0+layer3.2"))
    expect(grid_line(page)).to_contain_text("All 3 maps are ready")
    expect(page.locator(".probe input")).to_have_count(2)
    expect(page.locator('.stApp[data-test-script-state="notRunning"]')).to_be_visible()

    # The sidebar is closed at first, behind a word, and holds the pages and the choices by their names.
    menu, sidebar = page.get_by_test_id("stExpandSidebarButton"), page.get_by_test_id("stSidebar")
    expect(sidebar).to_have_attribute("data-collapsed", "true")
    assert menu.evaluate("button => getComputedStyle(button, '::after').content") == '"Menu"'
    menu.tap()
    expect(sidebar).to_have_attribute("data-collapsed", "false")
    expect(sidebar.get_by_role("link", name="Compare")).to_be_visible()
    expect(sidebar.get_by_text("Network", exact=True)).to_be_visible()
    # It closes when a page was chosen, and stays closed there.
    sidebar.get_by_role("link", name="Glossary").tap()
    page.wait_for_url("**/glossary*")
    expect(sidebar).to_have_attribute("data-collapsed", "true")
    menu.tap()
    sidebar.get_by_role("link", name="Explore").tap()
    expect(grid_line(page)).to_contain_text("All 3 maps are ready")
    expect(sidebar).to_have_attribute("data-collapsed", "true")
    page.wait_for_timeout(500)

    # One finger scrolls the page, and sideways the grid as a whole; it zooms nothing.
    page.locator(".st-key-grid_frame").scroll_into_view_if_needed()
    (x, y), main = pane(page, "grid", 0), page.get_by_test_id("stMain")
    before = main.evaluate("main => main.scrollTop")
    swipe(page, x, y, 0, -120)
    page.wait_for_timeout(500)
    assert main.evaluate("main => main.scrollTop") > before + 60
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") == 0
    (x, y), third = pane(page, "grid", 0), pane(page, "grid", 2)
    # The edge towards which there is more fades, and beside the name stands what the colours mean.
    assert page.evaluate(SHADES) == ["0", "1"]
    key = page.locator(".row_names i")
    expect(key).to_have_text(re.compile(r"^−\d\.\d+ keptthrown away \d\.\d+$"))
    expect(key).to_have_css("opacity", "1")
    assert key.bounding_box()["x"] >= 0
    assert key.bounding_box()["x"] + key.bounding_box()["width"] < frame(page, "grid", 0)["x"]
    swipe(page, x, y, -80, 0)
    page.wait_for_timeout(500)
    moved = page.locator(".st-key-grid_frame").evaluate("frame => frame.scrollLeft")
    assert moved > 40
    assert pane(page, "grid", 2)[0] == pytest.approx(third[0] - moved, abs=2)
    page.locator(".st-key-grid_frame").evaluate("frame => { frame.scrollLeft = 1000 }")
    wait_until(lambda: page.evaluate(SHADES) == ["1", "0"])
    expect(key).to_have_css("opacity", "0")
    page.locator(".st-key-grid_frame").evaluate("(frame, moved) => { frame.scrollLeft = moved }", moved)
    expect(key).to_be_in_viewport()
    expect(chart(page, "grid").locator(".modebar-container").first).to_be_hidden()
    # The name of the row stays.
    grid, name = (page.locator(one).bounding_box() for one in (".st-key-grid_frame", ".row_names b"))
    expect(page.locator(".row_names b")).to_have_text("CID · nats")
    assert grid["x"] <= name["x"] <= grid["x"] + 10
    page.touchscreen.tap(*pane(page, "grid", 1))
    page.wait_for_url("**pin=16+16*")
    expect(page.locator('.stApp[data-test-script-state="notRunning"]')).to_be_visible()

    # At the border of two cells what is pinned is what Plotly's label says, which lies over the marks.
    box = frame(page, "grid", 1)
    border = box["x"] + box["width"] / 4
    beside = border - 0.01 if border % 1 > 0.51 else border + 0.01
    page.touchscreen.tap(beside, box["y"] + box["height"] / 3)
    page.wait_for_url(re.compile("pin=10[+][78]"))
    label = chart(page, "grid").locator(".hoverlayer .hovertext")
    value = re.search(r"\d\.\d{3}(?= nats)", label.text_content())
    expect(page.locator(".probe .said")).to_contain_text(f"CID · layer2.0: −{value[0]} nats")
    marks = chart(page, "grid").locator(".probe-marks").element_handle()
    assert label.evaluate(
        "(label, marks) => marks.compareDocumentPosition(label) & label.DOCUMENT_POSITION_FOLLOWING", marks
    )

    # Two fingers zoom what is seen, and no toolbar lies over it.
    assert page.evaluate("visualViewport.scale") == pytest.approx(1)
    pinch(page, *pane(page, "grid", 1))
    page.wait_for_timeout(500)
    assert page.evaluate("visualViewport.scale") > 1.5
    assert chart(page, "grid").evaluate(RANGE) == pytest.approx([-0.5, 31.5])
    expect(chart(page, "grid").locator(".modebar-container").first).to_be_hidden()
    page.context.close()
