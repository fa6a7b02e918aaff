"""The compare page: differences that obey their laws, layers that find their partners, links and weights files."""

import base64
import json
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from streamlit.testing.v1 import AppTest
from torch import nn
from torch.nn.utils import prune

from app.compare.choice import Choice
from app.compare.layers import table_errors, table_rows
from app.compare.pairs import (
    Pair,
    common_cells,
    common_settings,
    difference,
    overlap,
    own_cells,
    pair,
    parts,
    same_layers,
    scale_gap,
    section,
    section_mean,
    seen,
)
from app.figures.compare import Curve, curves_figure, difference_figure
from app.figures.style import LIGHT
from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from app.jobs.backend import the_backend
from app.words import known, read
from explainers import CID, CIDResult, CIDSettings
from explainers.grid import resolve_grid
from explainers.networks.catalogue import Network, load_network
from tests.support.pages import drawn, page, says, until
from tests.support.places import ROOT

QUICK = CIDSettings(grid=8, refine=False)
CHEAP = {
    "network": "resnet20-cifar10",
    "other": "resnet32-cifar10",
    "refine": "False",
    "grid": "4",
    "layer": "layer1.0",
}


@cache
def network(name: str) -> Network:
    return load_network(name)


@cache
def result(name: str, layer: str, picture: str = "bird/1", settings: CIDSettings = QUICK) -> CIDResult:
    net = network(name)
    network_input = prepare(net, find_picture(picture, net.input_size[0]))
    return CID(net.module, net.layer(layer)).explain(network_input.x[None], settings)


def with_cells(cells: np.ndarray, error: float = 0.01) -> CIDResult:
    """A result whose map is `cells`."""
    entropy = torch.from_numpy(cells)[None, None].float()
    some = result("resnet20-cifar10", "layer1.0")
    return replace(some, entropy=entropy, sigma=entropy.exp(), mean_error=torch.tensor([error]))


# Differences


def test_a_network_against_itself_differs_by_exactly_nothing():
    a = result("resnet20-cifar10", "layer2.1")
    found = difference(a, a)
    assert (found.values == 0).all()
    assert found.mean == found.error == 0
    assert found.mean_a == found.mean_b == pytest.approx(float(a.mean[0]), abs=1e-5)


def test_swapped_networks_give_the_negative():
    a, b = result("resnet20-cifar10", "layer2.1"), result("resnet32-cifar10", "layer2.1")
    there, back = difference(a, b), difference(b, a)
    assert (there.values == -back.values).all()
    assert there.mean == -back.mean != 0
    assert there.error == back.error > 0
    assert there.limit == back.limit == np.abs(there.values).max()
    assert there.mean == pytest.approx(float(b.mean[0] - a.mean[0]), abs=1e-5)


def test_what_one_layer_does_not_use_has_no_difference_and_counts_in_no_mean():
    a = with_cells(np.array([[1.0, np.inf], [3.0, np.inf]]))
    b = with_cells(np.array([[2.0, 5.0], [np.inf, np.inf]]))
    found = difference(a, b)
    assert found.values[0].tolist() == [1.0, -np.inf]
    assert found.values[1, 0] == np.inf
    assert np.isnan(found.values[1, 1])
    assert (found.mean_a, found.mean_b, found.mean) == (1, 2, 1)
    nothing = difference(with_cells(np.full((2, 2), np.inf)), b)
    assert math.isnan(nothing.mean)


def test_the_error_is_that_of_independent_maps():
    found = difference(with_cells(np.zeros((2, 2)), 0.03), with_cells(np.ones((2, 2)), 0.04))
    assert found.error == pytest.approx(0.05, rel=0.01)
    assert found.error > 0.05, "what the constraint tells comes on top of the standard errors"


