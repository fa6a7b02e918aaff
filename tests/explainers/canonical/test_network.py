"""Canonised copies: the same function, in a form on which backward rules are right."""

import threading
from collections import Counter

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from explainers.canonical.network import NotCanonical, canonical_view, canonise, kinds, node_kind
from tests.support.baselines_zoo import OTHERS, RECTIFIED, DataDependent, build

torch.set_num_threads(1)


@pytest.mark.parametrize("name", [*RECTIFIED, *OTHERS])
def test_the_logits_do_not_move(name: str) -> None:
    net, x = build(name)
    with torch.no_grad():
        assert torch.allclose(canonise(net, x)(x), net(x), rtol=0, atol=1e-10 * float(net(x).abs().max()))


@pytest.mark.parametrize("name", ["ResNet-8", "careless", "MobileNetV2"])
def test_the_logits_do_not_move_in_single_precision(name: str) -> None:
    net, x = build(name, torch.float32)
    with torch.no_grad():
        assert torch.allclose(canonise(net, x)(x), net(x), rtol=0, atol=1e-4 * float(net(x).abs().max()))


@pytest.mark.parametrize("name", RECTIFIED)
def test_every_module_is_used_once_and_every_tensor_read_once(name: str) -> None:
    net, x = build(name)
    graph = canonise(net, x)
    uses = Counter(node.target for node in graph.graph.nodes if node.op == "call_module")
    assert set(uses.values()) == {1}
    for node, kind in kinds(graph):
        readers = [u for u in node.users if node_kind(graph, u) is not None or u.op == "output"]
        copied = all(u.op == "call_module" and u.target.startswith("copy_") for u in readers)
        assert len(readers) == 1 or copied, (node, kind)
    assert not any(kind == "other" for _, kind in kinds(graph))


@pytest.mark.parametrize("name", [n for n in RECTIFIED if n != "DenseNet"])
def test_normalisations_are_merged_where_a_convolution_precedes(name: str) -> None:
    net, x = build(name)
    assert not any(kind == "normalisation" for _, kind in kinds(canonise(net, x)))


def test_every_kind_of_relu_becomes_a_rectifier() -> None:
    class Several(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.relu(self.relu(x))
            return torch.relu(F.relu(x, inplace=True)).relu().relu_() + F.relu6(x)

    found = [kind for _, kind in kinds(canonise(Several(), torch.zeros(1, 3, 4, 4)))]
    assert found.count("rectifier") == 7
    assert found.count("sum") == 1


def test_the_module_is_left_as_it_was() -> None:
    net, x = build("careless")
    before = {key: value.clone() for key, value in net.state_dict().items()}
    attributes = {path: set(vars(part)) for path, part in net.named_modules()}
    canonise(net, x)
    assert net.relu.inplace
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert attributes == {path: set(vars(part)) for path, part in net.named_modules()}
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in net.modules())


def test_merged_weights_follow_a_change_of_the_network() -> None:
    net, x = build("ResNet-8")
    canonise(net, x)
    net.bn1.weight.data.mul_(1.5)
    with torch.no_grad():
        assert torch.allclose(canonise(net, x)(x), net(x), rtol=1e-9)


def test_copies_share_the_weights_that_were_not_merged() -> None:
    net, x = build("alexnet")
    shared = {t.data_ptr() for t in net.parameters()}
    assert {t.data_ptr() for t in canonise(net, x).parameters()} <= shared
    assert canonise(net, x) is not canonise(net, x)
    assert canonical_view(net, x) is canonical_view(net, x)


def test_a_branch_on_values_is_refused_with_the_reason() -> None:
    with pytest.raises(NotCanonical, match="cannot be written down as a graph"):
        canonise(DataDependent().eval(), torch.zeros(1, 3, 8, 8))


def test_reliance_on_writing_in_place_is_refused() -> None:
    class Aliased(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = x * 1.0
            z = y.relu_()
            return y + z

    with pytest.raises(NotCanonical, match="in place"):
        canonise(Aliased(), torch.zeros(1, 3, 4, 4))


def test_tracing_does_not_disturb_other_threads() -> None:
    net, x = build("ResNet-8")
    with torch.no_grad():
        expected = net(x)
    wrong, stop = [], threading.Event()

    def use() -> None:
        while not stop.is_set():
            with torch.no_grad():
                try:
                    if not torch.equal(net(x), expected):
                        wrong.append("value")
                except Exception as problem:
                    wrong.append(repr(problem))

    thread = threading.Thread(target=use)
    thread.start()
    for name in ("careless", "U-Net", "alexnet"):
        canonise(*build(name))
    stop.set()
    thread.join()
    assert wrong == []
