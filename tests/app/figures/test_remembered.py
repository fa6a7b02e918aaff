"""Figures that are remembered: those that would have been made, and nobody else's to change."""

import gc
import inspect
import json
import tracemalloc
from functools import partial
from importlib import import_module
from itertools import product
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays

from app.figures import remembered as module
from app.figures.enlarge import enlarge, enlarged
from app.figures.maps import nats_figure, picture_figure
from app.figures.parted import parted, parted_once, together
from app.figures.remembered import forget, remembered
from app.figures.style import DARK, LIGHT, Look
from tests.support.figures import LIMITS, SIZE, every_figure


@pytest.fixture(autouse=True)
def forgotten() -> None:
    forget()


def drawn(figure: go.Figure) -> dict:
    """What the browser gets."""
    return json.loads(figure.to_json())


def test_every_figure_is_remembered():
    folder = Path(module.__file__).parent
    makers = [
        maker
        for name in sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
        for key, maker in inspect.getmembers(import_module(f"app.figures.{name}"), inspect.isfunction)
        if key.endswith("_figure")
    ]
    assert len(makers) > 15
    assert all(hasattr(maker, "__wrapped__") for maker in makers)


@pytest.mark.parametrize("name", ["picture", "nats", "unit", "empty", "curve"])
def test_it_is_the_figure_that_would_be_made(name):
    cells = np.random.default_rng(0).normal(-2.8, 0.3, (8, 8))
    cells[0, 0] = np.inf
    made = every_figure(cells)[name]
    again = every_figure(cells)[name]
    assert made is not again
    assert drawn(made) == drawn(again)
    assert drawn(enlarge(made, 1.5)) == drawn(enlarge(go.Figure(again), 1.5))


def test_it_is_made_once_and_a_changed_copy_stays_its_owner_s():
    calls = []

    @remembered
    def figure(cells: np.ndarray) -> go.Figure:
        calls.append(cells)
        return go.Figure(go.Heatmap(z=cells), layout={"font": {"size": 12}, "annotations": [{"text": "a"}]})

    first = figure(np.zeros((2, 2)))
    before = drawn(first)
    first.data[0].z[:] = 7
    first.layout.font.size = 99
    first.layout.annotations[0].text = "b"
    first.add_scatter(x=[1], y=[1])
    assert drawn(figure(np.zeros((2, 2)))) == before
    assert len(calls) == 1
    figure(np.zeros((2, 2), np.float32))
    figure(np.ones((2, 2)))
    assert len(calls) == 3


def test_a_copy_takes_changes_as_any_figure_does():
    cells = np.full((2, 2), sum(LIMITS) / 2)
    nats_figure(cells, SIZE, LIMITS, LIGHT)
    figure = nats_figure(cells, SIZE, LIMITS, LIGHT)
    figure.update_traces(colorscale="RdBu_r", colorbar_title_text="a")
    figure.update_layout(font_size=20)
    assert len(figure.data[0].colorscale) > 5
    assert figure.data[0].colorbar.title.text == "a"
    for part, name in ((figure.layout, "dragmode"), (figure.data[0], "zsmooth"), (figure.layout.xaxis, "type")):
        with pytest.raises(ValueError, match="Invalid value"):
            setattr(part, name, "nonsense")


@remembered
def plain(cells: np.ndarray, look: Look, opacity: float = 1.0) -> go.Figure:
    return go.Figure(go.Heatmap(z=cells, opacity=opacity), layout={"font": {"color": look.text}})


@settings(deadline=None, max_examples=30)
@given(
    arrays.arrays(np.float64, (3, 3), elements=some.floats(-9, 9)),
    some.tuples(some.integers(0, 2), some.integers(0, 2)),
    some.floats(-9, 9),
    some.floats(0, 1),
)
def test_any_other_content_is_another_figure(cells, place, value, opacity):
    other = cells.copy()
    other[place] = value
    for one, look, share in product((cells, other), (LIGHT, DARK), (1.0, opacity)):
        figure = plain(one, look, opacity=share)
        assert np.array_equal(figure.data[0].z, one)
        assert (figure.layout.font.color, figure.data[0].opacity) == (look.text, share)


def test_parts_are_those_of_the_figure_and_made_once():
    cells = np.random.default_rng(0).normal(-2.8, 0.3, (8, 8))
    make = partial(nats_figure, cells, SIZE, LIMITS, LIGHT)
    frame, parts = parted(make())
    kept, again = parted_once(make), parted_once(partial(nats_figure, cells.copy(), SIZE, LIMITS, LIGHT))
    assert kept is again
    assert (drawn(kept[0]), kept[1]) == (drawn(frame), parts)
    assert drawn(together(kept[0], kept[1].values())) == drawn(together(frame, parts.values()))
    for other in (partial(nats_figure, cells + 1, SIZE, LIMITS, LIGHT), partial(enlarged, make, 500)):
        assert drawn(together(*_parts(parted_once(other)))) == drawn(together(*_parts(parted(other()))))


def _parts(found: tuple[go.Figure, dict]) -> tuple[go.Figure, list]:
    return found[0], list(found[1].values())


def own(number: int) -> None:
    nats_figure(np.full((8, 8), float(number)), SIZE, LIMITS, LIGHT)


def in_parts(number: int) -> None:
    parted_once(partial(nats_figure, np.full((8, 8), float(number)), SIZE, LIMITS, LIGHT))


@pytest.mark.long
@pytest.mark.parametrize("remember", [own, in_parts])
def test_small_figures_count_as_what_they_take(remember):
    """Of Python's own memory: a hundred maps of eight cells by eight."""
    remember(0)
    tracemalloc.start()
    try:
        counted, before = module._kept.currsize, tracemalloc.get_traced_memory()[0]
        for number in range(1, 101):
            remember(number)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < module._kept.currsize - counted
    finally:
        tracemalloc.stop()


def test_what_is_remembered_is_bounded():
    for number in range(50):
        picture_figure(np.full((640, 640, 3), number, np.uint8), LIGHT)
    assert 20 < len(module._kept) < 30
    assert module._kept.currsize <= module.LIMIT