def test_no_difference_is_told_where_a_closed_form_does_not_meet_its_constraint():
    """As of AlexNet's fc6, where the closed form's noise moves the feature 21.9 times as far as it may."""
    a, b = result("resnet20-cifar10", "layer2.1"), result("resnet32-cifar10", "layer2.1")
    off = replace(b, constraint=torch.tensor([21.9]), converged=torch.tensor([False]))
    assert difference(a, b).certain
    found = difference(a, off)
    assert found.unsure == ("B",)
    assert found.error >= 0.5 * math.log(21.9)
    layer = network("resnet20-cifar10").layer("layer2.1")
    one = Pair(layer, layer, "name")
    maps = {("A", layer): a, ("B", layer): off}
    (row,) = table_rows([one], [found], maps)
    assert row["B − A (nats)"] is row["± error (nats)"] is None
    assert row["uncertain"] == "B by 1.5 nats or more"
    # A mean that may be wrong by a nat and a half has no decimals.
    errors = table_errors([one], [found], maps)
    assert known(float(off.mean[0]), errors["mean of B (nats)"][0], 4).startswith("about ")
    assert "about" not in known(float(a.mean[0]), errors["mean of A (nats)"][0], 4)
    (row,) = table_rows([one], [difference(a, b)], {("A", layer): a, ("B", layer): b})
    assert row["B − A (nats)"] == difference(a, b).mean
    assert row["± error (nats)"] > 0
    assert row["uncertain"] == ""
    # Where nobody has measured what a map loses, its error leaves that out.
    unknown = replace(b, loss=torch.full((1,), math.nan))
    assert "B" in difference(a, unknown).more


def test_scaling_the_input_of_a_linear_network_moves_no_map():
    """Why maps stay in network units: σ is set against noise of √β in those units."""
    x = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(nn.Flatten(), nn.Linear(192, 6))

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x):
            return self.net(4 * x)

    plain = CID(net, net[1]).attribute(x, refine=False)
    scaled_net = Scaled()
    scaled = CID(scaled_net, scaled_net.net[1]).attribute(x / 4, refine=False)
    assert torch.allclose(plain, scaled, atol=1e-5)


# One section, one grid of cells


def test_common_cells_keep_a_map_that_is_on_them_already():
    cells = np.random.default_rng(0).normal(size=(7, 7)).astype(np.float32)
    assert (common_cells(cells, 1.0, 7) == cells).all()


@pytest.mark.parametrize(("count", "part"), [(1, 1.0), (3, 1.0), (5, 0.875), (2, 0.3)])
def test_common_cells_keep_a_constant_and_a_slope(count, part):
    assert common_cells(np.full((8, 8), 2.5), part, count) == pytest.approx(np.full((count, count), 2.5))
    slope = np.tile((np.arange(800) + 0.5) / 800, (800, 1))
    centres = 0.5 - part / 2 + part * (np.arange(count) + 0.5) / count
    assert common_cells(slope, part, count)[0] == pytest.approx(centres, abs=2e-3)
    assert overlap(8, part, count).sum(1) == pytest.approx(np.ones(count))


def test_networks_of_other_sizes_are_compared_on_the_coarser_grid_and_the_mean_survives():
    a, b = result("resnet20-cifar10", "conv1"), result("alexnet-birds", "conv1", settings=replace(QUICK, grid=16))
    found = difference(a, b)
    assert found.values.shape == (8, 8)
    assert found.mean_b == pytest.approx(float(b.mean[0]), abs=1e-4)


@pytest.mark.parametrize("sides", [(32, 32), (32, 64), (64, 224), (224, 192)])
@pytest.mark.parametrize("grid", [None, 8, 28])
def test_both_maps_have_one_number_of_cells_that_divides_both_pictures(sides, grid):
    settings = common_settings(CIDSettings(grid=grid), *sides)
    counts = {resolve_grid(settings.grid, side, side) for side in sides}
    assert len(counts) == 1
    assert settings == common_settings(settings, *sides)


def test_of_two_sections_the_smaller_one_is_looked_at():
    a = network("resnet20-cifar10")
    b = replace(a, preprocessing=replace(a.preprocessing, resize=40, crop=32))
    assert (seen(a), seen(b), parts(a, b)) == (1, 0.8, (0.8, 1))
    cells = np.full((10, 10), 9.0)
    cells[1:9, 1:9] = 1
    found = difference(with_cells(cells), with_cells(np.full((8, 8), 3.0)), parts(a, b))
    assert found.values == pytest.approx(np.full((8, 8), 2.0))
    assert section_mean(with_cells(cells), 0.8) == pytest.approx(1)
    assert own_cells(with_cells(cells), 0.8).shape == (8, 8)


