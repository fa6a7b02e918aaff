"""What the steps of a recipe look at."""

import torch
from torch import Tensor
from torch.nn import functional as F

from explainers.train.augmentation import cut_out, shifted
from explainers.train.recipes import Recipe


class Batches:
    """By step: pictures in network units, augmented, and what is expected of them.

    Every epoch has its own seed. `generator` tells how far the draws of one have come.
    """

    def __init__(self, recipe: Recipe, pictures: Tensor, labels: Tensor, seed: int) -> None:
        self.recipe, self.pictures, self.labels, self.seed = recipe, pictures, labels, seed
        self.per_epoch = len(labels) * recipe.views // recipe.batch
        self.generator, self.epoch = torch.Generator(), -1

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """The batch of a step that follows the last one asked for, or the one at which `generator` was stored."""
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self.epoch:
            self._begin(epoch, place == 0)
        rows = self.order[place * self.recipe.batch :][: self.recipe.batch].to(self.labels.device)
        x, expected = self.pictures[rows].float() / 255, self.labels[rows]
        if self.recipe.segments:
            x, expected = cut_out(x, expected, self.recipe.size, self.generator)
        else:
            x = shifted(x, self.recipe.crop_padding, self.generator, not self.recipe.handed)
        if (size := self.size(epoch)) != self.recipe.size:
            x = F.interpolate(x, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
        return normalise(x, self.recipe), expected

    def _begin(self, epoch: int, whole: bool) -> None:
        drawn = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        self.order = torch.randperm(len(self.labels) * self.recipe.views, generator=drawn) % len(self.labels)
        self.epoch = epoch
        if whole:
            self.generator.set_state(drawn.get_state())

    def size(self, epoch: int) -> int:
        """The side in pixels that pictures have in an epoch."""
        return next(side for begin, side in reversed(self.recipe.sizes) if begin <= epoch)


def normalise(x: Tensor, recipe: Recipe) -> Tensor:
    """Network units: (x − mean) / std per channel."""
    mean, std = (torch.tensor(values, device=x.device).view(3, 1, 1) for values in (recipe.mean, recipe.std))
    return (x - mean) / std
