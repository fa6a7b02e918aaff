"""Files to take away: read back with other programs' eyes, and the script run."""

import io
import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image

from app.explore.grid_choice import GridChoice
from app.explore.take import _grid_name, _sheet, line_of
from app.export import canvas
from app.export.arrays import cells_npz
from app.export.curves import Curve, Curves, curves_csv, curves_file
from app.export.film import DPI, film_gif
from app.export.names import cell_name
from app.export.picture import GAP, HEADS, LARGE, LEFT, SIDE, TOP, Line, Sheet, cell_figure, cell_png, sheet_png
from app.export.record import Taken, taken
from app.export.script import cell_script, cells_script
from app.export.table import NUMBERS, cells_csv, written
from app.figures.raster import palette
from app.inputs.columns import Column
from app.jobs.backend import Backend
from explainers import CIDSettings, absolute_range, load_checkpoint, load_network, network_catalogue
from explainers.methods.registry import methods
from explainers.methods.request import answer
from explainers.networks.catalogue import Network
from tests.support.places import ROOT
from tests.support.tables import rows_of

CHEAP = CIDSettings(grid=8, refine=False, probes=32, seed=5)
VIRIDIS = ("nats", False, "Viridis", absolute_range(CHEAP.beta))


def cell(
    store: Backend, network: Network, method: str, layer: str, picture: str = "bird/1", target: int | None = None
) -> Taken:
    """A map as the app's own jobs make it."""
    network_input, place = store.network_input(network, picture), network.layer(layer)
    found = answer(network_input.request(network, place, method, CHEAP, target))
    return taken(methods()[method], Column(layer, "", network, network_input, place), found, CHEAP.seed, "cpu")


@pytest.fixture(scope="module")
def cid(store, network) -> Taken:
    return cell(store, network, "cid", "layer1.2", "photo/cat@0.1,0,0.9,1")


@pytest.fixture(scope="module")
def ru(store, network) -> Taken:
    return cell(store, network, "ru", "layer3.2")


def run(script: str) -> dict[str, object]:
    told: dict[str, object] = {}
    exec(compile(script, "taken.py", "exec"), told)
    return told


def line(*cells: Taken | str) -> Line:
    unit, signed, scale, limits = VIRIDIS
    return Line("CID", unit, signed, scale, limits, cells)


# The film


@pytest.mark.long
def test_a_film_has_a_frame_for_each_layer_in_the_colours_of_one_scale(store, network):
    shown = [cell(store, network, "cid", layer) for layer in ("conv1", "layer2.0", "layer3.2")]
    film = Image.open(io.BytesIO(film_gif(shown, line(*shown))))
    assert film.n_frames == 3
    for place, one in enumerate(shown):
        film.seek(place)
        frame = np.asarray(film.convert("RGB"), int)
        exact = canvas.pixels(cell_figure(one, line(one)), DPI).astype(int)
        assert frame.shape == exact.shape
        # The middles of the map's cells, and the whole of the colour bar.
        side = LARGE * DPI
        left, top = (LEFT / 2 + LARGE + GAP) * DPI, TOP * DPI
        middles = [round((at + 0.5) * side / 8) for at in range(8)]
        rows, columns = np.ix_([round(top) + at for at in middles], [round(left) + at for at in middles])
        bar = np.s_[round(top + 0.1 * side) : round(top + 0.9 * side), round(left + side + 0.15 * DPI)]
        for part in ((rows, columns), bar):
            assert np.abs(frame[part] - exact[part]).max() <= 6
        assert np.abs(frame - exact).mean() < 8


# The script is the map


def test_the_script_of_a_part_of_a_photograph_gives_its_map(cid):
    script = cell_script(cid)
    assert 8 <= len(script.splitlines()) <= 14
    assert ".crop((45, 0, 406, 300))" in script
    np.testing.assert_allclose(run(script)["values"], cid.values, rtol=1e-5, atol=1e-5)


@pytest.mark.long
def test_the_script_of_ru_gives_its_map(ru):
    np.testing.assert_allclose(run(cell_script(ru))["values"], ru.values, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("method", "target"), [("grad_cam", None), ("grad_cam", 7), ("lime", 3), ("bottleneck", 1)])
def test_the_script_of_a_baseline_gives_its_map(store, network, method, target):
    found = cell(store, network, method, "layer3.2", target=target)
    assert np.abs(found.values).max() > 0
    np.testing.assert_allclose(
        run(cell_script(found))["values"], found.values, rtol=1e-4, atol=1e-6 * np.abs(found.values).max()
    )


def test_another_seed_is_another_script_and_another_map(store, network):
    found = cell(store, network, "lime", "layer3.2", target=3)
    other = replace(found, settings={"seed": CHEAP.seed + 1})
    assert np.abs(run(cell_script(other))["values"] - found.values).max() > 1e-3 * np.abs(found.values).max()