def test_picture_mask_and_box_are_cut_to_the_section():
    network_input = prepare(network("resnet20-cifar10"), find_picture("bird/1", 32))
    assert network_input.box is not None
    cut = section(network_input, 0.5)
    assert cut.size == cut.mask.shape == cut.x.shape[1:] == (16, 16)
    assert (cut.picture == network_input.picture[8:24, 8:24]).all()
    x0, y0, x1, y1 = network_input.box
    assert cut.box == (max(x0 - 8, 0), max(y0 - 8, 0), min(x1 - 8, 16), min(y1 - 8, 16))
    assert section(network_input, 1.0).box == network_input.box
    assert section(replace(network_input, box=(0, 0, 4, 4)), 0.5).box is None


def test_units_of_two_normalisations_differ_by_a_constant():
    a, b = network("resnet20-cifar10"), network("alexnet-birds")
    assert scale_gap(a, a) == 0
    assert scale_gap(a, b) == -scale_gap(b, a) != 0


# Layers and their partners


def test_the_same_network_pairs_every_layer_with_itself():
    net = network("resnet20-cifar10")
    assert all(pair(layer, net, net).partner == layer and pair(layer, net, net).rule == "name" for layer in net.layers)
    assert same_layers(net, net)


def test_layers_are_paired_by_name_else_by_depth_else_by_hand():
    a, b = network("resnet20-cifar10"), network("alexnet-birds")
    assert not same_layers(a, b)
    assert pair(a.layer("conv1"), a, b).rule == "name"
    middle, last = pair(a.layer("layer2.1"), a, b), pair(a.layers[-1], a, b)
    assert middle.rule == last.rule == "depth"
    assert last.partner == b.layers[-1]
    share, other = middle.shares(a, b)
    assert abs(share - other) <= 0.5 / (len(b.layers) - 1) + 1e-9
    chosen = pair(a.layer("conv1"), a, b, "fc8")
    assert (chosen.partner.name, chosen.rule) == ("fc8", "chosen")


# Figures


def test_the_scale_of_a_difference_is_symmetric_about_zero_and_crosses_what_is_not_finite():
    found = difference(
        with_cells(np.array([[0.0, 1.0], [np.inf, 2.0]])), with_cells(np.array([[0.5, 0.0], [0.0, 2.0]]))
    )
    figure = difference_figure(found.values, (32, 32), found.limit, LIGHT)
    heat = figure.data[0]
    assert (heat.zmin, heat.zmax, heat.zmid) == (-1, 1, 0)
    assert figure.data[1].name == "unbounded in A or B (1 cells)"


def test_curves_stand_on_names_where_layers_are_the_same_and_on_depth_where_not():
    a = Curve("A", ("x", "y", "z"), (1.0, 2.0, math.nan), (0.1, math.nan, math.nan))
    b = Curve("B", ("x", "y"), (1.5, 2.5), (0.0, 0.0))
    named = curves_figure(a, a, (0, 0.5, math.nan), True, LIGHT, "CID", "y")
    assert list(named.data[0].x) == ["x", "y", "z"]
    assert named.layout.shapes[-1].x0 == 1
    unsure = curves_figure(replace(a, unsure=(False, True, False)), a, (0, math.nan, math.nan), True, LIGHT, "CID")
    assert list(unsure.data[0].marker.symbol) == ["circle", "circle-open", "circle"]
    assert unsure.data[1].marker.symbol == "diamond"
    told = curves_figure(replace(a, told=("1.0", "at least 2", "")), a, (0, math.nan, math.nan), True, LIGHT, "RU")
    assert list(told.data[0].text) == ["1.0", "at least 2", ""]
    assert list(told.data[1].text) == ["1.000", "2.000", "–"]
    depth = curves_figure(a, b, (0.5, 0.5, math.nan), False, LIGHT, "CID", "z")
    assert list(depth.data[0].x) == [0, 0.5, 1]
    assert list(depth.data[1].x) == [0, 1]
    assert depth.layout.shapes[-1].x0 == 1


# Links


def test_a_choice_survives_its_address():
    chosen = Choice("resnet32-cifar10", "layer1.2", "layer1.0", "ru", "full", "fixed")
    query = chosen.to_query("layer1.0") | {"layer": "layer1.0"}
    assert Choice.from_query(query) == chosen
    assert "partner" not in chosen.to_query("layer2.0")
    assert Choice(other="own/12").to_query(None) == {"other": "own"}


# The page


def visit(**query: str) -> AppTest:
    return page("compare", **CHEAP | query).run()


def done(at: AppTest) -> bool:
    return says(at, "mean CID differs by")


def gap(at: AppTest) -> float:
    (value,) = [metric.value for metric in at.metric if metric.label == "Mean of B − A (nats)"]
    return read(value)


