"""What Compare and Fairness give away: both maps, their difference, and curves over all layers."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from app.compare.files import Compared, compared_npz, compared_png
from app.compare.pairs import difference, pair
from app.compare.scene import Scene, Side
from app.compare.take import curves_of
from app.export.curves import UNSURE, curves_csv, curves_file
from app.export.picture import GAP, LEFT, RIGHT, SIDE, TOP
from app.export.record import taken
from app.fairness.take import curves_of as magnitudes_of
from app.figures.raster import palette
from app.inputs.columns import Column
from app.jobs.backend import Backend
from explainers import CID, CIDSettings, load_network
from explainers.methods.registry import methods
from tests.support.tables import rows_of

SETTINGS = CIDSettings(grid=8, refine=False, probes=32)
PICTURE = "bird/1"


@pytest.fixture(scope="module")
def sides() -> tuple[Side, Side]:
    store = Backend(torch.device("cpu"))
    networks = load_network("resnet20-cifar10"), load_network("resnet32-cifar10")
    made = [
        Side(letter, network.title, network, store.network_input(network, PICTURE), SETTINGS)
        for letter, network in zip("AB", networks, strict=True)
    ]
    store.close()
    return tuple(made)


def explained(side: Side, layer: str):
    return CID(side.network.module, side.network.layer(layer)).explain(side.network_input.x[None], SETTINGS)


@pytest.fixture(scope="module")
def compared(sides) -> Compared:
    results = [explained(side, "layer2.0") for side in sides]
    cells = [
        taken(
            methods()["cid"],
            Column("", "", side.network, side.network_input, side.network.layer("layer2.0")),
            found,
            0,
            "cpu",
        )
        for side, found in zip(sides, results, strict=True)
    ]
    return Compared(*cells, difference(*results), sides[0].network_input, (-4.0, -1.0))


def test_the_archive_holds_both_maps_and_their_difference(compared):
    with np.load(io.BytesIO(compared_npz(compared)), allow_pickle=False) as file:
        np.testing.assert_allclose(file["map_1"] - file["map_0"], file["difference"], atol=1e-6)
        assert np.abs(file["difference"]).max() > 0.01


def test_the_picture_for_print_has_the_colours_of_the_difference(compared):
    with Image.open(io.BytesIO(compared_png(compared))) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        pixels = np.asarray(image.convert("RGB")).astype(int)
    values, limit = compared.difference.values, compared.difference.limit
    corner = 300 * np.array([TOP, LEFT / 2 + 3 * (SIDE + GAP) + RIGHT - 0.1])
    for place in np.ndindex(values.shape):
        row, column = (corner + 300 * SIDE * (np.array(place) + 0.5) / 8).astype(int)
        share = (values[place] + limit) / (2 * limit)
        assert np.abs(pixels[row, column] - palette("RdBu_r")[round(float(share) * 255)]).max() <= 3


def test_curves_over_the_pairs_say_whose_layers_they_are_and_leave_gaps(sides):
    a, b = sides
    first, last = (pair(a.network.layer(name), a.network, b.network) for name in ("conv1", "fc"))
    other = pair(a.network.layer("conv1"), a.network, b.network, chosen="layer1.0")
    scene = Scene(a, b, first, "cid")
    found = difference(explained(a, "conv1"), explained(b, "conv1"))
    rows = rows_of(curves_csv(curves_of(scene, [first, other, last], [found, None, found])))
    assert [row["layer"] for row in rows] == ["conv1", "conv1 – layer1.0", "fc"]
    assert [row["B − A (nats)"] for row in rows] == [str(found.mean), "", str(found.mean)]
    axis = "mean CID (nats per input variable)"
    means = [float(rows[0][f"{side.letter}: {side.title}: {axis}"]) for side in sides]
    assert means[1] - means[0] == pytest.approx(found.mean)


def test_magnitudes_before_and_after_stand_on_their_own_axes_and_logarithms_on_linear_ones():
    means = np.array([[[-3.0, -2.0], [-3.0, np.nan]], [[1.0, 10.0], [4.0, 0.0]]])
    unsure = np.zeros((2, 2, 2), bool)
    unsure[0, :, 1] = True
    units = {"CID": "nats", "Grad-CAM": "score"}
    what = magnitudes_of("c = 4", "ResNet-20", ["conv1", "fc"], means, units, unsure)
    assert [curve.logarithmic for curve in what.curves] == [False, False, True, True]
    first, last = rows_of(curves_csv(what))
    assert list(first.values()) == ["conv1", "-3.0", "", "-3.0", "", "1.0", "4.0"]
    assert list(last.values()) == ["fc", "-2.0", UNSURE, "", UNSURE, "10.0", ""]
    assert curves_file(what, "pdf").startswith(b"%PDF-")
