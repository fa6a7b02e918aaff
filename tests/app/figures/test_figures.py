"""Figures: data as computed, fixed scales, square pixels, units on every axis."""

import math
import re

import numpy as np
import plotly.graph_objects as go
import pytest

from app.figures.closer import difference_map, value_map
from app.figures.compare import Curve, curves_figure, difference_figure
from app.figures.layers import curve_figure, strip_figure
from app.figures.maps import empty_figure, nats_figure, picture_figure, unit_figure, unit_range
from app.figures.predictions import prediction_figure
from app.figures.raster import raster
from app.figures.style import DARK, LIGHT, Look
from tests.support.figures import LIMITS, SIZE, every_figure


@pytest.fixture
def cells() -> np.ndarray:
    return np.random.default_rng(0).normal(-2.8, 0.3, (8, 8))


def heatmap(figure: go.Figure) -> go.Heatmap:
    (found,) = [trace for trace in figure.data if isinstance(trace, go.Heatmap)]
    return found


@pytest.mark.parametrize("name", ["picture", "nats", "unit", "empty", "curve"])
def test_every_axis_names_its_unit(cells, name):
    layout = every_figure(cells)[name].layout
    axes = [layout.xaxis if name != "curve" else layout.xaxis2, layout.yaxis]
    assert all(any(u in axis.title.text for u in ("pixel", "nats", "order")) for axis in axes)


@pytest.mark.parametrize("name", ["picture", "nats", "unit", "empty"])
def test_pixels_are_square_and_the_first_row_is_on_top(cells, name):
    figure = every_figure(cells)[name]
    assert (figure.layout.yaxis.scaleanchor, figure.layout.yaxis.scaleratio) == ("x", 1)
    assert tuple(figure.layout.yaxis.range) == (7.5, -0.5)
    assert tuple(figure.layout.xaxis.range) == (-0.5, 7.5)


def test_the_scale_in_nats_does_not_depend_on_the_data(cells):
    scales = set()
    for data in (cells, cells + 1, cells * 3, np.full((8, 8), np.inf)):
        trace = heatmap(nats_figure(data, SIZE, LIMITS, LIGHT))
        scales.add((trace.zmin, trace.zmax, str(trace.colorscale)))
    assert len(scales) == 1
    assert "nats" in trace.colorbar.title.text


def test_values_beyond_the_scale_stay_true(cells):
    cells[0, 0] = 4.2
    assert heatmap(nats_figure(cells, SIZE, LIMITS, LIGHT)).z[0][0] == pytest.approx(4.2)


def test_maps_are_crisp_and_lie_on_the_pixels_they_speak_of():
    trace = heatmap(nats_figure(np.zeros((4, 4)), (8, 8), LIMITS, LIGHT))
    assert trace.zsmooth is False
    # Four cells of two pixels: the first is centred between pixels 0 and 1.
    assert (trace.x0, trace.dx, trace.y0, trace.dy) == (0.5, 2, 0.5, 2)


@pytest.mark.parametrize("side", [4, 8])
def test_what_stands_under_the_pointer_names_a_pixel_and_no_middle_of_a_cell(side):
    cells = np.full((side, side), -2.0)
    cells[0, 0] = np.inf
    figures = (
        nats_figure(cells, SIZE, LIMITS, LIGHT),
        unit_figure(cells, SIZE, LIGHT),
        strip_figure(["fc"], [cells], SIZE, LIMITS, LIGHT),
        difference_figure(cells, SIZE, 1.0, LIGHT),
        value_map(cells, SIZE, LIMITS, "Viridis", "nats", LIGHT),
        difference_map(cells, SIZE, "nats", LIGHT),
    )
    said = [text for figure in figures for trace in figure.data if (text := trace.hovertemplate)]
    assert len(said) == 2 * len(figures)
    assert all(re.search("nats|not used", text) for text in said), "a number without its unit"
    assert all(text.startswith("row %{y:.0f}, column %{x:.0f}<br>" if side == 8 else "a cell of 2") for text in said)


def test_unbounded_cells_are_marked_counted_and_hide_nothing(cells):
    cells[2, 3] = cells[5, 5] = np.inf
    for figure in (nats_figure(cells, SIZE, LIMITS, LIGHT), unit_figure(cells, SIZE, LIGHT)):
        (marks,) = [trace for trace in figure.data if trace.name and "unbounded" in trace.name]
        assert list(zip(marks.x, marks.y, strict=True)) == [(3, 2), (5, 5)]
        assert "2 cells" in marks.name
        assert heatmap(figure).colorbar.title.text.endswith("2 unbounded")
        assert np.isnan(heatmap(figure).z).sum() == 2
    assert np.nanmin(unit_range(cells)) == 0
    assert np.nanmax(unit_range(cells)) == 1