def weights(name: str, amount: float = 0.0) -> bytes:
    """A shipped network's weights, a share of each convolution's smallest ones set to zero."""
    state = load((ROOT / "assets" / "networks" / f"{name}.safetensors").read_bytes())
    if amount:
        module = load_network(name).module
        for part in module.modules():
            if isinstance(part, nn.Conv2d):
                prune.remove(prune.l1_unstructured(part, "weight", amount), "weight")
        state = {key: value.contiguous() for key, value in module.state_dict().items()}
    return save(state)


def test_two_networks_their_difference_and_the_swap(fresh_backend):
    at = until(visit(), done)
    assert says(at, "have the same name")
    there = gap(at)
    assert there != 0
    assert len(at.get("plotly_chart")) == 6
    assert at.query_params["other"] in ("resnet32-cifar10", ["resnet32-cifar10"])
    at.button(key="compare_swap").click().run()
    until(at, done)
    assert at.session_state["selection"].network == "resnet32-cifar10"
    assert gap(at) == -there
    at.button(key="compare_swap").click().run()
    assert gap(until(at, done)) == there


def test_a_network_against_itself_on_the_page(fresh_backend):
    at = until(visit(other="resnet20-cifar10"), done)
    assert gap(at) == 0
    assert says(at, "differs by 0 nats")


@pytest.mark.long
def test_one_name_at_two_depths_is_said(fresh_backend):
    at = until(visit(layer="layer3.2", other="resnet44-cifar10"), done)
    assert says(at, "have the same name")
    assert says(at, "of the way: part of the difference")
    assert not says(until(visit(other="resnet20-cifar10"), done), "of the way: part")


@pytest.mark.long
def test_a_partner_by_hand_stands_in_the_address_and_goes_with_its_layer(fresh_backend):
    at = until(visit(), done)
    at.selectbox(key="w_compare_partner").set_value("layer1.1").run()
    until(at, lambda at: done(at) and says(at, "**layer1.1** of B"))
    assert says(at, "chosen by hand")
    assert at.query_params["partner"] in ("layer1.1", ["layer1.1"])
    at.select_slider(key="w_layer").set_value("layer1.2").run()
    until(at, lambda at: done(at) and says(at, "**layer1.2** of B"))
    assert "partner" not in at.query_params


@pytest.mark.long
def test_a_bad_link_is_one_sentence_that_goes_with_the_first_change(fresh_backend):
    at = until(visit(other="resnet9", layer="nowhere", metric="sid", partner="x"), done)
    (warning,) = at.warning
    for part in ("network B `resnet9`", "metric `sid`", "layer of A `nowhere`", "layer of B `x`"):
        assert part in warning.value
    assert warning.value.count(". ") == 0
    assert at.query_params["other"] in ("resnet32-cifar10", ["resnet32-cifar10"])
    assert not {"metric", "partner"} & set(at.query_params)
    at.run()
    assert len(at.warning) == 1
    at.selectbox(key="w_grid").set_value(8).run()
    at.run()
    assert not at.warning


def test_an_uploaded_picture_of_another_visitor_falls_back(fresh_backend):
    at = until(visit(picture="upload/0123"), done)
    assert "picture `upload/0123`" in at.warning[0].value


@pytest.mark.long
def test_weights_before_and_after_pruning(fresh_backend):
    at = until(visit(), done)
    at.selectbox(key="w_compare_architecture").set_value("resnet20-cifar10").run()
    at.file_uploader(key="w_compare_weights_a").set_value(("whole.safetensors", weights("resnet20-cifar10"), "")).run()
    pruned = ("pruned.safetensors", weights("resnet20-cifar10", 0.8), "")
    at.file_uploader(key="w_compare_weights_b").set_value(pruned).run()
    until(at, lambda at: done(at) and says(at, "**B** · pruned"))
    assert says(at, "**A** · whole")
    assert says(at, "have the same name")
    assert gap(at) != 0
    assert at.session_state["compare"].other.startswith("own/")
    assert at.query_params["other"] in ("own", ["own"])
    assert at.query_params["network"] in ("own", ["own"])


def test_weights_that_do_not_fit_are_one_sentence_and_leave_a_way_back(fresh_backend):
    at = visit()
    at.selectbox(key="w_compare_architecture").set_value("resnet20-cifar10").run()
    at.file_uploader(key="w_compare_weights_b").set_value(("bad.pt", b"no weights", "")).run()
    until(at, lambda at: says(at, "Expected a .safetensors file"))
    at.button(key="load_other_again").click().run()
    until(at, done)
    assert at.session_state["compare"].other == "resnet32-cifar10"


