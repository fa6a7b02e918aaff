"""What a recipe asks of a network at the beginning and in every step."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explainers.checkpoints.load import read_state_dict
from explainers.networks.catalogue import load_network
from explainers.networks.specs import NETWORKS
from explainers.train.objectives import half_width
from explainers.train.pruning import prune_to
from explainers.train.recipes import Recipe


class Asked:
    """The loss of a recipe's steps; networks that it learns from or begins with are those that ship.

    `depends_on` tells their weights from others. Raises WeightsUnavailable or FileNotFoundError where one is missing.
    """

    def __init__(self, recipe: Recipe, device: str) -> None:
        self.recipe = recipe
        self.depends_on: tuple[str, ...] = ()
        self.mean, self.std = (torch.tensor(v, device=device).view(3, 1, 1) for v in (recipe.mean, recipe.std))
        kept = () if recipe.kept is None else (recipe.kept,)
        self.shares = (*(recipe.through or ()), *kept)
        self.teacher: nn.Module | None = None
        if recipe.teacher is not None:
            known = load_network(recipe.teacher.teacher, device)
            self.teacher, self.depends_on = known.module, (known.fingerprint,)

    def begin(self, net: nn.Module) -> nn.Module:
        """`net` with the weights that it begins with, pruned where that is asked."""
        if self.recipe.origin is not None:
            state = read_state_dict(NETWORKS / f"{self.recipe.origin}.safetensors")
            net.load_state_dict({name: value.float() for name, value in state.items()})
            self.depends_on += tuple(f"{name} {value.double().sum().item()!r}" for name, value in state.items())
        if self.shares:
            prune_to(net, self.shares[0])
        return net.to(memory_format=torch.channels_last) if self.recipe.channels_last else net

    def prune(self, net: nn.Module, step: int, steps: int) -> None:
        """Before that step: to the share that is due, each of those on the way in an equal part of the first half."""
        before, now = (self.shares[: 2 * len(self.shares) * at // steps + 1][-1:] for at in (max(step - 1, 0), step))
        if before != now:
            prune_to(net, *now)

    def loss(self, net: nn.Module, x: Tensor, expected: Tensor) -> Tensor:
        """Of a batch in network units; a picture that is given back is compared in those units, too."""
        if self.recipe.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        if self.recipe.attack is not None:
            x = self.recipe.attack.on(net, x, expected, self.mean, self.std, self.recipe.float32)
        with half_width(x.device.type, self.recipe.float32):
            logits = net(x)
        if self.recipe.reconstructs:
            return F.mse_loss((logits.float() - self.mean) / self.std, x)
        if self.recipe.teacher is None or self.teacher is None:
            return F.cross_entropy(logits.float(), expected)
        with torch.no_grad(), half_width(x.device.type, self.recipe.float32):
            taught = self.teacher(x)
        return self.recipe.teacher.loss(logits.float(), taught.float(), expected)
