"""A changed network is known to be another: a setting, a function, a value that its code reads."""

import functools
import operator
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explainers.baselines import attribute
from explainers.signatures import signature

SLOPE = 1.0
TABLE = {"slopes": [1.0, 2.0]}
ARRAY = np.array([1.0, 2.0])


def bent(y: Tensor) -> Tensor:
    return slope_of(y) * SLOPE


def slope_of(y: Tensor) -> Tensor:
    return y.relu()


@dataclass
class Held:
    slope: float = 1.0


class Slotted:
    __slots__ = ("slope",)

    def __init__(self) -> None:
        self.slope = 1.0


class Base(nn.Module):
    FACTOR = 1.0

    def act(self, y: Tensor) -> Tensor:
        return y.relu() * self.FACTOR

    @property
    def half(self) -> float:
        return 0.5


class Net(Base):
    """A network whose middle does `middle`, given itself."""

    def __init__(self, middle: Callable) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.conv, self.next = nn.Conv2d(3, 6, 3, bias=False), nn.Conv2d(6, 6, 3, bias=False)
            self.fc = nn.Linear(6, 4, bias=False)
        self.middle = middle
        self.held, self.slotted, self.array, self.tensor = Held(), Slotted(), np.ones(1), torch.ones(1)
        self.settings = {"slopes": (1.0, [1.0])}

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(F.relu(self.next(self.middle(self, self.conv(x)))).mean((2, 3)))


def set_global(monkeypatch: pytest.MonkeyPatch, net: Net) -> None:
    monkeypatch.setitem(globals(), "SLOPE", 3.0)


def set_inner_function(monkeypatch: pytest.MonkeyPatch, net: Net) -> None:
    monkeypatch.setitem(globals(), "slope_of", lambda y: 3 * y.relu())


def set_in_table(monkeypatch: pytest.MonkeyPatch, net: Net) -> None:
    monkeypatch.setitem(TABLE, "slopes", [3.0])


def set_in_array(monkeypatch: pytest.MonkeyPatch, net: Net) -> None:
    monkeypatch.setattr(net, "array", net.array)
    net.array[0] = 3.0


def set_in_tensor(monkeypatch: pytest.MonkeyPatch, net: Net) -> None:
    net.tensor.numpy()[0] = 3.0


CHANGES: dict[str, tuple[Callable, Callable]] = {
    "a global": (lambda net, y: bent(y), set_global),
    "a function that a function calls": (lambda net, y: bent(y), set_inner_function),
    "a value in a global table": (lambda net, y: y.relu() * TABLE["slopes"][0], set_in_table),
    "a class attribute": (lambda net, y: net.act(y), lambda m, net: m.setattr(Base, "FACTOR", 3.0)),
    "a method of a base class": (
        lambda net, y: net.act(y),
        lambda m, net: m.setattr(Base, "act", lambda self, y: 3 * y.relu()),
    ),
    "a property": (
        lambda net, y: y.relu() * net.half,
        lambda m, net: m.setattr(Base, "half", property(lambda self: 3.0)),
    ),
    "forward of the class": (
        lambda net, y: y.relu(),
        lambda m, net: m.setattr(Net, "forward", lambda self, x: self.fc(self.conv(x).relu().mean((2, 3)))),
    ),
    "forward of a class of torch": (
        lambda net, y: y.relu(),
        lambda m, net: m.setattr(nn.Linear, "forward", lambda self, x: 3 * F.linear(x, self.weight)),
    ),
    "forward of one part": (
        lambda net, y: y.relu(),
        lambda m, net: m.setattr(net.next, "forward", lambda y: F.conv2d(y, 3 * net.next.weight, padding=1)),
    ),
    "an attribute of a held object": (
        lambda net, y: y.relu() * net.held.slope,
        lambda m, net: m.setattr(net.held, "slope", 3.0),
    ),
    "a slot of a held object": (
        lambda net, y: y.relu() * net.slotted.slope,
        lambda m, net: m.setattr(net.slotted, "slope", 3.0),
    ),
    "a number in an array": (lambda net, y: y.relu() * float(net.array[0]), set_in_array),
    "a number in a tensor that is no buffer": (lambda net, y: y.relu() * net.tensor, set_in_tensor),
    "a list in a tuple in a dictionary": (
        lambda net, y: y.relu() * net.settings["slopes"][1][0],
        lambda m, net: operator.setitem(net.settings["slopes"][1], 0, 3.0),
    ),
    "an exchanged part": (
        lambda net, y: y.relu(),
        lambda m, net: m.setattr(net, "next", nn.Conv2d(6, 6, 1, bias=False)),
    ),
    "an argument of a partial function": (
        lambda net, y: y.relu(),
        lambda m, net: m.setattr(net, "middle", functools.partial(lambda slope, net, y: slope * y.relu(), 3.0)),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_network_is_explained_as_it_is_now(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    middle, edit = CHANGES[change]
    net, x = Net(middle).eval(), torch.randn(1, 3, 8, 8)
    attribute("lrp", net, None, x, target=1)
    before, said = signature(net), net(x)[0, 1].item()
    assert before == signature(net)
    edit(monkeypatch, net)
    assert before != signature(net)
    score = net(x)[0, 1]
    assert abs(score.item() - said) > 1e-3 * abs(said)
    assert torch.allclose(attribute("lrp", net, None, x, target=1).sum(), score, rtol=1e-4)


def test_what_is_never_read_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(lambda net, y: bent(y)).eval()
    before = signature(net)
    monkeypatch.setitem(globals(), "ARRAY", np.zeros(3))
    net.train()
    with torch.no_grad():
        net.fc.weight.mul_(2)
    assert before == signature(net)


def test_objects_of_every_kind_can_be_held() -> None:
    net = Net(lambda net, y: y.relu())
    net.odd = [threading.Lock(), iter([1]), {1, 2}, object(), np.array(["a", None], dtype=object), range(3), Ellipsis]
    net.itself, net.odd_cycle = [net], []
    net.odd_cycle.append(net.odd_cycle)
    net.sparse = torch.eye(3).to_sparse()
    net.nowhere = torch.ones(2, device="meta")
    assert signature(net) == signature(net)
