"""What a page says of a map that is not finished, frame by frame of a real one."""

import math
from dataclasses import replace
from functools import cache

import pytest
import torch

from app.explore.grid import cell
from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from app.jobs.backend import View
from app.parts.previews import frame_error, how_wrong, preview_mean
from app.words import read
from explainers import CID, CIDResult, CIDSettings, load_network


@cache
def frames() -> tuple[CIDResult, ...]:
    network = load_network("resnet20-cifar10")
    x = prepare(network, find_picture("bird/1", 32)).x[None]
    settings = CIDSettings(grid=4, probes=32)
    return tuple(CID(network.module, network.layer("fc")).stream(x, settings, every=True))


def test_of_no_frame_before_the_end_the_error_is_told_and_what_is_told_in_the_end_is_kept():
    *before, last = frames()
    early = [frame for frame in before if frame.progress <= 0.9]
    assert len(early) > 5
    assert all(frame_error(frame) is None for frame in early)
    for frame in (frame for frame in before if frame_error(frame) is not None):
        assert abs(float(frame.mean[0] - last.mean[0])) <= 2 * frame_error(frame) + 1e-6


def test_numbers_of_a_frame_have_the_digits_that_are_known():
    for frame in (*frames(), replace(frames()[-1], progress=0.95)):
        text = preview_mean(frame)
        assert text.startswith("about ")
        value, off = read(text.removeprefix("about ")), frame_error(frame)
        if off is None:
            assert value == round(value)
        assert abs(value - float(frame.mean[0])) <= (0.5 if off is None else 5 * off)


def test_a_map_that_was_cut_short_says_by_how_much_it_may_be_wrong():
    first, last = frames()[0], frames()[-1]
    assert how_wrong(first) == "its mean may be wrong by an unknown amount"
    assert how_wrong(replace(last, progress=0.95)).endswith(" nats")
    assert "unknown" in how_wrong(replace(last, loss=torch.tensor([math.nan])))


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_cell_of_the_grid_marks_a_preview(state):
    shown = cell(View("key", state, frames()[3], 0.2))
    assert shown.preview
    assert shown.caption.startswith("mean about −")
    assert "20%" in shown.caption
    assert not cell(View("key", "done", frames()[-1], 1.0)).preview