def test_the_script_of_the_grid_gives_all_maps_and_loads_a_network_once(store, network, cid):
    saliency = cell(store, network, "saliency", "layer1.2")
    cells = [cid, replace(cid, picture="photo/coffee", part="", picture_title="Coffee"), saliency]
    script = cells_script(cells)
    assert script.count("load_network(") == 1
    maps = run(script)["maps"]
    assert list(maps) == [(c.method, c.network, c.layer, c.picture_title) for c in cells]
    np.testing.assert_allclose(maps["cid", cid.network, "layer1.2", "Cat"], cid.values, rtol=1e-5, atol=1e-5)
    assert np.abs(maps["cid", cid.network, "layer1.2", "Coffee"] - cid.values).max() > 0.05
    found = maps["saliency", cid.network, "", "Cardinal (rendered)"]
    np.testing.assert_allclose(found, saliency.values, rtol=1e-4, atol=1e-7)


def test_an_upload_under_own_weights_needs_two_paths_put_in(store, tmp_path):
    entry = next(entry for entry in network_catalogue() if entry.name == "resnet20-cifar10")
    weights = ROOT / "assets" / "networks" / entry.file
    noise = np.random.default_rng(0).integers(0, 255, (70, 50, 3), dtype=np.uint8)
    picture = tmp_path / "noise.png"
    Image.fromarray(noise).save(picture)
    key = store.add_upload(picture.read_bytes(), "=1+1 my noise.png", "anna").key
    found = cell(store, load_checkpoint(entry.name, weights), "saliency", "layer1.2", f"{key}@0.1,0.2,0.9,1")
    script = cell_script(found)
    assert cell_name("py", found) == "resnet20-cifar10-own-weights-saliency-1-1-my-noise.py"
    script = script.replace("your-weights.safetensors", str(weights)).replace("your-picture.png", str(picture))
    assert script.count(str(tmp_path)) == 1
    np.testing.assert_allclose(run(script)["values"], found.values, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("across", "name", "title"),
    [
        ("layers", "resnet20-cifar10-photo-cat-grid", "ResNet-20, CIFAR-10"),
        ("pictures", "resnet20-cifar10-layer1.2-pictures-grid", "ResNet-20, CIFAR-10"),
        ("networks", "networks-photo-cat-grid", "Cat"),
    ],
)
def test_a_grid_is_called_by_what_its_columns_share(store, network, cid, ru, across, name, title):
    network_input = store.network_input(network, "photo/cat@0.1,0,0.9,1")
    columns = [Column("a", "b", network, network_input, network.layer("layer1.2"))] * 2
    assert _grid_name(columns[0], across) == name
    sheet = _sheet(
        [line(cid, replace(ru, settings=cid.settings, class_name="cat"))], columns, GridChoice(across=across)
    )
    assert sheet.title == title
    assert sheet.subtitle.endswith("class explained: cat · β = 1.5·10⁻⁴, seed 5")


# Pictures for print


def test_a_cell_as_png_has_300_dots_per_inch_and_the_colours_of_the_screen(cid):
    values = cid.values.copy()
    values[3, 4] = np.inf
    limits = VIRIDIS[-1]
    with Image.open(io.BytesIO(cell_png(replace(cid, values=values), line()))) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert cid.layer in image.info["Title"]
        pixels = np.asarray(image.convert("RGB")).astype(int)
    corner = 300 * np.array([TOP, LEFT / 2 + LARGE + GAP])
    for place in np.ndindex(values.shape):
        row, column = (corner + 300 * LARGE * (np.array(place) + 0.5) / 8).astype(int)
        around = pixels[row - 9 : row + 9, column - 9 : column + 9].reshape(-1, 3)
        if np.isinf(values[place]):
            assert np.ptp(around, axis=1).max() < 16, "grey"
            assert np.ptp(around, axis=0).max() > 20, "hatched"
        else:
            share = np.clip((values[place] - limits[0]) / (limits[1] - limits[0]), 0, 1)
            assert np.abs(around - palette("Viridis")[round(float(share) * 255)]).max() <= 3


def test_a_colour_bar_says_what_its_ends_mean(cid):
    made = cell_figure(cid, line_of(methods()["cid"], [cid], GridChoice(), CHEAP))
    assert made.axes[-1].get_ylabel() == "kept ← nats → thrown away"


def test_a_sheet_draws_every_map_and_says_why_one_is_missing(cid, ru):
    heads = (("layer1.2", "16×32×32"), ("layer3.2", "64×8×8"))
    signed = Line("LRP", "score", True, "RdBu_r", None, (replace(cid, values=cid.values + 3), "not $defined$ here"))
    data = sheet_png(Sheet("$ResNet$ <b>", "Cat_{x}", heads, (line(cid, ru), signed), 0.6))
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.asarray(image.convert("L")).astype(float)
    for row in range(2):
        for column in range(2):
            top, left = TOP + HEADS + row * (SIDE + 0.36 + GAP), LEFT + column * (SIDE + GAP)
            inside = pixels[int(300 * top) + 9 :, int(300 * left) + 9 :][: int(300 * SIDE) - 18, : int(300 * SIDE) - 18]
            white = (inside > 254).mean()
            assert white > 0.8 if (row, column) == (1, 1) else white < 0.2
            assert inside.std() > 1


