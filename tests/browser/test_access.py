"""Every page in a real Chromium under axe-core, light and dark; Explore by keyboard alone, and on a narrow page."""

import re

import pytest

from tests.support.accessibility import COLOURS, complaints
from tests.support.browser import READY, chart, cheap, expect, grid_line, status

pytestmark = pytest.mark.browser

CHEAP = "network=resnet20-cifar10&refine=False&grid=8&layer=layer1.0"
# What says that the page stands: the address, and something of its last part.
PAGES = {
    "grid": (f"?{CHEAP}&methods=cid+saliency", ".st-key-grid_frame .js-plotly-plot .main-svg"),
    "difference": (f"?{CHEAP}&methods=cid+saliency&closer=difference", ".st-key-figure_closer_scatter .main-svg"),
    "values": (f"?{CHEAP}&methods=cid&closer=histogram", ".st-key-figure_closer_marked .main-svg"),
    "agreement": (f"?{CHEAP}&methods=cid+saliency&closer=agreement", ".st-key-figure_agreement_tops .main-svg"),
    "one layer": (f"?{CHEAP}&view=layer", ".st-key-figure_nats .main-svg"),
    "all layers": (f"?{CHEAP}&view=layers", ".st-key-layers_line"),
    "compare": (f"compare?{CHEAP}&other=resnet32-cifar10", ".js-plotly-plot .main-svg"),
    "fairness": ("fairness?network=resnet20-cifar10&grid=4", ".js-plotly-plot .main-svg"),
    "evaluate": ("evaluate?network=resnet20-cifar10", "button:has-text('Judge')"),
    "layers": ("layers?networks=resnet20-cifar10", ".js-plotly-plot .main-svg"),
    "studies": ("studies", ".studies img"),
    "study": ("studies?study=beta", ".st-key-figure_studies_curves .main-svg"),
    "flow": ("flow?experiment=neuron", ".st-key-figure_flow_curves .main-svg"),
    "lesson": ("learn?lesson=noise", ".js-plotly-plot .main-svg"),
    "presentation": ("learn?lesson=noise&present=1", ".js-plotly-plot .main-svg"),
    "class": ("class", "h1"),
    "glossary": ("glossary", "h1"),
    "about": ("about", "h1"),
}


@pytest.mark.parametrize("name", PAGES)
def test_no_rule_of_accessibility_is_broken_in_light_or_dark(page, address, name):
    path, ready = PAGES[name]
    page.goto(f"{address}/{path}")
    expect(page.locator(ready).first).to_be_visible()
    # A theme is another set of colours and nothing else.
    for scheme, rules in (("light", ()), ("dark", COLOURS)):
        page.emulate_media(color_scheme=scheme)
        expect(page.locator(".stApp")).to_have_css("color-scheme", scheme)
        found = complaints(page, rules)
        # What is about to be replaced is dimmed for a moment.
        for _ in range(10):
            if not found:
                break
            page.wait_for_timeout(1000)
            found = complaints(page, rules)
        assert found == []


def settled(page) -> None:
    """Waits until no script runs and nothing is about to be replaced, so that the focus stays where it is put."""
    expect(page.locator('.stApp[data-test-script-state="notRunning"]')).to_be_visible()
    expect(page.locator('[data-stale="true"]')).to_have_count(0)


def tab_to(page, key: str) -> None:
    """Presses Tab until the focus is on the widget's own control; fails after more steps than a reader would take."""
    settled(page)
    # The code of each kind of widget is fetched when the first of them is drawn.
    drawn = page.locator(f".st-key-{key}").locator("input, [role=radio], [role=slider]")
    expect(drawn.first).to_be_visible()
    place = """() => { const e = document.activeElement;
        return [e.closest('[class*=st-key-]')?.className ?? '', e.ariaLabel ?? e.innerText.slice(0, 40)] }"""
    passed = []
    for _ in range(40):
        page.keyboard.press("Tab")
        passed.append(page.evaluate(place))
        if f"st-key-{key}" in passed[-1][0].split() and not passed[-1][1].startswith("Help"):
            return
    raise AssertionError(f"Tab does not reach {key}, only {passed}")


def test_network_picture_and_layer_by_keyboard_alone(page, address):
    page.goto(cheap(address, view="layer"))
    expect(status(page)).to_contain_text(READY)
    tab_to(page, "w_network")
    page.keyboard.type("ResNet-32")
    page.keyboard.press("Enter")
    expect(status(page)).to_contain_text("ResNet-32, CIFAR-10")
    tab_to(page, "w_picture")
    # The group is entered at its first picture; the second is the one that is chosen already.
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.get_by_text("Chosen: ")).not_to_have_text("Chosen: Cardinal.")
    tab_to(page, "w_diagram")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile("layer=layer1.0"))
    expect(status(page)).to_contain_text("layer1.0 of")
    # Where there is no room for the diagram stands a slider.
    page.set_viewport_size({"width": 800, "height": 900})
    expect(page.locator(".st-key-network_diagram")).to_be_hidden()
    slider = page.locator(".st-key-w_layer").get_by_role("slider")
    before = slider.get_attribute("aria-valuetext")
    slider.press("ArrowRight")
    expect(slider).not_to_have_attribute("aria-valuetext", before)
    expect(status(page)).to_contain_text(READY)


# Boxes of the grid's frame, the units of its scales and its maps: left, top, right, bottom in pixels.
PLACES = """chart => {
    const box = e => { const b = e.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom] };
    return {frame: box(chart.closest('.st-key-grid_frame')),
            units: [...chart.querySelectorAll('.colorbar .cbtitle')].map(box),
            maps: [...chart.querySelectorAll('.heatmaplayer image')].map(box)} }"""


def test_units_are_whole_and_rows_as_high_as_their_maps(page, address):
    page.set_viewport_size({"width": 800, "height": 900})
    layers = "layer1.0+layer2.0+layer3.0"
    page.goto(cheap(address, view="grid", methods="cid+grad_cam", layers=layers))
    expect(grid_line(page)).to_contain_text("All 6 maps are ready")
    settled(page)
    expect(chart(page, "grid").locator(".heatmaplayer image")).to_have_count(6)
    found = chart(page, "grid").evaluate(PLACES)
    assert len(found["units"]) == 2
    assert all(found["frame"][0] < left < right <= found["frame"][2] for left, _, right, _ in found["units"])
    upper, lower = found["maps"][:3], found["maps"][3:]
    # Two lines of letters and a little air.
    for (left, top, right, bottom), (_, below, _, _) in zip(upper, lower, strict=True):
        assert right - left == pytest.approx(bottom - top, abs=2)
        assert 34 < below - bottom < 56
    assert found["maps"][0][1] - found["frame"][1] < 60
    assert found["frame"][3] - found["maps"][-1][3] < 90
