"""The smallest perturbation that makes a network say another class: an attack of foolbox, then back to the boundary."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from explainers.networks.catalogue import Network

LIBRARY = "foolbox"
MISSING = "expected foolbox, which attacks networks, found none; install it: pip install '.[attacks]'"
STEPS = 20
# A perturbation ends so close before the boundary: with this share of it the class is not reached.
SHORT = 0.99
HALVINGS, MOST_STEPS = 12, 300


@dataclass(frozen=True)
class Perturbations:
    """Of one picture towards each of `targets`, a class each: `values` (N, 3, H, W) in units of pixels in [0, 1].

    `reached` (N,): whether picture + value is answered with the target, and picture + 0.99 · value is not. `norms` (N,)
    are Euclidean, over all pixels and channels; NaN where the target was not reached.
    """

    targets: tuple[int, ...]
    values: Tensor = field(repr=False)
    reached: Tensor = field(repr=False)

    @property
    def norms(self) -> Tensor:
        """‖ε‖₂ of each."""
        return torch.where(self.reached, self.values.square().sum((1, 2, 3)).sqrt(), torch.nan)


def smallest_perturbations(network: Network, x: Tensor, targets: Sequence[int], steps: int = STEPS) -> Perturbations:
    """The smallest that were found for a picture `x` (3, H, W) in network units, in `steps` steps of the attack.

    Fast minimum norm (Pintor et al., NeurIPS 2021), by foolbox, on pixels in [0, 1] with the normalisation inside
    the model; what it finds is then scaled down until it just reaches the target.

    Raises ModuleNotFoundError, one sentence, without foolbox, and ValueError for a target that is no other class than
    the network's answer.
    """
    foolbox = _foolbox()
    normal: Any = {"mean": list(network.mean), "std": list(network.std), "axis": -3}
    model: Any = foolbox.PyTorchModel(network.module, bounds=(0, 1), preprocessing=normal, device=x.device)
    mean, std = (torch.tensor(part, device=x.device).view(3, 1, 1) for part in (network.mean, network.std))
    picture = (x * std + mean).clamp(0, 1)
    wanted = torch.tensor(list(targets), device=x.device)
    answer = int(model(picture[None]).argmax())
    if answer in targets or not len(wanted) or not 0 <= min(targets) <= max(targets) < len(network.classes):
        raise ValueError(
            f"expected classes from 0 to {len(network.classes) - 1} other than the answer {answer}, "
            f"got {tuple(targets)}; choose others"
        )
    pictures = picture.expand(len(wanted), -1, -1, -1).contiguous()
    attack = foolbox.attacks.L2FMNAttack(steps=steps)
    found: Tensor = attack(model, pictures, foolbox.criteria.TargetedMisclassification(wanted), epsilons=None)[0]
    return Perturbations(tuple(targets), *_to_the_boundary(model, pictures, found - pictures, wanted))


def likeliest_wrong(network: Network, x: Tensor, count: int) -> list[int]:
    """The `count` likeliest classes of a picture (3, H, W) but for the answer, or all if there are fewer.

    >>> from explainers import load_network
    >>> net = load_network("resnet20-cifar10")
    >>> len(likeliest_wrong(net, torch.zeros(3, 32, 32), 20))
    9
    """
    with torch.no_grad():
        order = network.module(x[None])[0].argsort(descending=True, stable=True)
    return order[1 : count + 1].tolist()


@torch.no_grad()
def _to_the_boundary(model: Any, pictures: Tensor, moved: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """The perturbations `moved` made as short as they still reach their class, and which of them do."""

    def reaches(share: Tensor) -> Tensor:
        return model(pictures + share.view(-1, 1, 1, 1) * moved).argmax(1) == wanted

    low, high = torch.zeros(len(wanted), device=moved.device), torch.ones(len(wanted), device=moved.device)
    reached = reaches(high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        there = reaches(middle)
        low, high = torch.where(there, low, middle), torch.where(there, middle, high)
    # On its way a perturbation may cross the boundary more than once.
    for _ in range(MOST_STEPS):
        shorter = reaches(SHORT * high) & reached
        if not shorter.any():
            break
        high = torch.where(shorter, SHORT * high, high)
    values = high.view(-1, 1, 1, 1) * moved
    reached = reached & (model(pictures + values).argmax(1) == wanted)
    return values, reached & (model(pictures + SHORT * values).argmax(1) != wanted)


def _foolbox() -> Any:
    try:
        return importlib.import_module(LIBRARY)
    except ModuleNotFoundError:
        raise ModuleNotFoundError(MISSING) from None
