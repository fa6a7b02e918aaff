"""The compare page in a real Chromium: a link, the swap, all layers, and weights before and after."""

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from explainers.networks.catalogue import load_network
from tests.support.browser import expect, opened, take
from tests.support.tables import rows_of

pytestmark = pytest.mark.browser


def compare(address: str, **query: str) -> str:
    pairs = {"network": "resnet20-cifar10", "other": "resnet32-cifar10", "refine": "False", "grid": "4"}
    return f"{address}/compare?" + "&".join(f"{n}={v}" for n, v in (pairs | {"layer": "layer1.0"} | query).items())


def drawn(page, name: str):
    return page.locator(f'.st-key-figure_compare_{name}:not([data-stale="true"]) .main-svg').first


def line(page):
    return page.locator(".st-key-compare_line")


def pruned(folder: Path) -> Path:
    """ResNet-20 without the smallest four fifths of its convolutions' weights."""
    net = load_network("resnet20-cifar10").module
    parts = [(part, "weight") for part in net.modules() if isinstance(part, nn.Conv2d)]
    prune.global_unstructured(parts, prune.L1Unstructured, amount=0.8)
    for part, name in parts:
        prune.remove(part, name)
    torch.save(net.state_dict(), folder / "pruned.pt")
    return folder / "pruned.pt"


def test_two_networks_by_a_link_then_one_before_and_after_pruning(page, address, tmp_path):
    page.goto(compare(address))
    expect(line(page)).to_contain_text("mean CID differs by")
    for name in ("picture", "a", "b", "difference"):
        expect(drawn(page, name)).to_be_visible()
    pane = page.locator(".st-key-figure_compare_a .nsewdrag").first.bounding_box()
    page.mouse.move(pane["x"] + pane["width"] / 2, pane["y"] + pane["height"] / 2)
    for name in ("picture", "a", "b", "difference"):
        expect(page.locator(f".st-key-figure_compare_{name} .probe-marks i")).to_have_count(1)
    expect(page.locator(".probe .said")).to_contain_text(re.compile(r"B − A: [+−]\d\.\d{3} nats"))
    # The network as a picture chooses the layer of A, by keyboard too.
    layers = page.get_by_role("radiogroup", name="Layer", exact=True)
    expect(layers.get_by_role("radio", name="layer1.0")).to_be_checked()
    expect(page.locator(".st-key-w_layer")).to_be_hidden()
    layers.get_by_role("radio", name="layer1.0").press("ArrowRight")
    page.keyboard.press("Space")
    page.wait_for_url("**layer=layer1.1*")
    expect(line(page)).to_contain_text("layer1.1 of A")
    page.get_by_role("button", name="Swap A and B").click()
    page.wait_for_url("**network=resnet32-cifar10*other=resnet20-cifar10*")
    page.goto(compare(address, other="resnet20-cifar10"))
    expect(line(page)).to_contain_text("differs by 0 nats")
    page.locator(".st-key-compare_weights summary").click()
    page.locator(".st-key-w_compare_weights_b input[type=file]").set_input_files(pruned(tmp_path))
    expect(page.locator(".st-key-figures_compare")).to_contain_text("pruned.pt")
    expect(line(page)).to_contain_text("mean CID differs by")
    page.get_by_role("button", name="Compute").click()
    expect(page.locator(".st-key-compare_layers_line")).to_contain_text("All 24 maps")
    expect(drawn(page, "curves")).to_be_visible()
    # A click on a map pins the pixel, which is drawn through both networks.
    expect(drawn(page, "pixel")).to_have_count(0)
    pane = page.locator('.st-key-figure_compare_a:not([data-stale="true"]) .nsewdrag').first
    pane.click(position={"x": 40, "y": 50})
    page.wait_for_url("**pin=*")
    expect(drawn(page, "pixel")).to_be_visible()
    page.get_by_role("button", name="Unpin").click()
    expect(drawn(page, "pixel")).to_have_count(0)
    opened(page, 0)
    name, data = take(page, "NPZ")
    assert name == "resnet20-cifar10-resnet20-cifar10-own-weights-layer1.0-cid-bird-1.npz"
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        np.testing.assert_allclose(file["map_1"] - file["map_0"], file["difference"], atol=1e-5)
    assert take(page, "PNG")[1].startswith(b"\x89PNG")
    assert len(rows_of(take(page, "CSV")[1])) == 2
    script = take(page, "Python")[1].decode()
    compile(script, "maps.py", "exec")
    assert "your-weights" in script
    page.keyboard.press("Escape")
    opened(page, 1)
    assert ElementTree.fromstring(take(page, "SVG")[1]).tag.endswith("}svg")
    assert take(page, "PDF")[1].startswith(b"%PDF-")
    curve = rows_of(take(page, "CSV")[1])
    assert len(curve) == 12
    assert all(row["B − A (nats)"] for row in curve)
    assert page.strangers == []
    assert page.complaints == []


def test_a_bad_link_is_a_sentence_above_the_usual_maps(page, address):
    page.goto(compare(address, other="resnet9", metric="sid"))
    warning = page.locator('[data-testid="stAlert"]')
    expect(warning).to_contain_text("network B resnet9 (expected one of the list on the left)")
    expect(line(page)).to_contain_text("mean CID differs by")
    page.wait_for_url("**other=resnet32-cifar10*")
