"""Figures of the fairness check: one scale for maps that are compared, gaps where nothing is, values as they are."""

import numpy as np
import pytest

from app.figures.fairness import drawable, magnitudes_figure, map_limits, normalised_figure, relative, triple_figure
from app.figures.methods import style_of
from app.figures.style import DARK, LIGHT
from explainers.methods.registry import methods

TITLES, UNITS = ("CID", "Activation", "Layer gradient"), ("nats", "unit of feature", "score per unit of feature")
METHODS = dict(zip(("cid", "activation", "layer_gradient"), TITLES, strict=True))
NAMES = ["a", "b", "c"]


@pytest.fixture
def maps() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(3, 6, 8)) * np.array([1.0, 4.0, 16.0])[:, None, None]


@pytest.fixture
def means() -> np.ndarray:
    values = np.random.default_rng(1).uniform(0.5, 2, (3, 2, 3))
    values[0] -= 4
    return values


def test_the_maps_of_a_method_share_one_scale_that_holds_all_of_them(maps):
    figure = triple_figure(maps, ("before", "after", "scaled"), "score", map_limits(maps, True), LIGHT, signed=True)
    assert {trace.coloraxis for trace in figure.data} == {"coloraxis"}
    axis = figure.layout.coloraxis
    assert axis.cmax == -axis.cmin == pytest.approx(np.abs(maps).max())
    assert axis.colorbar.title.text == "score"
    assert all(np.array_equal(trace.z, values) for trace, values in zip(figure.data, maps, strict=True))


def test_each_map_says_how_many_of_its_cells_lie_beyond_the_scale(maps):
    figure = triple_figure(maps, ("before", "after", "scaled"), "nats", (-2.0, 2.0), LIGHT)
    said = [note.text for note in figure.layout.annotations]
    for title, values, text in zip(("before", "after", "scaled"), maps, said, strict=True):
        low, high = int((values < -2).sum()), int((values > 2).sum())
        assert text.startswith(title)
        assert (f"▼ {low}" in text, f"▲ {high}" in text) == (low > 0, high > 0)
    assert figure.layout.coloraxis.colorbar.title.text == "nats · ▼ below, ▲ above the scale"


def test_pixels_are_square_and_one_zoom_moves_all_maps(maps):
    layout = triple_figure(maps, ("a", "b", "c"), "score", (0, 1), DARK).layout
    assert layout.yaxis.scaleanchor == "x"
    assert (layout.xaxis2.matches, layout.yaxis3.matches) == ("x", "y")
    assert tuple(layout.yaxis.range) == (5.5, -0.5)


def test_maps_that_are_not_there_say_why_and_unbounded_pixels_are_left_empty(maps):
    maps[1], maps[0, 0, 0] = np.nan, np.inf
    figure = triple_figure(maps, ("a", "b", "c"), "nats", (-4, -1), LIGHT, note="cancelled")
    (note,) = [one for one in figure.layout.annotations if one.xref != "paper"]
    assert (note.text, note.xref) == ("cancelled", "x2 domain")
    first, second, _ = (trace for trace in figure.data if trace.type == "heatmap")
    assert np.isnan(second.z).all()
    assert np.isnan(first.z).sum() == 1
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (-4, -1)


def test_limits_of_nothing_are_still_a_scale():
    assert map_limits(np.full((2, 2), np.nan), True) == (-1.0, 1.0)
    assert map_limits(np.zeros((2, 2)), False) == (0.0, 1.0)


def test_magnitudes_are_drawn_as_measured_nats_on_a_linear_axis_the_rest_on_logarithmic_ones(means):
    means[1, 1, 2] = np.nan
    unsure = np.zeros(means.shape, bool)
    unsure[0, 1, 2] = True
    figure = magnitudes_figure(NAMES, means, TITLES, UNITS, LIGHT, unsure, marked="b")
    assert list(figure.data[1].marker.symbol) == ["circle", "circle", "circle-open"]
    assert figure.data[0].marker.symbol == "circle"
    assert len(figure.data) == 6
    for trace, values in zip(figure.data, means.reshape(6, 3), strict=True):
        assert np.array_equal(trace.y, values, equal_nan=True)
    assert [figure.layout[axis].type for axis in ("yaxis", "yaxis2", "yaxis3")] == [None, "log", "log"]
    assert [figure.layout[axis].title.text for axis in ("yaxis", "yaxis2", "yaxis3")] == list(UNITS)


def test_relative_curves_begin_at_one_and_forget_the_unit(means):
    sure = np.zeros(means.shape, bool)
    first = normalised_figure(NAMES, means, METHODS, UNITS, LIGHT, sure)
    assert all(trace.y[0] == pytest.approx(1) for trace in first.data)
    louder = means * np.array([1, 7, 0.25])[:, None, None]
    again = normalised_figure(NAMES, louder, METHODS, UNITS, LIGHT, sure)
    for one, other in zip(first.data, again.data, strict=True):
        assert np.allclose(one.y, other.y)


def test_a_first_layer_of_zero_gives_no_relative_curve():
    assert np.isnan(relative(np.array([0.0, 2.0]), logarithmic=False)).all()
    assert relative(np.array([-3.0, -2.0]), logarithmic=True)[1] == pytest.approx(np.e)


def test_a_logarithmic_axis_gets_no_zero_and_no_infinity():
    assert np.array_equal(
        drawable(np.array([1.0, 0.0, -1.0, np.inf]), True), [1, np.nan, np.nan, np.nan], equal_nan=True
    )
    assert np.array_equal(drawable(np.array([-1.0, 0.0]), False), [-1, 0])


def test_every_method_has_a_style_of_its_own():
    styles = [tuple(style_of(method, LIGHT).values()) for method in ("random", *methods())]
    assert len(set(styles)) == len(styles)
