"""The bytes that a filling grid takes, and what it shows meanwhile."""

import base64
import json
from types import SimpleNamespace

import numpy as np

from app.figures.grid import Cell, Head, Row, Style, grid_figure
from app.figures.parted import parted
from app.figures.style import LIGHT
from app.jobs.backend import View
from app.parts.sparing import A_SECOND, AT_ONCE, Sparing
from app.parts.watch import QUICK, SLOW_POLL

MINUTES = 10
RANDOM = np.random.default_rng(0)
PICTURE = "data:image/jpeg;base64," + base64.b64encode(RANDOM.bytes(15_000)).decode()
# Bytes that tell the page of a part which it has already.
KNOWN = 200


def result() -> SimpleNamespace:
    return SimpleNamespace(values=RANDOM.normal(size=(64, 64)))


def view(cell: int, second: int, ends: list[int]) -> View:
    """One cell of a grid in which one map after the other is computed, with a frame of its own every second."""
    start = ends[cell - 1] if cell else 0
    if second >= ends[cell]:
        return View(str(cell), "done", DONE)
    if second <= start:
        return View(str(cell), "waiting")
    return View(str(cell), "running", result(), (second - start) / (ends[cell] - start))


DONE = result()


def parts(views: list[View], columns: int) -> dict[str, str]:
    """Of the figure, as they travel."""
    heads = tuple(Head(f"conv{place}", "", f"conv{place}", PICTURE, (256, 256)) for place in range(columns))
    cells = [Cell(v.value.values if v.value else None, "mean", "waits", v.state != "done") for v in views]
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    lines = [Row("CID", "", "nats", False, tuple(row), (-4.5, 4.5)) for row in rows]
    return {name: json.dumps(part) for name, part in parted(grid_figure(lines, heads, Style(), LIGHT))[1].items()}


def test_ten_minutes_of_a_filling_grid_are_few_bytes_and_what_is_finished_is_shown():
    """Of the largest grid there is, and one column more."""
    columns, count = 6, 30
    ends = [round(60 * MINUTES * (cell + 1) / count) for cell in range(count)]
    now, late = [0.0], []
    before = [View("", "waiting")] * count
    whole = parts(before, columns)
    sent = sum(map(len, whole.values()))
    sparing = Sparing(clock=lambda: now[0])
    looks = [*range(int(QUICK)), *range(int(QUICK), 60 * MINUTES, int(SLOW_POLL))]
    for second in looks:
        now[0] = float(second)
        newest = [view(cell, second, ends) for cell in range(count)]
        shown = sparing.shown(newest)
        for old, new in zip(before, shown, strict=True):
            if new is not old:
                # Its row's scale may have changed with it: that of all rows travels again.
                sent += len(parts([new], 1)["x"]) + len(whole["rest"])
        before, sent = shown, sent + KNOWN * len(whole)
        late.append(sum(one.state == "done" for one in newest) - sum(one.state == "done" for one in shown))
    assert 1e6 < sent < 5e6, sent
    assert max(late) == 0
    now[0] += 1
    assert all(one.state == "done" for one in sparing.shown([view(cell, 10**6, ends) for cell in range(count)]))


def test_a_change_of_one_map_sends_no_other():
    first = [View("a", "done", result()), View("b", "running", result(), 0.1)]
    before = parts(first, 2)
    after = parts([first[0], View("b", "running", result(), 0.6)], 2)
    assert [name for name in after if after[name] != before[name]] == ["x2"]


def test_a_figure_that_travels_whole_does_so_seldom():
    now, sent, before = [0.0], 0, None
    ends = [100 * (cell + 1) for cell in range(6)]
    sparing = Sparing(whole=True, clock=lambda: now[0])
    for second in range(600):
        now[0] = float(second)
        shown = sparing.shown([view(cell, second, ends) for cell in range(6)])
        sent, before = sent + (shown is not before), shown
    assert 6 < sent < 20


def test_what_others_ask_for_and_what_is_over_is_shown_whatever_it_costs():
    sparing = Sparing(clock=lambda: 0.0)
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
    sparing = Sparing(clock=lambda: now[0])
    large = SimpleNamespace(values=np.zeros((1000, 1000)))
    sparing.shown([View("a", "running", large, 0.1), View("b", "waiting")])
    news = [View("a", "done", large), View("b", "waiting")]
    assert sparing.shown(news) != news
    now[0] = 8 * AT_ONCE / A_SECOND
    assert sparing.shown(news) == news
