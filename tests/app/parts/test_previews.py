"""What a page says of a map that is not finished, frame by frame of a real one."""

import os
from dataclasses import replace
from functools import cache

import pytest

from app.address.worlds import usual
from app.explore.grid import cell
from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from app.jobs.backend import View
from app.jobs.runner import preliminary
from app.parts.previews import KNOWN, OFF, UNKNOWN, how_wrong, preview_mean
from app.words import read
from explainers import CID, CIDResult, CIDSettings, load_network
from explainers.cid.certainty import mean_uncertainty
from explainers.datasets.birds.source import shown_side
from explainers.networks.catalogue import network_catalogue


@cache
def frames() -> tuple[CIDResult, ...]:
    network = load_network("resnet20-cifar10")
    x = prepare(network, find_picture("bird/1", 32)).x[None]
    settings = CIDSettings(grid=4, probes=32)
    return tuple(CID(network.module, network.layer("fc")).stream(x, settings, every=True))


def test_no_frame_has_more_digits_than_are_known():
    *before, last = frames()
    shown = [frame for frame in before if not preliminary(frame)]
    assert len(shown) > 5
    # Noise that is the same everywhere is where the search begins, and no map.
    assert all(frame.sigma.std() > 0 for frame in shown)
    for frame in shown:
        text = preview_mean(frame)
        assert text.startswith("about −")
        value = read(text.removeprefix("about "))
        assert value == round(value)
        assert abs(value - float(frame.mean[0])) <= 0.5
    assert abs(read(preview_mean(before[-1]).removeprefix("about ")) - float(last.mean[0])) < 1


def layers() -> list[tuple[str, str]]:
    """Network and layer: those whose previews stray far, or with EVERY_FRAME=1 all layers of all that ship."""
    if os.environ.get("EVERY_FRAME") != "1":
        return [("resnet20-cifar10", "fc"), ("alexnet-birds", "fc8"), ("unet-membranes", "down3.conv2")]
    shipped = [entry.name for entry in network_catalogue() if entry.shipped and entry.available]
    return [(name, layer.name) for name in shipped for layer in load_network(name).layers]


@pytest.mark.parametrize(("name", "layer"), layers())
def test_what_a_page_says_of_a_map_is_never_farther_off_than_before(name, layer):
    """Every preview is known within the same OFF, the finished map better."""
    network = load_network(name)
    x = prepare(network, find_picture(usual(name), shown_side(network.input_size[0]))).x[None]
    # As the page asks for it: of fewer cells the mean is nearer to that of the start.
    *before, last = CID(network.module, network.layer(layer)).stream(x, CIDSettings())
    end = float(last.mean[0])
    shown = [frame for frame in before if not preliminary(frame)]
    assert shown
    written = [preview_mean(frame) for frame in shown]
    assert all(abs(read(text.removeprefix("about ")) - end) <= OFF for text in written)
    assert mean_uncertainty(last.numbers) < OFF
    assert all(how_wrong(network, frame) == KNOWN for frame in shown)
    assert str(OFF) in KNOWN


def test_of_what_was_not_measured_nothing_is_promised():
    shipped, (frame, *_) = load_network("resnet20-cifar10"), frames()
    others = [replace(frame, settings=replace(frame.settings, **one)) for one in ({"beta": 1e-3}, {"method": "paper"})]
    assert {how_wrong(shipped, other) for other in others} == {UNKNOWN}
    assert how_wrong(replace(shipped, name="own/12"), frame) == UNKNOWN


@pytest.mark.parametrize(("state", "said"), [("running", "preview"), ("stopped", "cancelled at 20%")])
def test_a_cell_of_the_grid_marks_a_preview_and_says_how_wrong_a_cancelled_one_may_be(state, said):
    network = load_network("resnet20-cifar10")
    shown = cell(View("key", state, frames()[3], 0.2), network)
    assert shown.preview
    assert shown.caption.startswith("mean about −")
    assert shown.caption.endswith(said)
    assert ("± 1.5 nats" in shown.caption, KNOWN in shown.cost) == (state == "stopped", state == "stopped")
    assert ("± ? nats" in cell(View("key", state, frames()[3]), replace(network, name="own/12")).caption) == (
        state == "stopped"
    )
    assert not cell(View("key", "done", frames()[-1], 1.0), network).preview
