"""The figure of the grid: scales, frames, reasons."""

from dataclasses import replace

import numpy as np
import pytest

from app.figures.grid import Cell, Head, Row, Style, grid_figure, row_limits
from app.figures.style import LIGHT
from explainers.methods.registry import methods

HEADS = (Head("conv1", "8×8×8", "conv1", "data:,", (8, 8)), Head("fc", "10", "fc", "data:,", (8, 8)))


def row(*values: np.ndarray | None, signed: bool = False, limits: tuple[float, float] | None = None) -> Row:
    cells = tuple(Cell(value, "1 + 1 passes", "there is none") for value in values)
    return Row("A method", "What it shows.", "nats", signed, cells, limits)


def ramp(size: int, low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, size * size).reshape(size, size)


def heatmaps(figure) -> list:
    return [trace for trace in figure.data if trace.type == "heatmap"]


def test_a_row_shares_one_scale_and_maps_keep_their_values():
    figure = grid_figure([row(ramp(8, 0, 1), ramp(8, 2, 3))], HEADS, Style(), LIGHT)
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 3)
    first, second = heatmaps(figure)
    assert first.coloraxis == second.coloraxis == "coloraxis"
    assert second.z.min() == 2


def test_fixed_ends_are_kept_whatever_the_values():
    assert row_limits(row(ramp(8, 0, 9), limits=(-4.0, 1.0))) == (-4.0, 1.0)


@pytest.mark.parametrize("value", [0.0, -2.0, 7.0])
@pytest.mark.parametrize("signed", [False, True])
def test_a_constant_map_has_a_scale_with_two_ends(value, signed):
    low, high = row_limits(row(np.full((4, 4), value), signed=signed))
    assert low <= value <= high
    assert low < high
    assert not signed or low == -high


@pytest.mark.parametrize("own", [False, True])
def test_a_map_that_is_zero_everywhere_looks_empty(own):
    figure = grid_figure([row(np.zeros((4, 4))), row(ramp(8, 0, 9))], HEADS[:1], Style(own=own), LIGHT)
    axes = figure.layout.coloraxis
    assert (heatmaps(figure)[0].z == axes.cmin).all()


def test_own_scales_stretch_each_map_and_keep_signs():
    values = ramp(8, -1, 4)
    (plain,) = heatmaps(grid_figure([row(values)], HEADS[:1], Style(own=True), LIGHT))
    (signed,) = heatmaps(grid_figure([row(values, signed=True)], HEADS[:1], Style(own=True), LIGHT))
    assert (plain.z.min(), plain.z.max()) == (0, 1)
    assert signed.z.max() == 1
    assert np.array_equal(np.sign(signed.z), np.sign(values))
    assert np.allclose(signed.customdata, values)


def test_pictures_of_other_sizes_fill_the_frame_of_the_first():
    heads = (HEADS[0], Head("large", "", "conv1", "data:,", (32, 32)))
    first, second = heatmaps(grid_figure([row(ramp(8, 0, 1), ramp(32, 0, 1))], heads, Style(), LIGHT))
    for trace, size in ((first, 8), (second, 32)):
        assert trace.x0 - trace.dx / 2 == -0.5
        assert trace.dx * size == 8
    assert "row" in first.hovertemplate
    assert "row" not in second.hovertemplate
    (coarse,) = heatmaps(grid_figure([row(ramp(4, 0, 1))], HEADS[:1], Style(), LIGHT))
    assert "row" not in coarse.hovertemplate, "the middle of a cell is no pixel that the probe names"


@pytest.mark.parametrize("method", methods().values(), ids=lambda method: method.name)
def test_names_and_units_have_one_line(method):
    """Beside a row there is room for one line of its name, and with wide numbers for one of its unit."""
    shown = row(ramp(8, 0, 1))
    figure = grid_figure([replace(shown, title=method.title, unit=method.unit)], HEADS[:1], Style(), LIGHT)
    assert f"<b>{method.title}</b>" in [note.text for note in figure.layout.annotations]
    assert figure.layout.coloraxis.colorbar.title.text == method.unit


def test_a_cell_without_a_map_says_why_and_unbounded_cells_are_marked():
    values = ramp(4, 0, 1)
    values[0, 0] = np.inf
    figure = grid_figure([row(values, None)], HEADS, Style(), LIGHT)
    assert any("there is none" in note.text.replace("<br>", " ") for note in figure.layout.annotations)
    assert any(trace.type == "scatter" and "unbounded" in (trace.name or "") for trace in figure.data)
    assert figure.layout.coloraxis.cmax == 1


def test_the_picture_shines_through_only_where_it_is_asked_to():
    assert not grid_figure([row(ramp(8, 0, 1))], HEADS[:1], Style(), LIGHT).layout.images
    figure = grid_figure([row(ramp(8, 0, 1))], HEADS[:1], Style(opacity=0.4), LIGHT)
    assert len(figure.layout.images) == 1
    assert heatmaps(figure)[0].opacity == 0.4


@pytest.mark.parametrize("rows", range(1, 16))
def test_any_number_of_rows_is_drawn(rows):
    figure = grid_figure([row(np.zeros((2, 2)), np.zeros((2, 2)))] * rows, HEADS, Style(), LIGHT)
    assert len(heatmaps(figure)) == 2 * rows
