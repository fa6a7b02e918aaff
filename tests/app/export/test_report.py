"""Reports and notebooks: whole in themselves, safe whatever a picture is called, and run again to the same maps."""

import base64
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pytest
import torch
from PIL import Image

from app.compare.pairs import difference, pair, section
from app.compare.report import pair_report, pairs_report
from app.compare.scene import Scene, Side
from app.compare.take import curves_of as pair_curves
from app.explore.closer_report import looked_closer
from app.explore.grid_choice import GridChoice
from app.explore.reports import Shown, grid_report, layers_report, map_report
from app.explore.spots import request as asked_closer
from app.explore.take import _sheet, with_pictures
from app.explore.take_curves import curves_of
from app.export.notebook import notebook, plain, programs
from app.export.picture import CAPTION, GAP, HEADS, SIDE, TOP, Line, sheet_png
from app.export.record import taken
from app.export.report import CITATION, report_html
from app.export.strip import strip_png
from app.inputs.columns import Column
from app.jobs.backend import Backend, View
from explainers import CID, CIDSettings, absolute_range, load_network
from explainers.methods.noise import NoiseRequest
from explainers.methods.registry import methods
from explainers.methods.request import answer

CHEAP = CIDSettings(grid=4, refine=False, probes=8, seed=5)
FEW = 60
OUTLINE = "0.2,0.3,0.7,0.9"
HERE = "http://localhost:8501/?view=layer&network=resnet20-cifar10", "26 November 2026"
NASTY = '<script>alert(1)</script> "x" $y$ ![a](http://e.org) | `code`'


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(self.texts)


@pytest.fixture(autouse=True)
def few_dots(monkeypatch) -> None:
    """Dots per inch: what stands on a page does not depend on them, and how long it takes does."""
    monkeypatch.setattr("app.export.canvas.DPI", FEW)


def column(store, network, layer: str, picture: str = f"photo/cat~{OUTLINE}") -> Column:
    return Column(layer, "", network, store.network_input(network, picture), network.layer(layer))


def shown(store, one: Column, method: str = "cid", target: int | None = None, **more) -> Shown:
    found = answer(one.network_input.request(one.network, one.layer, method, CHEAP, target))
    cell = taken(methods()[method], one, found, CHEAP.seed, "cpu")
    limits = absolute_range(CHEAP.beta) if method == "cid" else None
    line = Line(cell.method_title, cell.unit, cell.signed, "Viridis", limits, (cell,))
    return Shown(one, View("key", "done", found), cell, line, **more)


@pytest.fixture(scope="module")
def one(store, network) -> Shown:
    return shown(store, column(store, network, "layer1.2"))


def run(cells: list[str]) -> dict[str, object]:
    """What a notebook leaves, its code run from the top as Jupyter would."""
    told: dict[str, object] = {}
    with mpl.rc_context({"backend": "agg"}):
        for place, cell in enumerate(cells):
            exec(compile(cell, f"cell {place}", "exec"), told)
    return told


def code(text: str) -> list[str]:
    return [cell["source"] for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]


def test_a_report_of_one_map_has_the_page_and_needs_nothing_else(store, one):
    text = report_html(map_report(store, one, one.cell, *HERE))
    page = Page(text)
    pictures = page.all("img")
    assert len(pictures) == 3
    for picture in pictures:
        kind, _, data = picture["src"].partition(",")
        assert kind == "data:image/png;base64"
        Image.open(io.BytesIO(base64.b64decode(data))).verify()
        assert picture["alt"]
    assert not page.all("script")
    assert not page.all("link")
    assert {attributes["href"] for attributes in page.all("a")} == {HERE[0]}
    assert any("default-src 'none'" in meta.get("content", "") for meta in page.all("meta"))
    for said in ("Cat", "layer1.2", "Concentration (nats)", "Localisation (of 1)", OUTLINE, "1.5·10⁻⁴", *HERE[1:]):
        assert said in page.text
    assert CITATION in page.text
    assert "the box that you have drawn" in page.text
    assert f"{one.cell.fingerprint[:12]}…" in page.text


def test_nothing_that_a_picture_is_called_becomes_code(store, one):
    cell = replace(one.cell, picture_title=NASTY, network_title=NASTY)
    report = map_report(store, replace(one, cell=cell), cell, *HERE)
    page = Page(report_html(report))
    assert not page.all("script")
    assert "alert(1)" in page.text
    made = json.loads(notebook(report))
    words = [cell["source"] for cell in made["cells"] if cell["cell_type"] == "markdown"]
    assert not any("<script>" in text or re.search(r"(?<!\\)\]\(http", text) for text in words)
    for source in code(notebook(report)):
        compile(source, "cell", "exec")


