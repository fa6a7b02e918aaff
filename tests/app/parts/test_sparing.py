"""The bytes that a filling grid takes, and what it shows meanwhile."""

from types import SimpleNamespace

import numpy as np
import pytest

from app.figures.grid import Cell, Head, Row, Style, grid_figure
from app.figures.style import LIGHT
from app.jobs.backend import View
from app.parts.sparing import A_SECOND, AT_ONCE, Sparing

MINUTES = 10
HEADS = tuple(Head(name, "", name, "data:,", (224, 224)) for name in ("conv1", "conv5", "fc8"))
RANDOM = np.random.default_rng(0)


def result() -> SimpleNamespace:
    return SimpleNamespace(values=RANDOM.normal(size=(56, 56)))


def view(cell: int, second: int, ends: list[int]) -> View:
    """One cell of a grid in which one map after the other is computed, with a frame of its own every second."""
    start = ends[cell - 1] if cell else 0
    if second >= ends[cell]:
        return View(str(cell), "done", result())
    if second <= start:
        return View(str(cell), "waiting")
    return View(str(cell), "running", result(), (second - start) / (ends[cell] - start))


def size(views: list[View], rows: int) -> int:
    """Of the figure, as it travels."""
    cells = [Cell(one.value.values if one.value else None, "mean", "waits") for one in views]
    lines = [Row("CID", "", "nats", False, tuple(cells[3 * at : 3 * at + 3])) for at in range(rows)]
    return len(grid_figure(lines, HEADS, Style(), LIGHT).to_json())


@pytest.mark.parametrize(("rows", "most", "behind"), [(4, 5e6, 0), (12, 10e6, 5)])
def test_ten_minutes_of_a_filling_grid_are_few_bytes_and_what_is_finished_is_shown(rows, most, behind):
    ends = [round(60 * MINUTES * (cell + 1) / (3 * rows)) for cell in range(3 * rows)]
    now, sent, before, late = [0.0], 0, None, []
    sparing = Sparing(lambda: now[0])
    for second in range(60 * MINUTES):
        now[0] = float(second)
        newest = [view(cell, second, ends) for cell in range(3 * rows)]
        shown = sparing.shown(newest)
        if shown is not before:
            sent, before = sent + size(shown, rows), shown
        late.append(sum(one.state == "done" for one in newest) - sum(one.state == "done" for one in shown))
    assert sent < most
    assert max(late) <= behind
    now[0] += 1
    assert all(one.state == "done" for one in sparing.shown([view(cell, 10**6, ends) for cell in range(3 * rows)]))


def test_what_others_ask_for_and_what_is_over_is_shown_whatever_it_costs():
    sparing = Sparing(lambda: 0.0)
    large = SimpleNamespace(values=np.zeros((1000, 1000)))
    for key in "abcdef":
        asked = [View(key, "running", large, 0.1)]
        assert sparing.shown(asked) == asked
    news = [View("f", "running", large, 0.9)]
    assert sparing.shown(news) != news
    over = [View("f", "stopped", large, 0.9)]
    assert sparing.shown(over) == over


def test_after_a_while_there_is_enough_again():
    now = [0.0]
    sparing = Sparing(lambda: now[0])
    large = SimpleNamespace(values=np.zeros((1000, 1000)))
    sparing.shown([View("a", "running", large, 0.1), View("b", "waiting")])
    news = [View("a", "done", large), View("b", "waiting")]
    assert sparing.shown(news) != news
    now[0] = 8 * AT_ONCE / A_SECOND
    assert sparing.shown(news) == news