def test_a_map_without_any_bounded_cell_is_drawn():
    cells = np.full((8, 8), np.inf)
    assert np.isnan(unit_range(cells)).all()
    unit_figure(cells, SIZE, LIGHT).to_json()


def test_a_constant_map_is_zero_everywhere():
    assert (unit_range(np.full((3, 3), -2.0)) == 0).all()


def test_the_box_is_drawn_around_its_pixels():
    figure = picture_figure(np.zeros((8, 8, 3), np.uint8), LIGHT, box=(1, 2, 5, 6))
    (box,) = [trace for trace in figure.data if trace.name == "box"]
    assert (min(box.x), max(box.x), min(box.y), max(box.y)) == (0.5, 4.5, 1.5, 5.5)


def test_the_curve_is_drawn_as_computed():
    mean = [-2.9, -3.1, None, -2.5]
    curve = curve_figure(list("abcd"), mean, None, LIGHT)
    assert len(curve.data) == 1
    assert np.array_equal(curve.data[0].y, [-2.9, -3.1, np.nan, -2.5], equal_nan=True)
    assert list(curve.data[0].x) == list("abcd")


def test_means_are_written_with_what_is_known_of_them_and_have_whiskers():
    told = ["−2.9", "", "about −1"]
    drawn = curve_figure(list("abc"), [-2.9, None, -1.2], None, LIGHT, errors=[0.03, math.nan, 1.5], told=told)
    (mean,) = drawn.data
    assert list(mean.text) == told
    assert list(mean.error_y.array) == [0.03, 0.0, 1.5]
    assert "%{text} nats" in mean.hovertemplate


def test_the_strip_has_one_map_per_layer_on_one_scale(cells):
    figure = strip_figure(["a", "b", "c"], [cells, None, cells[:4, :4]], SIZE, LIMITS, LIGHT, columns=2)
    assert len(figure.data) == 3
    assert {trace.coloraxis for trace in figure.data} == {"coloraxis"}
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == LIMITS
    assert np.isnan(figure.data[1].z).all()


def test_an_empty_frame_says_why():
    assert empty_figure(SIZE, LIGHT, "cancelled").layout.annotations[0].text == "cancelled"


def test_the_strip_says_in_a_frame_why_it_is_empty(cells):
    notes = ["", "not computed yet", ""]
    figure = strip_figure(["a", "b", "c"], [cells, None, cells], SIZE, LIMITS, LIGHT, columns=2, notes=notes)
    (note,) = [one for one in figure.layout.annotations if one.y == 0.5]
    assert (note.text, note.xref, note.yref) == ("not computed yet", "x2 domain", "y2 domain")


def test_predictions_show_probabilities_as_they_are():
    figure = prediction_figure([("cat", 0.75), ("an animal with a really long name", 0.25)], LIGHT)
    assert tuple(figure.data[0].x) == (0.75, 0.25)
    assert figure.data[0].customdata[1] == "an animal with a really long name"
    odd = prediction_figure([("cat", 0.75)], LIGHT, strange=True)
    assert odd.layout.xaxis.title.text == "probability, if it had to be one of the classes it knows"
    assert odd.data[0].marker.color != figure.data[0].marker.color


def test_the_raster_has_the_colours_of_the_ends():
    picture = raster(np.array([[-9.0, 9.0, np.inf]]), (0, 1), "Viridis")
    assert [picture.getpixel((x, 0)) for x in range(2)] == [(68, 1, 84, 255), (253, 231, 37, 255)]
    assert picture.getpixel((2, 0))[3] == 0


def test_an_unknown_theme_is_light():
    assert Look.of(None) is LIGHT
    assert Look.of("dark") is DARK


def test_the_legend_over_two_curves_takes_as_many_lines_as_it_needs():
    a, b = (Curve(title, ["a", "b"], [-3, -2], [0.1, 0.1]) for title in "AB")
    figure = curves_figure(a, b, [0.0, 1.0], True, LIGHT, "CID")
    assert figure.layout.margin.autoexpand
    assert figure.layout.legend.yanchor == "bottom"