def test_a_notebook_is_of_the_format_and_gives_the_map_again(store, one):
    text = notebook(map_report(store, one, one.cell, *HERE))
    made = json.loads(text)
    assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in made["cells"]}) == len(made["cells"])
    for cell in made["cells"]:
        kinds = {"markdown": {"cell_type", "id", "metadata", "source"}}
        kinds["code"] = kinds["markdown"] | {"outputs", "execution_count"}
        assert set(cell) - {"attachments"} == kinds[cell["cell_type"]]
    pictures = [cell["attachments"]["page.png"]["image/png"] for cell in made["cells"] if "attachments" in cell]
    assert len(pictures) == 3
    maps = run(code(text))["maps"]
    np.testing.assert_allclose(maps["cid", "resnet20-cifar10", "layer1.2", "Cat"], one.cell.values, atol=1e-5)


def test_the_noise_that_is_shown_is_in_the_report(store, one):
    view = View(
        "key", "done", answer(one.column.network_input.request(one.column.network, one.column.layer, "cid", CHEAP))
    )
    looked = replace(one, view=view, times=5.0)
    assert "What the noise does" not in report_html(map_report(store, looked, one.cell, *HERE))
    network_input = one.column.network_input
    request = NoiseRequest(one.column.network, one.column.layer, network_input.x, network_input.digest, view.value)
    store.results.put(request.key, answer(request))
    report = map_report(store, looked, one.cell, *HERE)
    assert len(report.plates) == 4
    page = Page(report_html(report))
    assert "What the noise does" in page.text
    assert "× 20" in page.text


def grid(store, network, across: str = "layers"):
    cat = f"photo/cat~{OUTLINE}"
    pictures = [cat, cat if across == "layers" else "bird/1"]
    columns = [
        column(store, network, layer, key) for layer, key in zip(("layer1.0", "layer2.0"), pictures, strict=True)
    ]
    rows = (("cid", None), ("saliency", 3))
    maps = [[shown(store, one, method, target) for one in columns] for method, target in rows]
    lines = [replace(row[0].line, cells=tuple(one.cell for one in row)) for row in maps]
    sheet = with_pictures(store, _sheet(lines, columns, GridChoice(across=across)), columns)
    return columns, [[one.view for one in row] for row in maps], sheet


def test_a_sheet_has_the_picture_and_what_the_network_answers(store, network):
    for across, count in (("layers", 1), ("pictures", 2)):
        _, _, sheet = grid(store, network, across)
        assert all(re.fullmatch(r".+ \d+%|no answer: .+", said) for _, said in sheet.pictures)
        with_row, without = (Image.open(io.BytesIO(sheet_png(one))) for one in (sheet, replace(sheet, pictures=())))
        assert with_row.height - without.height == pytest.approx(FEW * (SIDE + CAPTION + GAP), abs=2)
        top = TOP + HEADS * (across == "pictures")
        row = np.asarray(with_row.convert("L"))[int(FEW * top) + 5 :][: int(FEW * SIDE) - 10]
        filled = (row < 250).mean(0) > 0.5
        # One stretch of ink for every picture of the row.
        assert np.count_nonzero(np.diff(filled.astype(int)) == 1) == count


def test_a_report_of_the_grid_has_every_map_and_number(store, network):
    columns, views, sheet = grid(store, network)
    report = grid_report(store, sheet, columns, views, *HERE)
    page = Page(report_html(report))
    for said in ("CID · layer1.0", "CID · layer2.0", "Saliency", "Concentration (nats)", "Likeliest"):
        assert said in page.text
    told = run(code(notebook(report)))
    assert len(told["maps"]) == 4 - 1, "a method that looks at the whole network has one map"
    values = sheet.lines[0].cells[1].values
    np.testing.assert_allclose(told["maps"]["cid", network.name, "layer2.0", "Cat"], values, atol=1e-5)