# Arrays and numbers


def test_npz_gives_back_maps_pictures_and_settings_without_pickle(cid, ru):
    with np.load(
        io.BytesIO(cells_npz([cid, ru, replace(cid, values=cid.values + np.inf)])), allow_pickle=False
    ) as file:
        about = json.loads(str(file["about"]))
        first, second, third = about["cells"]
        assert file[first["arrays"]["map"]].dtype == np.float32
        np.testing.assert_array_equal(file[first["arrays"]["map"]], cid.values)
        np.testing.assert_array_equal(file[second["arrays"]["reconstruction"]], ru.reconstruction)
        np.testing.assert_array_equal(file[second["arrays"]["input"]], ru.x)
        np.testing.assert_array_equal(file[second["arrays"]["picture"]], ru.image)
        assert first["arrays"]["input"] == third["arrays"]["input"] != second["arrays"]["input"]
        assert np.isposinf(file[third["arrays"]["map"]]).all()
    assert CIDSettings(**first["settings"]) == CHEAP
    assert (first["picture"], first["part"], first["layer"]) == ("photo/cat", "0.1,0,0.9,1", "layer1.2")
    assert first["fingerprint"] == load_network(first["network"]).fingerprint
    assert second["decoder"]["digest"] == ru.decoder.digest
    assert second["versions"]["method"].startswith("ru ")


def test_one_cell_is_made_again_from_its_npz_alone(cid, network):
    from explainers import CID

    with np.load(io.BytesIO(cells_npz([cid])), allow_pickle=False) as file:
        about = json.loads(str(file["about"]))["cells"][0]
        x, known = torch.from_numpy(file["input"])[None], file["map"]
    entropy = CID(network.module, network.layer(about["layer"])).attribute(x, CIDSettings(**about["settings"]))
    np.testing.assert_allclose(entropy[0, 0, ::4, ::4].numpy(), known, rtol=1e-5, atol=1e-5)


def test_numbers_are_read_back_from_csv_with_units_in_the_header(cid, ru):
    first, second = rows_of(cells_csv([cid, ru]))
    assert float(first["mean (nats)"]) == cid.numbers["mean"]
    assert first["error of the reconstruction (RMSE, of 1)"] == ""
    assert float(second["error of the reconstruction (RMSE, of 1)"]) == ru.numbers["error"]
    assert int(first["forward passes"]) == cid.numbers["forward_passes"]
    assert (first["method"], first["solver"], second["picture"]) == ("CID", "two-stage", "Cardinal (rendered)")
    assert set(NUMBERS.values()) <= set(first)


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\n=1", "\r=1"])
def test_no_spreadsheet_runs_what_an_upload_is_called(cid, name):
    (row,) = rows_of(cells_csv([replace(cid, picture_title=name)]))
    assert row["picture"] == f"'{name}"
    assert float(row["smallest value (in the map's unit)"]) < 0, "numbers below zero stay numbers"


def test_text_with_commas_quotes_and_line_breaks_stays_one_field():
    assert rows_of(written([{"a": 'x,"y"\nz', "b": -1.5}])) == [{"a": 'x,"y"\nz', "b": "-1.5"}]


# Curves


CURVES = Curves(
    "CID of every layer & <more>",
    "Cat $x$",
    ("conv1", "layer_1", "fc"),
    (
        Curve("mean CID", "mean CID (nats)", (-3.0, None, -1.0), (0.1, None, 0.2)),
        Curve("concentration", "concentration (nats)", (0.1, 0.2, None)),
    ),
)


def test_curves_are_drawings_that_other_programs_read():
    root = ElementTree.fromstring(curves_file(CURVES, "svg"))
    assert CURVES.title in [element.text for element in root.iter() if element.tag.endswith("}title")]
    paths = {
        place: " ".join(path.get("d") for path in root.iterfind(f".//*[@id='curve-{place}']/{{*}}path"))
        for place in (1, 2)
    }
    assert "L" not in paths[1], "nothing is drawn across a gap"
    assert paths[2].count("L") == 1
    pdf = curves_file(CURVES, "pdf")
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")


def test_curves_as_csv_leave_gaps_empty():
    assert [list(row.values()) for row in rows_of(curves_csv(CURVES))] == [
        ["conv1", "-3.0", "0.1", "0.1"],
        ["layer_1", "", "", "0.2"],
        ["fc", "-1.0", "0.2", ""],
    ]
