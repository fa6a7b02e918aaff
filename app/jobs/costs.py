"""How long work will take on this machine, from counts of operations on shapes alone; each is counted once."""

from typing import Any

import torch

from app.jobs.backend import Backend
from app.jobs.decoders import DecoderRequest
from app.jobs.paces import passes
from explainers.decoders.cost import speed, step_flops
from explainers.decoders.training import DecoderSettings, fitting_batch
from explainers.devices import computes_bfloat16
from explainers.networks.catalogue import Network
from explainers.networks.copies import structural_copy
from explainers.networks.layers import Layer
from explainers.networks.operation_count import count_flops
from explainers.storage.digest import digest

# A pass backwards costs twice as much as one forwards, and half of the passes are such.
MEAN_PASS = 1.5
# Seconds of drawing a bird, and for each of its pixels.
BIRD, BIRD_PIXEL = 0.02, 1.5e-6


def guess(backend: Backend, request: Any) -> float | None:
    """Seconds that a request will take, give or take a factor of three and more; None where nothing is known of it.

    Of a decoder the steps alone: its pictures may be there already.
    """
    if isinstance(request, DecoderRequest):
        return request.cost * step_seconds(backend, request.network, request.layer)
    network: Network | None = getattr(request, "network", None)
    return getattr(request, "seconds", None) if network is None else passes(request) * pass_seconds(backend, network)


def measured() -> bool:
    """Whether this process has measured the machine's speed, which takes the first guess about half a second."""
    return speed.cache_info().currsize > 0


def drawing_seconds(count: int, side: int) -> float:
    """Seconds of drawing birds, `side` pixels wide, give or take a factor of three."""
    return count * (BIRD + BIRD_PIXEL * side**2)


def pass_seconds(backend: Backend, network: Network) -> float:
    """Seconds of one pass of a picture, give or take a factor of three."""
    place = digest("pass cost", network.fingerprint)
    if (flops := backend.results.get(place)) is None:
        x, module = torch.empty(1, 3, *network.input_size, device="meta"), structural_copy(network.module, "meta")
        with torch.no_grad():
            flops = count_flops(lambda: module(x))
        backend.results.put(place, flops)
    return MEAN_PASS * flops / speed(backend.device, half_width=False)


def step_seconds(backend: Backend, network: Network, layer: Layer) -> float:
    """Seconds of one step of a decoder's training, give or take a factor of two; pictures come on top."""
    place = digest("decoder cost", network.fingerprint, layer.path, str(layer.call))
    if (flops := backend.results.get(place)) is None:
        flops = step_flops(network, layer, DecoderSettings(batch=fitting_batch(network)))
        backend.results.put(place, flops)
    return flops / speed(backend.device, half_width=computes_bfloat16(backend.device))
