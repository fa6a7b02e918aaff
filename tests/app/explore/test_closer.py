"""Below the grid: differences, values and agreement of its maps, without a browser on cheap settings."""

import base64
import json
import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.explore.agreement import pairs, table
from app.explore.grid_choice import GridChoice
from app.jobs.backend import View
from explainers.evaluation.alike import common_shape, on_cells, rank_correlation, shares_below
from explainers.methods.registry import methods
from tests.support.pages import address, metrics, page, says, until

CHEAP = {
    "network": "resnet20-cifar10",
    "refine": "False",
    "grid": "8",
    "layers": "conv1 layer1.0",
    "methods": "cid grad_cam saliency",
}

pytestmark = pytest.mark.usefixtures("fresh_backend")


def ready(at: AppTest) -> bool:
    return says(at, "All 5 maps are ready")


def visit(**query: str) -> AppTest:
    at = until(page(**CHEAP | query).run(), ready)
    # What a whole page draws once the grid is there.
    return at.run()


def figures(at: AppTest) -> dict[str, dict]:
    """The charts by what they are said to show."""
    return {
        chart.proto.alt or str(place): json.loads(chart.proto.spec)
        for place, chart in enumerate(at.get("plotly_chart"))
    }


def values(figure: dict) -> np.ndarray:
    (z,) = [trace["z"] for trace in figure["data"] if trace["type"] == "heatmap"][:1]
    if isinstance(z, dict):
        shape = [int(side) for side in z["shape"].split(",")]
        return np.frombuffer(base64.b64decode(z["bdata"]), z["dtype"]).reshape(shape).astype(float)
    return np.array(z, float)


@pytest.mark.long
def test_nothing_is_looked_at_closer_until_somebody_asks():
    at = visit()
    assert len(at.get("plotly_chart")) == 1
    at.button_group(key="w_closer").set_value("difference").run()
    assert len(at.get("plotly_chart")) == 5
    assert at.query_params["closer"] in ("difference", ["difference"])


def test_the_difference_of_two_layers_is_b_minus_a_in_nats_cell_by_cell():
    found = figures(visit(closer="difference", a="cid.1", b="cid.2"))
    a, b = values(found["Map A: CID · conv1"]), values(found["Map B: CID · layer1.0"])
    gap = values(found["Difference of map B and map A about zero"])
    assert a.shape == (8, 8)
    np.testing.assert_allclose(gap, b - a, atol=1e-6)
    (points,) = [trace for trace in found["Values of B against values of A"]["data"] if trace["mode"] == "markers"]
    assert len(points["customdata"]["bdata"]) > 0
    assert found["Map A: CID · conv1"]["data"][0]["zmin"] == found["Map B: CID · layer1.0"]["data"][0]["zmin"]


def test_a_mean_of_differences_has_its_error_and_the_decimals_that_leaves(monkeypatch):
    for error, pattern in ((0.012, r"[+−]\d\.\d\d ± 0\.02"), (0.34, r"[+−]\d\.\d ± 0\.5")):
        monkeypatch.setattr("app.explore.difference.mean_uncertainty", lambda said, error=error: error)
        at = visit(closer="difference", a="cid.1", b="cid.2")
        assert re.fullmatch(pattern, metrics(at)["Mean of B − A (nats)"])


def test_maps_in_different_units_are_compared_by_their_order_of_what_matters():
    at = visit(closer="difference", a="cid.1", b="saliency.1")
    found = figures(at)
    a, b = values(found["Map A: CID · conv1"]), values(found["Map B: Saliency"])
    assert (a.min(), b.min()) >= (0, 0)
    assert (a.max(), b.max()) <= (1, 1)
    assert says(at, "different units")
    said = float(metrics(at)["Rank correlation"].replace("−", "-"))
    assert said == pytest.approx(rank_correlation(a, b), abs=0.006)


def test_a_map_against_itself_differs_by_nothing():
    at = visit(closer="difference", a="cid.1", b="cid.1")
    assert metrics(at)["Mean of B − A (nats)"] == "0"
    assert metrics(at)["Rank correlation"] == "1.00"
    assert metrics(at)["Overlap of the top tenth"] == "100%"


def test_a_closed_form_that_misses_its_constraint_has_no_difference(monkeypatch):
    monkeypatch.setattr("app.explore.difference.is_certain", lambda numbers: False)
    at = visit(closer="difference", a="cid.1", b="cid.2")
    assert says(at, "No difference is told")
    assert "Mean of B − A (nats)" not in metrics(at)
    assert "Difference of map B and map A about zero" not in figures(at)