def test_ru_without_decoders_says_which_layer_lacks_one(fresh_backend):
    at = until(visit(metric="ru"), lambda at: says(at, "RU needs a decoder"))
    assert says(at, "there is none: layer1.0 of A and layer1.0 of B")
    assert says(at, "have them: conv1, ")


@pytest.mark.long
def test_ru_of_two_layers_that_have_decoders(fresh_backend):
    at = until(visit(metric="ru", layer="conv1"), lambda at: says(at, "mean RU differs by"))
    assert says(at, "compares decoders as much as layers")
    assert gap(at) != 0
    at.button(key="compare_layers_again").click().run()
    until(at, lambda at: says(at, "All 10 maps"))
    # Nobody has measured how far these maps lie below their maximum: both curves and their caption say so.
    assert says(at, "the least that they can be")
    for curve in drawn(at, "compare_curves")["data"][:2]:
        assert sum(told.startswith("at least −") for told in curve["text"]) == 5


def test_networks_of_other_input_sizes_are_compared_on_one_grid_and_the_page_says_so(fresh_backend):
    at = until(visit(other="alexnet-birds", grid="8"), done)
    assert says(at, "A works with 32×32 pixels and B with 64×64")
    assert says(at, "8×8 cells")


@pytest.mark.long
def test_curves_of_both_fill_in_and_every_pair_stands_in_the_table(fresh_backend):
    at = until(visit(other="resnet20-cifar10"), done)
    assert says(at, "of 24 maps of both networks")
    at.button(key="compare_layers_again").click().run()
    until(at, lambda at: says(at, "All 24 maps"))
    (table,) = at.dataframe
    assert len(table.value) == 12
    assert (table.value["B − A (nats)"] == 0).all()
    assert not says(at, "the least that they can be")
    assert (table.value["layer of A"] == table.value["layer of B"]).all()
    assert the_backend().maps.job("nothing") is None
    # A pixel that is marked is drawn through both networks, with the values of their maps.
    assert "figure_compare_pixel" not in str([chart.proto.id for chart in at.get("plotly_chart")])
    at.session_state["compare"] = replace(at.session_state["compare"], pin="20 9")
    at.run()
    assert says(at, "CID at row 20, column 9")
    (pixel,) = (json.loads(c.proto.spec) for c in at.get("plotly_chart") if c.proto.id.endswith("figure_compare_pixel"))
    a, b, gap = pixel["data"]
    assert len(numbers(a["y"])) == 12
    place = [str(name) for name in a["customdata"]].index("layer1.0")
    shown = result("resnet20-cifar10", "layer1.0", settings=CIDSettings(grid=4, refine=False))
    assert numbers(a["y"])[place] == pytest.approx(shown.values[20 * 4 // 32, 9 * 4 // 32], abs=1e-4)
    partner = [str(name) for name in b["customdata"]].index("layer1.0")
    assert numbers(gap["y"])[place] == pytest.approx(numbers(b["y"])[partner] - numbers(a["y"])[place], abs=1e-6)


def numbers(values) -> list[float]:
    """Of a chart, as they travel."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).tolist()
    return [math.nan if value is None else value for value in values]


def test_cancel_stops_both_maps_and_go_on_resumes_them(fresh_backend):
    at = visit(refine="True", grid="32", layer="fc")
    until(at, lambda at: any(button.key == "compare_cancel" for button in at.button))
    jobs = list(the_backend().maps._jobs.values())
    assert jobs
    at.button(key="compare_cancel").click().run()
    assert says(at, "Cancelled: a difference needs both maps")
    assert all(job.ended.wait(60) and job.state == "cancelled" for job in jobs)
    at.button(key="compare_again").click().run()
    assert the_backend().maps._jobs
    the_backend().maps.close()


def test_another_layer_ends_the_work_on_the_first_pair(fresh_backend):
    at = visit(refine="True", grid="32", layer="fc")
    jobs = list(the_backend().maps._jobs.values())
    assert jobs
    at.select_slider(key="w_layer").set_value("conv1").run()
    assert all(job.ended.wait(60) and job.state == "cancelled" for job in jobs)
    the_backend().maps.close()
