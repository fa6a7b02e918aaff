"""In a real Chromium: what is uncertain is marked where it stands; what cannot be had leads to where it is made."""

import re

import pytest

from tests.support.browser import cheap, expect

pytestmark = pytest.mark.browser


def test_closed_forms_that_do_not_hold_strange_pairs_and_decoders_that_are_not_there(page, address):
    # Under noise as strong as this the closed forms of deep layers are no answers.
    page.goto(cheap(address, grid="4", beta="0.1", layer="fc", other="resnet32-cifar10").replace("/?", "/compare?"))
    line = page.locator(".st-key-compare_line")
    expect(line).to_contain_text(re.compile("no difference can be told.*not to be relied on"))
    expect(page.locator(".st-key-figure_compare_difference .heatmaplayer image")).to_have_count(0)

    page.goto(cheap(address, grid="4", beta="0.1", view="layers"))
    page.get_by_role("button", name="Compute").click()
    expect(page.locator(".st-key-layers_line")).to_contain_text("All 12 layers are ready")
    expect(page.get_by_text("Open points are uncertain").first).to_be_visible()
    expect(page.get_by_text("± 0.0000")).to_have_count(0)

    page.goto(cheap(address, grid="4", layer="head", network="unet-membranes", picture="bird/1"))
    expect(page.get_by_text("Its answer means nothing").first).to_be_visible()

    page.goto(f"{address}/fairness?network=resnet20-cifar10&at=layer3.0&grid=4")
    page.get_by_role("button", name="Train a decoder for layer3.0").click()
    page.wait_for_url(re.compile(r"layer=layer3\.0"))
    expect(page.get_by_role("button", name=re.compile("^Train"))).to_be_visible()
    assert page.complaints == []
