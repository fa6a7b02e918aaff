"""The maps of one check belong together: the same probes, the same decoders, whatever happens on the disk meanwhile."""

import numpy as np
import torch

from explainers.fairness import maps
from explainers.fairness.maps import Bench, Question
from explainers.fairness.plan import plan
from explainers.methods.entropies import CID_NAME, NO_DECODER, RU_NAME
from explainers.networks.catalogue import load_network
from explainers.streams import last

NETWORK = "resnet20-cifar10"


def bench() -> Bench:
    network = load_network(NETWORK)
    x = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    question = Question("conv1", grid=4)
    networks = {"before": network, "after": network, "scaled": None}
    return Bench(networks, plan(network), x, 0, question, lambda key, array: None)


def made(steps) -> tuple[np.ndarray, np.ndarray]:
    answers = []

    def through():
        answers.append((yield from steps))

    last(through())
    return answers[0]


def test_a_check_keeps_the_decoders_that_it_began_with(monkeypatch):
    one = bench()
    layer = next(station for station in one.plan.stations if station.name == "conv1")
    before, _ = made(one.map(RU_NAME, layer, "before"))
    # Another was trained meanwhile, or the file is gone for whoever looks now.
    monkeypatch.setattr(maps, "find_decoder", lambda network, layer: None)
    assert one.reason(RU_NAME, layer) == ""
    again, _ = made(one.map(RU_NAME, layer, "before"))
    np.testing.assert_array_equal(before, again)
    assert bench().reason(RU_NAME, layer) == NO_DECODER


def test_every_method_of_the_check_ends_in_a_map_of_the_picture_s_size():
    one = bench()
    layer = next(station for station in one.plan.stations if station.name == "conv1")
    for method in maps.METHODS:
        if not one.reason(method, layer):
            values, reached = made(one.map(method, layer, "before"))
            assert values.shape == (32, 32), method
            # What a decoder recovers is told as soon as it can be compared, before its noise is tried.
            assert np.isfinite(reached) == (method == CID_NAME), method
