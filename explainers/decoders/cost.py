"""What training a decoder will cost on this machine, before it has begun."""

import time
from functools import lru_cache
from math import prod

import torch

from explainers.decoders.training import DecoderSettings
from explainers.networks.architectures.decoder import Decoder
from explainers.networks.catalogue import Network
from explainers.networks.copies import structural_copy
from explainers.networks.features import Feature
from explainers.networks.layers import Layer
from explainers.networks.operation_count import count_flops

# Backwards costs twice as much as forwards.
FORWARD_AND_BACKWARD = 3
TRIAL = ((32, 16, 16), (32, 32), 8)


def step_flops(network: Network, layer: Layer, settings: DecoderSettings) -> int:
    """Floating-point operations of one step: the network up to the layer, the decoder there and back.

    Counted on shapes alone.
    """
    x = torch.empty(settings.batch, 3, *network.input_size, device="meta")
    with torch.device("meta"):
        decoder = Decoder(layer.shape, network.input_size, settings.blocks)
    rows = torch.empty(settings.batch, prod(layer.shape), device="meta")
    feature = Feature(structural_copy(network.module, "meta"), layer)
    with torch.no_grad():
        return count_flops(lambda: feature(x)) + FORWARD_AND_BACKWARD * count_flops(lambda: decoder(rows))


@lru_cache
def speed(device: torch.device, half_width: bool) -> float:
    """Floating-point operations per second of training a small decoder here, from three steps.

    `half_width`: in bfloat16, as decoders are trained where the device has it; in float32 maps are computed.
    """
    shape, size, batch = TRIAL
    decoder = Decoder(shape, size).to(device).train()
    rows = torch.randn(batch, *shape, device=device).flatten(1)
    flops = count_flops(lambda: decoder(rows))
    seconds: list[float] = []
    for _ in range(3):
        start = time.monotonic()
        with torch.autocast(device.type, torch.bfloat16, enabled=half_width):
            guess = decoder(rows)
        torch.autograd.backward(guess.float().square().mean())
        # Reading a value waits for the device.
        float(guess.detach().float().mean())
        seconds.append(time.monotonic() - start)
    return FORWARD_AND_BACKWARD * flops / min(seconds)
