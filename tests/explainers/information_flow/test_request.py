"""Estimates are requests: found by what they depend on, refused in a sentence, answered by what the functions give."""

from dataclasses import replace

import pytest
import torch

from explainers.information_flow import gaussian_mixture_entropy, mutual_information_input, mutual_information_label
from explainers.information_flow.request import EntropyRequest, InformationRequest
from explainers.methods.request import Workbench, answer
from explainers.networks.architectures.noisy import fully_connected
from explainers.randomness import Randomness

X = torch.randn(12, 2, generator=Randomness(0)("x"))
Y = torch.arange(12) % 2


def network(sigma: float = 0.3, seed: int = 0):
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return fully_connected((2, 3, 2, 2), "tanh", sigma)


BASE = InformationRequest(network(), "2", X, draws=3, repeats=4)


def test_the_answer_is_that_of_the_function_and_previews_come_before():
    first, last = BASE.stream(Workbench())
    assert (first.points, last.points) == (12, 36)
    assert last == answer(BASE) == mutual_information_input(network(), "2", X, draws=3, repeats=4)
    of_labels = answer(replace(BASE, y=Y))
    assert of_labels == mutual_information_label(network(), "2", X, Y, draws=3, repeats=4)
    assert len(list(replace(BASE, draws=1).stream(Workbench()))) == 1
    assert answer(EntropyRequest(X, 0.5)) == gaussian_mixture_entropy(X, 0.5)
    assert len(list(EntropyRequest(X[:1], 0.5).stream(Workbench()))) == 1


def test_the_key_is_what_the_number_depends_on():
    others = [
        replace(BASE, network=network(seed=1)),
        replace(BASE, network=network(sigma=0.4)),
        replace(BASE, network=fully_connected((2, 3, 2, 2), "relu", 0.3)),
        replace(BASE, layer="1"),
        replace(BASE, x=X + 1),
        replace(BASE, y=Y),
        replace(BASE, y=1 - Y),
        replace(BASE, draws=4),
        replace(BASE, repeats=5),
        replace(BASE, seed=1),
        EntropyRequest(X, 0.5),
        EntropyRequest(X, 0.4),
        EntropyRequest(X.double(), 0.5),
        EntropyRequest(X, 0.5, seed=1),
        EntropyRequest(X, 0.5, draws=1),
    ]
    assert len({BASE.key, *(other.key for other in others)}) == len(others) + 1
    assert replace(BASE, network=network()).key == BASE.key


def test_estimates_are_found_again_under_the_keys_that_were_written_down(as_written):
    """As version 0.2 makes them, of weights and inputs that need no random generator."""
    net = network()
    for value in net.parameters():
        value.data = torch.arange(value.numel()).view(value.shape) / 8
    x = torch.arange(24).view(12, 2) / 4
    base = replace(BASE, network=net, x=x)
    assert base.key == "0105d116cd28c8e45c98029036b72d3d80b26868024a5b5e2876ba83ba373698"
    assert replace(base, y=Y, seed=3, draws=1).key == "0e445d03f3e22e6d98216a6b8da42c7c9d6c8926a3a79c4d80af8969d6e74d59"
    assert EntropyRequest(x, 0.5).key == "2e70febec65b97fe282f716191b8b4d4204f3d43d10cf99fbbc6232414a2ddc1"
    assert (
        EntropyRequest(x.double(), 0.1, draws=4, seed=2).key
        == "cb86248f3d9fbeadb15cb4770b5e9671058ea514d0792eef4700adbff265bedd"
    )


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (replace(BASE, network=network(0)), "expected a noise σ above 0"),
        (replace(BASE, layer="3"), "expected a hidden layer of 1, 2"),
        (replace(BASE, y=Y[:3]), "expected one label for each of 12 samples"),
        (replace(BASE, network=fully_connected((2, 33, 2), "tanh", 0.3), layer="1"), "expected at most 32 units"),
        (EntropyRequest(X, -1.0), "expected a noise σ above 0"),
        (EntropyRequest(torch.zeros(3, 33), 1.0), "expected at most 32 units"),
    ],
)
def test_what_cannot_be_estimated_is_refused_in_a_sentence(request_, sentence):
    assert request_.refusal().startswith(sentence)
    with pytest.raises(ValueError, match=sentence):
        answer(request_)
    assert replace(request_, force=True).refusal_key != request_.refusal_key


def test_what_can_be_is_not():
    assert BASE.refusal() is None
    assert replace(BASE, y=Y).refusal() is None
    assert EntropyRequest(torch.zeros(3, 33), 1.0, force=True).refusal() is None
