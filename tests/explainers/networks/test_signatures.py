"""A changed network is known to be another: a setting, a function, a value that its code reads."""

import array
import copy
import functools
import importlib.util
import operator
import threading
import types
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explainers.baselines.explain import attribute
from explainers.networks.signatures import _lies_in_packages, signature

config = types.ModuleType("config")
config.SLOPE = 1.0
LEAKY = nn.LeakyReLU(0.5)
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


class OneSlot:
    __slots__ = "slope"

    def __init__(self) -> None:
        self.slope = 1.0


class HiddenSlot:
    __slots__ = ("__slope",)

    def __init__(self) -> None:
        self.set(1.0)

    def set(self, slope: float) -> None:
        self.__slope = slope

    def get(self) -> float:
        return self.__slope


class Settings(dict):
    """With values of its own beside those that it holds."""


class Silent:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


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
        self.slots, self.attributes = (OneSlot(), HiddenSlot()), Settings()
        self.attributes.slope = 1.0
        self.queue, self.numbers, self.bytes = deque([1.0]), array.array("d", [1.0]), bytearray([1])
        self.first, self.second = functools.partial(torch.mul, other=1.0), functools.partial(torch.mul, other=1.0)
        self.rows, self.columns = slice(0, 6), slice(0, 6)

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
    "a setting in a file of settings": (
        lambda net, y: y.relu() * config.SLOPE,
        lambda m, net: m.setattr(config, "SLOPE", 3.0),
    ),
    "a function of torch": (
        lambda net, y: F.elu(y),
        lambda m, net: m.setattr(F, "elu", lambda y: 3 * y.relu()),
    ),
    "the only slot": (
        lambda net, y: y.relu() * net.slots[0].slope,
        lambda m, net: m.setattr(net.slots[0], "slope", 3.0),
    ),
    "a private slot": (lambda net, y: y.relu() * net.slots[1].get(), lambda m, net: net.slots[1].set(3.0)),
    "an attribute of a dictionary": (
        lambda net, y: y.relu() * net.attributes.slope,
        lambda m, net: m.setattr(net.attributes, "slope", 3.0),
    ),
    "a number in a queue": (lambda net, y: y.relu() * net.queue[0], lambda m, net: operator.setitem(net.queue, 0, 3.0)),
    "a number in an array of Python": (
        lambda net, y: y.relu() * net.numbers[0],
        lambda m, net: operator.setitem(net.numbers, 0, 3.0),
    ),
    "a byte": (lambda net, y: y.relu() * net.bytes[0], lambda m, net: operator.setitem(net.bytes, 0, 3)),
    "the second of two partial functions": (
        lambda net, y: net.second(net.first(y.relu())),
        lambda m, net: operator.setitem(net.second.keywords, "other", 3.0),
    ),
    "the second of two slices": (
        lambda net, y: y.relu()[:, :, net.rows, net.columns],
        lambda m, net: m.setattr(net, "columns", slice(3, 6)),
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
    assert torch.allclose(attribute("lrp", net, None, x, target=1).sum(), score, rtol=1e-4, atol=1e-5)


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
    net.quantised = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)
    net.nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])
    net.silent = {Silent()}
    net.sparse = torch.eye(3).to_sparse()
    net.nowhere = torch.ones(2, device="meta")
    net.unknown, net.linked = torch.tensor([torch.nan]), Held()
    held = net.linked
    for _ in range(5000):
        held.next = held = Held()
    assert signature(net) == signature(net)
    assert attribute("saliency", net.eval(), None, torch.randn(1, 3, 8, 8), target=1).isfinite().all()


def test_a_part_that_is_not_registered_is_read() -> None:
    net = Net(lambda net, y: LEAKY(net.hidden[0](y)))
    net.hidden = [nn.LeakyReLU(0.5)]
    for part in (LEAKY, net.hidden[0]):
        before = signature(net)
        part.negative_slope = 0.25
        assert before != signature(net)


def test_a_file_that_is_run_by_hand_is_read(tmp_path) -> None:
    (tmp_path / "by_hand.py").write_text("SLOPE = 1.0\ndef act(y):\n    return y.relu() * SLOPE\n")
    found = importlib.util.spec_from_file_location("by_hand", tmp_path / "by_hand.py")
    by_hand = importlib.util.module_from_spec(found)
    found.loader.exec_module(by_hand)
    net, act = Net(lambda net, y: act(y)), by_hand.act
    before = signature(net)
    by_hand.SLOPE = 3.0
    assert before != signature(net)


@pytest.mark.parametrize("linked", ["folder", "file"])
def test_packages_that_are_reached_by_a_link_are_taken_as_they_are(linked: str, tmp_path) -> None:
    file = Path(np.__file__)
    if linked == "folder":
        (tmp_path / "packages").symlink_to(file.parent)
        reached = tmp_path / "packages" / file.name
    else:
        (tmp_path / file.name).symlink_to(file)
        reached = tmp_path / file.name
    assert _lies_in_packages(str(reached))
    assert not _lies_in_packages(__file__)


def test_what_python_notes_on_a_class_is_no_change() -> None:
    class Copied:
        slope = 1.0

    net = Net(lambda net, y: y.relu())
    net.copied = Copied()
    before = signature(net)
    copy.deepcopy(net.copied)
    assert "__slotnames__" in vars(Copied)
    assert before == signature(net)