def test_a_report_of_the_grid_has_what_is_looked_at_closer(store, network):
    columns, views, sheet = grid(store, network)
    rows = [methods()["cid"], methods()["saliency"]]
    for method, line in zip(rows, views, strict=True):
        for one, view in zip(columns, line, strict=True):
            store.results.put(asked_closer(method, one, CHEAP).key, view.value)

    def closely(**chosen: str) -> Page:
        found = looked_closer(store, rows, columns, views, GridChoice(**chosen), CHEAP)
        report = grid_report(store, sheet, columns, views, *HERE, found)
        assert len(report.plates) == 1 + len(found[0])
        for plate in found[0]:
            Image.open(io.BytesIO(plate.png)).verify()
        return Page(report_html(report))

    assert looked_closer(store, rows, columns, views, GridChoice(), CHEAP) == ((), ())
    gap = closely(closer="difference")
    assert "Difference: A CID · layer1.0; B CID · layer2.0" in gap.text
    assert "Mean of B − A (nats)" in gap.text
    assert "compares their orders" in closely(closer="difference", b="saliency.1").text
    low, high = np.quantile(views[0][0].value.values, (0.2, 0.8))
    assert re.search(
        r"Marked: \d+ of 16 values; \d+% of the object", closely(closer="histogram", marked=f"{low} {high}").text
    )
    agreed = closely(closer="agreement")
    assert "How far the methods agree: layer1.0" in agreed.text
    assert "CID and Saliency" in agreed.text
    missing = [[replace(view, state="waiting", value=None) for view in line] for line in views]
    for kind in ("difference", "histogram"):
        assert looked_closer(store, rows, columns, missing, GridChoice(closer=kind), CHEAP) == ((), ())


def test_what_is_looked_at_closer_may_be_on_the_disk_alone(network, tmp_path, monkeypatch):
    monkeypatch.setenv("RESULTS_HOME", str(tmp_path))
    monkeypatch.setenv("RESULTS_LIMIT", "64")
    store = Backend(torch.device("cpu"))
    try:
        columns, views, _ = grid(store, network)
        rows = [methods()["cid"], methods()["saliency"]]
        for method, view in zip(rows, (line[0] for line in views), strict=True):
            key = asked_closer(method, columns[0], CHEAP).key
            store.results.put(key, view.value)
            # There is no longer room for it.
            store.results.memory.drop(key)
        plates, tables = looked_closer(store, rows, columns, views, GridChoice(closer="agreement"), CHEAP)
        assert not plates
        assert [table.title for table in tables] == ["How far the methods agree: layer1.0"]
    finally:
        store.close()


def test_all_layers_have_a_picture_for_print_and_a_report(store, network):
    columns = [column(store, network, layer.name) for layer in network.layers[:3]]
    maps = [shown(store, one) for one in columns[:2]]
    views = [*(one.view for one in maps), View("", "missing")]
    line = replace(maps[0].line, cells=(maps[0].cell, maps[1].cell, "not computed"))
    layers = [one.layer for one in columns]
    curves = curves_of(network, columns[0].network_input, layers, views, "cid")
    report = layers_report(store, columns, views, line, curves, *HERE)
    assert len(report.plates) == 2
    page = Page(report_html(report))
    assert "layer1.0" in page.text
    assert len(run(code(notebook(report)))["maps"]) == 2
    picture = columns[0].network_input.picture, "cat 64%"
    names = [str(place) for place in range(13)]
    many = replace(line, cells=tuple(maps[0].cell for _ in names))
    with Image.open(io.BytesIO(strip_png("CID", "Cat", picture, names, many))) as image:
        assert image.info["dpi"] == pytest.approx((FEW, FEW), abs=0.1)
        assert image.height > 1.2 * image.width * 3 / 6.5, "three rows"


@pytest.mark.long
def test_both_parts_of_compare_are_reports(store, network):
    other = load_network("resnet32-cifar10")
    sides = [
        Side(letter, each.title, each, store.network_input(each, f"photo/cat~{OUTLINE}"), CHEAP)
        for letter, each in (("A", network), ("B", other))
    ]
    layer = network.layer("layer2.0")
    chosen = pair(layer, network, other)
    scene = Scene(*sides, chosen, "cid")
    found = {
        (side.letter, place): CID(side.network.module, place).explain(side.network_input.x[None], CHEAP)
        for side, place in zip(sides, (chosen.layer, chosen.partner), strict=True)
    }
    gap = difference(found["A", chosen.layer], found["B", chosen.partner], scene.parts)
    curves = pair_curves(scene, [chosen], [gap])
    report = pairs_report(scene, found, curves, "cpu", *HERE)
    assert "B − A" in Page(report_html(report)).text
    assert len(run(code(notebook(report)))["maps"]) == 2
    from app.compare.files import Compared

    first, second = report.cells
    what = Compared(first, second, gap, section(sides[0].network_input, scene.parts[0]), absolute_range(CHEAP.beta))
    page = Page(report_html(pair_report(scene, what, *HERE)))
    assert "The difference" in page.text
    assert "ResNet-32" in page.text


def test_what_cannot_be_loaded_again_is_said_in_the_code(one):
    text = programs([replace(one.cell, picture="upload/0", picture_title="a_b.png")])
    assert "your-picture.png" in "".join(text)
    assert plain("a_b\n*c*") == "a\\_b \\*c\\*"
