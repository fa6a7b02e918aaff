"""What lies beyond a scale is marked and counted wherever nats are drawn, and the scale says what its ends mean."""

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.figures.ends import ENDS, beyond, beyond_words
from app.figures.fairness import triple_figure
from app.figures.grid import Cell, Head, Row, Style, grid_figure, row_limits
from app.figures.layers import strip_figure
from app.figures.learn import Panel, row_figure
from app.figures.maps import nats_figure, unit_figure
from app.figures.raster import grey
from app.figures.style import LIGHT, NATS_SCALE, SIGNED_SCALE
from explainers.methods.entropies import ENTROPIES

LIMITS = (-4.0, 1.0)
HEAD = Head("fc6", "256", "fc6", "data:,", (8, 8))
CELLS = st.one_of(st.floats(-9, 9), st.just(np.inf))


def cells() -> np.ndarray:
    """Three of 64 below the scale, one above, one unbounded."""
    values = np.full((8, 8), -2.0)
    values[0, :3], values[1, 0], values[7, 7] = -5.3, 1.5, np.inf
    return values


def figures() -> dict:
    values = cells()
    row = Row("CID", "…", "nats", False, (Cell(values, "mean −2 nats<br>1 s"),), LIMITS, ENDS["cid"])
    return {
        "one layer": nats_figure(values, (8, 8), LIMITS, LIGHT, ends=ENDS["cid"]),
        "grid": grid_figure([row], [HEAD], Style(), LIGHT),
        "all layers": strip_figure(["fc6"], [values], (8, 8), LIMITS, LIGHT, ends=ENDS["cid"]),
        "rescaling": triple_figure(values[None], ["before"], "nats", LIMITS, LIGHT, ends=ENDS["cid"]),
        "lesson": row_figure([Panel("CID", values)], LIGHT, LIMITS),
    }


@given(arrays(float, (4, 4), elements=CELLS), st.floats(-3, 0), st.floats(0.5, 3))
def test_every_cell_is_below_within_above_or_unbounded(values, low, width):
    limits = (low, low + width)
    below, above = beyond(values, limits)
    assert not (below & above).any()
    assert not (below | above)[~np.isfinite(values)].any()
    inside = np.isfinite(values) & ~below & ~above
    assert ((values[inside] >= low - 1e-5) & (values[inside] <= low + width + 1e-5)).all()
    assert (beyond_words([values], limits) == "") == (not (below | above).any())


@pytest.mark.parametrize("name", figures())
def test_cells_beyond_the_scale_are_marked_and_counted(name):
    figure = figures()[name]
    marks = {trace.marker.symbol: trace for trace in figure.data if trace.name == "beyond the scale"}
    assert len(marks["triangle-down"].x) == 3
    assert len(marks["triangle-up"].x) == 1
    assert sorted(zip(marks["triangle-down"].x, marks["triangle-down"].y, strict=True)) == [(0, 0), (1, 0), (2, 0)]
    said = figure.to_json()
    assert "\\u25bc 3" in said or "▼ 3" in said
    assert "\\u25b2 1" in said or "▲ 1" in said


@pytest.mark.parametrize("name", figures())
def test_the_scale_says_what_little_and_much_mean(name):
    said = figures()[name].to_json()
    assert all(word in said for word in ENDS["cid"])


def test_every_entropy_has_words_for_its_ends():
    assert ENDS.keys() == ENTROPIES.keys()


def test_a_map_within_its_scale_has_no_marks():
    figure = nats_figure(np.full((8, 8), -2.0), (8, 8), LIMITS, LIGHT)
    assert not [trace for trace in figure.data if trace.name == "beyond the scale"]
    assert figure.data[0].colorbar.title.text == "entropy H (nats)"


def test_a_preview_says_so_and_its_numbers_are_rough():
    for preview in (False, True):
        nats = nats_figure(cells(), (8, 8), LIMITS, LIGHT, preview=preview).data[0]
        unit = unit_figure(cells(), (8, 8), LIGHT, preview=preview).data[0]
        assert all(("preview" in one.colorbar.title.text) == preview for one in (nats, unit))
        assert (".3f" in nats.hovertemplate) != preview
        strip = strip_figure(["fc6"], [cells()], (8, 8), LIMITS, LIGHT, previews=[preview])
        assert ("preview" in strip.layout.annotations[0].text) == preview


@given(st.floats(-50, 50), st.floats(-50, 50))
def test_what_is_not_finished_sets_no_scale(done, rough):
    finished, preview = Cell(np.array([[0.0, done]])), Cell(np.array([[rough, -rough]]), preview=True)
    alone, both = (Row("", "", "", False, one) for one in ((finished,), (finished, preview)))
    assert row_limits(both) == row_limits(alone)


def test_one_method_has_one_map_of_colours_on_every_page():
    values, size = cells(), (8, 8)
    plain = {
        one.data[0].colorscale for one in (nats_figure(values, size, LIMITS, LIGHT), unit_figure(values, size, LIGHT))
    }
    row = Row("Saliency", "…", "score", False, (Cell(values),))
    plain |= {grid_figure([row], [HEAD], Style(), LIGHT).layout.coloraxis.colorscale}
    plain |= {triple_figure(values[None], ["before"], "score", LIMITS, LIGHT).layout.coloraxis.colorscale}
    plain |= {row_figure([Panel("CID", values)], LIGHT).layout.coloraxis.colorscale}
    assert plain == {scale(NATS_SCALE)}
    signed = Row("LRP", "…", "score", True, (Cell(values),))
    drawn = {grid_figure([signed], [HEAD], Style(), LIGHT).layout.coloraxis.colorscale}
    drawn |= {triple_figure(values[None], ["before"], "score", LIMITS, LIGHT, signed=True).layout.coloraxis.colorscale}
    assert drawn == {scale(SIGNED_SCALE)}


def scale(name: str) -> tuple:
    return go.Heatmap(colorscale=name).colorscale


def test_grey_keeps_what_is_bright_and_forgets_the_colour():
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    shown = grey(picture)
    assert (shown[..., 0] == shown[..., 1]).all()
    assert (shown[..., 1] == shown[..., 2]).all()
    assert np.abs(shown[..., 0] - picture @ np.array([0.299, 0.587, 0.114])).max() <= 1