def test_a_map_that_is_not_ready_says_so():
    at = page(
        **CHEAP | {"closer": "difference", "refine": "True", "grid": "32", "layers": "fc", "methods": "cid"}
    ).run()
    assert says(at, "Not ready yet: CID · fc")
    at.button(key="grid_cancel").click().run()


@pytest.mark.long
def test_values_are_counted_on_the_object_and_around_it_and_a_range_veils_the_rest(monkeypatch):
    at = visit(closer="histogram", a="cid.1")
    found = figures(at)
    bars = found["Histogram of CID · conv1 for object and background"]["data"]
    assert [trace["name"] for trace in bars] == ["object", "background"]
    assert says(at, "64 values, all marked")
    low, high = at.select_slider(key="w_marked_from").value, at.select_slider(key="w_marked_to").value
    middle = float(f"{np.linspace(low, high, 41)[20]:.6g}")
    at.select_slider(key="w_marked_to").set_value(middle).run()
    assert address(at)["marked"] == f"{low:.6g} {middle:.6g}"
    shown = values(figures(at)["The map, marked pixels alone"])
    inside = int((shown <= middle).sum())
    assert says(at, f"Marked: {inside:,} of 64 values")
    (veil,) = [t for t in figures(at)["The map, marked pixels alone"]["data"] if t.get("name") == "not marked"]
    assert "showscale" in veil
    at.button(key="closer_all").click().run()
    assert says(at, "64 values, all marked")
    assert "marked" not in at.query_params
    assert not says(at, "not to be relied on")
    monkeypatch.setattr("app.explore.histogram.is_certain", lambda said: False)
    assert says(at.run(), "not to be relied on")


def test_agreement_of_this_picture_is_that_of_the_maps_in_the_grid():
    at = visit(closer="agreement", a="cid.2")
    (chart,) = [figure for alt, figure in figures(at).items() if alt.startswith("Rank correlation")]
    titles = chart["data"][0]["x"]
    shown = values(chart)
    assert titles == ["CID", "Saliency", "Grad-CAM"]
    assert np.array_equal(shown, shown.T, equal_nan=True)
    assert np.diag(shown).tolist() == [1, 1, 1]
    assert says(at, "From 3 maps, all ready")


@pytest.mark.long
def test_over_several_pictures_what_is_missing_is_computed_when_asked_for():
    at = visit(closer="agreement", a="cid.1", over="6", methods="grad_cam saliency cid")
    assert says(at, "3 of 18 maps of 6 pictures are known")
    at.button(key="agreement_again").click().run()
    until(at, lambda at: says(at, "From 18 maps, all ready"), every=1.0)
    at.run()
    (chart,) = [figure for alt, figure in figures(at).items() if alt.startswith("Rank correlation")]
    assert "mean over 6 pictures" in json.dumps(chart)


def results(*maps: np.ndarray | None) -> list[View]:
    class Found:
        def __init__(self, values: np.ndarray) -> None:
            self.values, self.numbers = values, {}

    return [View("", "missing") if one is None else View("", "done", Found(one)) for one in maps]


def test_pairs_turn_entropies_and_leave_out_what_is_missing():
    cid, saliency = methods()["cid"], methods()["saliency"]
    order = np.arange(16.0).reshape(4, 4)
    found = pairs([cid, saliency], [results(-order, order), results(order, order), results(order, None)])
    (pair,) = found
    assert pair.ranks == (1.0, -1.0)
    assert pair.tops == (pytest.approx(1.0), pytest.approx(0.0))
    (row,) = table(["CID", "Saliency"], found, 3)
    assert row["methods"] == "CID and Saliency"
    assert row["rank correlation"] == 0
    assert (row["95 % from"], row["95 % to"], row["pictures"]) == (-1, 1, 2)


def test_cells_of_two_sizes_are_brought_to_those_they_share():
    fine, coarse = np.arange(64.0).reshape(8, 8), np.arange(16.0).reshape(4, 4)
    shape = common_shape(fine.shape, coarse.shape)
    assert shape == (4, 4)
    assert rank_correlation(shares_below(on_cells(fine, shape)), coarse) == 1


@pytest.mark.parametrize("marked", ["-- 1", "nan 1", "1", "1 2 3", "1e999 2", "²3 1", "-2.5 1e-05", "-300 1e+06"])
def test_a_range_in_a_link_is_one_of_two_numbers_or_left_out(marked):
    taken = GridChoice.from_query({"marked": marked}).marked
    assert taken in ("", marked)
    assert all(np.isfinite(float(end)) for end in taken.split())
    assert (taken == marked) == (marked in ("-2.5 1e-05", "-300 1e+06"))
