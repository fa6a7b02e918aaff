"""What a page says of a map that is not finished, frame by frame of a real one."""

from functools import cache

import pytest

from app.explore.grid import cell
from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from app.jobs.backend import View
from app.parts.previews import preview_mean
from app.words import read
from explainers import CID, CIDResult, CIDSettings, load_network


@cache
def frames() -> tuple[CIDResult, ...]:
    network = load_network("resnet20-cifar10")
    x = prepare(network, find_picture("bird/1", 32)).x[None]
    settings = CIDSettings(grid=4, probes=32)
    return tuple(CID(network.module, network.layer("fc")).stream(x, settings, every=True))


def test_no_frame_has_more_digits_than_are_known():
    *before, last = frames()
    assert len(before) > 5
    for frame in before:
        text = preview_mean(frame)
        assert text.startswith("about −")
        value = read(text.removeprefix("about "))
        assert value == round(value)
        assert abs(value - float(frame.mean[0])) <= 0.5
    assert abs(read(preview_mean(before[-1]).removeprefix("about ")) - float(last.mean[0])) < 1


@pytest.mark.parametrize(("state", "said"), [("running", "preview"), ("stopped", "cancelled at 20%")])
def test_a_cell_of_the_grid_marks_a_preview(state, said):
    shown = cell(View("key", state, frames()[3], 0.2))
    assert shown.preview
    assert shown.caption.startswith("mean about −")
    assert shown.caption.endswith(said)
    assert not cell(View("key", "done", frames()[-1], 1.0)).preview
