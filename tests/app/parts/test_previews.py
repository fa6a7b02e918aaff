"""What a page says of a map that is not finished, frame by frame of a real one."""

import os
from collections.abc import Iterator
from functools import cache

import pytest

from app.address.worlds import usual
from app.explore.grid import cell
from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from app.jobs.backend import View
from app.jobs.runner import preliminary
from app.parts.previews import how_wrong, preview_mean
from app.words import read
from explainers import CID, CIDResult, CIDSettings, load_network
from explainers.datasets.birds.source import shown_side
from explainers.decoders.cards import find_decoder
from explainers.methods.request import MapRequest, Workbench
from explainers.networks.catalogue import network_catalogue

pytestmark = pytest.mark.usefixtures("whole_work")
EVERY = os.environ.get("EVERY_FRAME") == "1"


def frames(name: str, layer: str, method: str = "cid", **changes: object) -> list[CIDResult]:
    """Of the map as a page asks for it; the last is the finished one."""
    network = load_network(name)
    x = prepare(network, find_picture(usual(name), shown_side(network.input_size[0]))).x
    request = MapRequest(network, network.layer(layer), x, "picture", method, CIDSettings(**changes))
    return list(request.stream(Workbench()))


@cache
def few() -> tuple[CIDResult, ...]:
    return tuple(frames("resnet20-cifar10", "fc", grid=4, probes=32))


def written(frame: CIDResult) -> tuple[float, float]:
    """Mean and ± as a page writes them."""
    mean, off = preview_mean(frame).removeprefix("about ").split(" ± ")
    return read(mean), float(off)


@pytest.mark.long
def test_no_frame_has_more_digits_than_are_known():
    *before, last = few()
    shown = [frame for frame in before if not preliminary(frame)]
    assert len(shown) > 5
    # Noise that is the same everywhere is where the search begins, and no map.
    assert all(frame.sigma.std() > 0 for frame in shown)
    for frame in shown:
        value, off = written(frame)
        places = 1 if frame.mean_error >= 0.1 else 2
        assert (value, off) == (round(value, places), round(off, places))
        # Rounding is part of what it may be wrong by.
        assert abs(value - float(frame.mean[0])) + float(frame.mean_error[0]) <= off + 1e-6
    assert float(shown[0].mean_error[0]) > 2 * float(shown[-1].mean_error[0]) > float(last.mean_error[0])


def layers() -> Iterator[tuple[str, str, str, float]]:
    """Network, layer, method and β: those whose previews stray far, or with EVERY_FRAME=1 all layers of all that ship.

    Those then take β by turns.
    """
    usually = CIDSettings().beta
    if not EVERY:
        yield from (("resnet20-cifar10", "fc", "cid", usually), ("alexnet-birds", "fc8", "cid", usually))
        yield from (("unet-membranes", "down3.conv2", "cid", usually), ("alexnet-birds", "conv1", "cid", 1e-1))
        yield "squeezenet-cifar10", "conv10", "cid", 1e-1
        yield "vgg16-birds", "conv5-2", "cid", usually
        yield from (("resnet20-cifar10", layer, "ru", usually) for layer in ("layer3.2", "fc"))
        return
    for entry in network_catalogue():
        if entry.shipped and entry.available:
            network = load_network(entry.name)
            for place, layer in enumerate(network.layers):
                yield entry.name, layer.name, "cid", usually
                yield entry.name, layer.name, "cid", (1e-6, 1e-3, 1e-2, 1e-1)[place % 4]
                if find_decoder(network, layer):
                    yield entry.name, layer.name, "ru", usually


@pytest.mark.parametrize(("name", "layer", "method", "beta"), layers())
@pytest.mark.long
def test_what_a_page_says_of_a_map_holds_and_is_never_farther_off_than_before(name, layer, method, beta):
    *before, last = frames(name, layer, method, beta=beta)
    end = float(last.mean[0])
    shown = [frame for frame in before if not preliminary(frame)]
    assert shown
    said = [written(frame) for frame in shown]
    assert all(abs(mean - end) <= off for mean, off in said)
    offs = [off for _, off in said]
    assert offs == sorted(offs, reverse=True)
    errors = [float(frame.mean_error[0]) for frame in shown]
    assert errors == sorted(errors, reverse=True)
    assert all(f"{off}" in how_wrong(frame) for frame, off in zip(shown, offs, strict=True))


def test_of_what_is_not_known_nothing_is_shown():
    first = frames("resnet20-cifar10", "conv1", grid=2, probes=64)[0]
    assert (first.stage, first.preliminary) == ("start", True)
    network = load_network("resnet20-cifar10")
    x = prepare(network, find_picture("bird/1", 32)).x[None]
    settings = CIDSettings(grid=2, probes=8, method="paper")
    *descent, end = CID(network.module, network.layer("conv1")).stream(x, settings)
    assert all(preliminary(frame) for frame in descent)
    assert not preliminary(end)


@pytest.mark.long
@pytest.mark.parametrize(("state", "said"), [("running", "preview"), ("stopped", "cancelled at 20%")])
def test_a_cell_of_the_grid_marks_a_preview_and_says_how_wrong_it_may_be(state, said):
    frame = next(frame for frame in few() if not preliminary(frame))
    shown = cell(View("key", state, frame, 0.2))
    assert shown.preview
    assert shown.caption.startswith(f"mean {preview_mean(frame)} nats")
    assert shown.caption.endswith(said)
    assert (how_wrong(frame) in shown.cost) == (state == "stopped")
    assert not cell(View("key", "done", few()[-1], 1.0)).preview
