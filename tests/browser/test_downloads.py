"""In a real Chromium: every file that can be taken from the Explore page, opened and checked."""

import io
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tests.support.brief import brief
from tests.support.browser import SLOW, chart, cheap, expect, opened, popover, quiet, take
from tests.support.tables import rows_of

pytestmark = pytest.mark.browser
GRID = {
    "view": "grid",
    "grid": "4",
    "layers": "layer1.0 layer1.2",
    "methods": "cid grad_cam lrp",
    "picture": "photo/cat@0.1,0,0.9,1",
}


def maps(data: bytes) -> tuple[list[dict], list[np.ndarray]]:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        cells = json.loads(str(file["about"]))["cells"]
        return cells, [file[cell["arrays"]["map"]] for cell in cells]


def values(name: str, script: bytes) -> np.ndarray:
    """The map that a script computes when it is run; as brief as the server's where the library is."""
    told: dict[str, object] = {}
    exec(compile(script.decode(), name, "exec"), told)
    return told["values"]


def drawn_cells(png: bytes, rows: int, columns: int) -> np.ndarray:
    """The green of each of a map's cells in a picture of 300 dpi; the map is what has large parts of one colour."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        green = np.asarray(image.convert("RGB"))[..., 1].astype(int)
    counts = np.bincount(green.ravel(), minlength=256)
    large = np.flatnonzero(counts[:255] > 0.02 * green.size)
    inside = np.isin(green, large)
    top, bottom = np.flatnonzero(inside.mean(1) > 0.3)[[0, -1]]
    left, right = np.flatnonzero(inside.mean(0) > 0.3)[[0, -1]]
    y = np.linspace(top, bottom, 2 * rows + 1)[1::2].astype(int)
    x = np.linspace(left, right, 2 * columns + 1)[1::2].astype(int)
    return green[np.ix_(y, x)]


def test_the_whole_grid_and_one_of_its_maps(page, address, monkeypatch):
    brief(monkeypatch)
    page.goto(cheap(address, **GRID))
    expect(page.locator(".st-key-grid_line")).to_contain_text("All 5 maps are ready")
    opened(page)
    name, data = take(page, "PNG")
    assert name == "resnet20-cifar10-photo-cat-grid.png"
    with Image.open(io.BytesIO(data)) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        image.load()
    name, data = take(page, "NPZ")
    cells, arrays = maps(data)
    assert [(cell["method"], cell["layer"]) for cell in cells] == [
        ("cid", "layer1.0"), ("cid", "layer1.2"), ("grad_cam", "layer1.0"), ("grad_cam", "layer1.2"), ("lrp", ""),
    ]  # fmt: skip
    assert arrays[0].shape == (4, 4)
    assert all(cell["part"] == "0.1,0,0.9,1" for cell in cells)
    name, data = take(page, "CSV")
    numbers = rows_of(data)
    assert [row["method"] for row in numbers] == ["CID", "CID", "Grad-CAM", "Grad-CAM", "LRP"]
    name, data = take(page, "Python")
    assert name == "resnet20-cifar10-photo-cat-grid.py"
    compile(data.decode(), name, "exec")

    popover(page).get_by_role("radio", name="One map").click()
    quiet(page)
    popover(page).get_by_role("combobox").last.press("ArrowDown")
    page.get_by_role("option", name="layer1.2").click()
    expect(popover(page)).to_contain_text("CID of layer1.2")
    name, data = take(page, "NPZ")
    assert name == "resnet20-cifar10-layer1.2-cid-photo-cat.npz"
    np.testing.assert_array_equal(maps(data)[1][0], arrays[1])
    name, data = take(page, "CSV")
    assert rows_of(data) == numbers[1:2]
    np.testing.assert_allclose(values(*take(page, "Python")), arrays[1], rtol=1e-4, atol=1e-4)
    name, data = take(page, "PNG")
    assert name == "resnet20-cifar10-layer1.2-cid-photo-cat.png"
    greens = drawn_cells(data, *arrays[1].shape)
    # Viridis: the larger the value, the more green; the scale is that of the whole grid, so there are but few greens.
    assert np.corrcoef(greens.ravel(), arrays[1].ravel())[0, 1] > 0.95
    assert page.strangers == []
    assert page.complaints == []


def test_one_layer_and_the_curves_of_all_as_far_as_they_are_ready(page, address, monkeypatch):
    brief(monkeypatch)
    # Of this seed no other layer is ready by another test.
    page.goto(cheap(address, grid="4", layer="layer1.0", view="layer", seed="11"))
    expect(page.locator(".st-key-map_line")).to_contain_text("mean CID")
    opened(page)
    name, data = take(page, "PNG")
    assert name == "resnet20-cifar10-layer1.0-cid-bird-1.png"
    _, (array,) = maps(take(page, "NPZ")[1])
    (numbers,) = rows_of(take(page, "CSV")[1])
    assert np.mean(array) == pytest.approx(float(numbers["mean (nats)"]), abs=1e-3)
    np.testing.assert_allclose(values(*take(page, "Python")), array, rtol=1e-4, atol=1e-4)
    page.keyboard.press("Escape")

    page.get_by_role("tab", name="All layers").click()
    expect(chart(page, "curve").locator(".main-svg").first).to_be_visible()
    opened(page)
    expect(popover(page)).to_contain_text("1 of 12 layers are ready")
    name, data = take(page, "SVG")
    assert name == "resnet20-cifar10-cid-bird-1-layers.svg"
    assert ElementTree.fromstring(data).tag.endswith("}svg")
    assert take(page, "PDF")[1].startswith(b"%PDF-")
    name, data = take(page, "PNG")
    assert name == "resnet20-cifar10-cid-bird-1-layers-maps.png"
    with Image.open(io.BytesIO(data)) as printed:
        assert printed.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    curve = rows_of(take(page, "CSV")[1])
    assert [row["layer"] for row in curve if row["mean CID (nats per input variable)"]] == ["layer1.0"]
    assert len(curve) == 12
    np.testing.assert_array_equal(maps(take(page, "NPZ")[1])[1][0], array)
    assert len(rows_of(take(page, "CSV", 1)[1])) == 1
    compile(take(page, "Python")[1].decode(), "maps.py", "exec")
    assert page.complaints == []


def test_nothing_can_be_taken_before_it_is_there(page, at_length):
    page.goto(cheap(at_length, network="alexnet-birds", refine="True", grid="0", layer="fc8", view="layer"))
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    opened(page)
    expect(popover(page)).to_contain_text("Not ready yet")
    expect(popover(page).get_by_role("button")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".st-key-map_line")).to_contain_text("Cancelled")


def test_both_kinds_of_scores_can_be_taken_as_csv(page, address):
    choice = "network=resnet20-cifar10&layer=layer3.2&methods=saliency+grad_cam&count=12&checked=4"
    page.goto(f"{address}/evaluate?{choice}")
    for way, count in (("scores", 12), ("stability", 4)):
        if way == "stability":
            page.get_by_role("radio", name="Small changes").click()
        page.get_by_role("button", name="Judge 2 methods").click()
        expect(page.locator(".st-key-evaluate_line")).to_contain_text(f"judged on {count} pictures")
        # The line comes before the file that the same run of the page offers.
        expect(page.locator('.stApp[data-test-script-state="notRunning"]')).to_be_visible()
        with page.expect_download(timeout=SLOW) as download:
            page.get_by_test_id("stDownloadButton").get_by_role("button", name="Download as CSV").click()
        name = "evaluation" if way == "scores" else way
        assert download.value.suggested_filename == f"{name}-resnet20-cifar10-layer3.2.csv"
        both = rows_of(Path(download.value.path()).read_bytes())
        assert [(row["method"], row["pictures"]) for row in both] == [
            ("saliency", str(count)), ("grad_cam", str(count))
        ]  # fmt: skip
        score = "descriptive_accuracy" if way == "scores" else "change"
        assert all(0 < float(row["low"]) < float(row[score]) < float(row["high"]) for row in both)
    assert page.strangers == []
    assert page.complaints == []
