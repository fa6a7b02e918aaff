"""Methods that look at one layer's feature map: Grad-CAM, the layer's gradient, its activation."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from explainers.baselines.case import Case, enlarge
from explainers.baselines.gradient import guided_gradient
from explainers.norms import norm


class Mark(nn.Module):
    """The place that the feature of one call of one layer passes through, as a map (B, C, h, w).

    What passes is a copy before and after: the network may write into what it reads further on.
    """

    def forward(self, feature: Tensor) -> Tensor:
        """The same values in a tensor of its own."""
        return feature.clone()


def mark(net: nn.Module, case: Case) -> Mark:
    """Put a Mark behind the case's layer in the private copy `net`; its feature goes through it once.

    The feature goes through as a map of its positions, and on as it was; tokens without a position keep their values.
    """
    (path, call), layout = case.located()
    marker, count = Mark(), [0]

    def start(module: nn.Module, args: tuple[object, ...]) -> None:
        count[0] = 0

    def pass_through(module: nn.Module, args: tuple[object, ...], output: Tensor) -> Tensor | None:
        count[0] += 1
        if count[0] - 1 != call:
            return None
        return layout.gather(output, marker(layout.spread(output))).clone()

    net.register_forward_pre_hook(start)
    (net.get_submodule(path) if path else net).register_forward_hook(pass_through)
    return marker


def keep_output(marker: Mark) -> tuple[list[Tensor], RemovableHandle]:
    """A list that gets the feature of each forward pass, until the handle is removed."""
    kept: list[Tensor] = []

    def keep(module: nn.Module, args: tuple[object, ...], output: Tensor) -> None:
        kept.append(output)

    return kept, marker.register_forward_hook(keep)


def grad_cam(case: Case, relu: bool = True) -> Tensor:
    """max(0, Σ_k α_k A_k) with α_k the mean of ∂y/∂A_k over positions, enlarged bilinearly.

    Selvaraju et al., "Grad-CAM", ICCV 2017, Eq. 1 and 2. `relu=False` leaves the negative values.
    """
    feature, gradient = _feature_and_gradient(case)
    maps = (gradient.mean((2, 3), keepdim=True) * feature).sum(1, keepdim=True)
    return enlarge(maps.relu() if relu else maps, case.size)


def guided_grad_cam(case: Case) -> Tensor:
    """Guided backpropagation times the enlarged Grad-CAM map, summed over channels: Selvaraju et al., section 3.2."""
    return guided_gradient(case).sum(1, keepdim=True) * grad_cam(case)


def layer_gradient(case: Case) -> Tensor:
    """√(Σ_c (∂y/∂f_c)²) at each position of the layer's feature f, enlarged bilinearly: the paper's "gradient"."""
    _, gradient = _feature_and_gradient(case)
    return enlarge(norm(gradient, dim=1, keepdim=True), case.size)


def _feature_and_gradient(case: Case) -> tuple[Tensor, Tensor]:
    """The layer's feature as a map and the score's gradient by it, zero where the score does not use it."""
    scores = case.plain()
    marker = mark(scores.net, case)
    # Whether the feature has a gradient by the picture does not matter here.
    marker.register_forward_hook(lambda module, args, output: output.detach().requires_grad_())
    kept, _ = keep_output(marker)
    score = scores(case.inputs).gather(1, case.goal()[:, None]).sum()
    feature = kept[0].detach()
    if not score.requires_grad:
        return feature, torch.zeros_like(feature)
    (gradient,) = torch.autograd.grad(score, kept[0], allow_unused=True, materialize_grads=True)
    return feature, gradient


def scores_of_feature(case: Case) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """What follows the layer, for the first picture: maps (B, C, h, w) -> scores (B, classes), and its own map."""
    scores = case.plain()
    marker = mark(scores.net, case)
    given: list[Tensor] = []
    kept, keeping = keep_output(marker)
    picture = case.inputs[:1]
    with torch.no_grad():
        scores(picture)
    keeping.remove()
    marker.register_forward_hook(lambda module, args, output: given[0])

    def follow(feature: Tensor) -> Tensor:
        given[:] = [feature]
        return scores(picture.expand(len(feature), *picture.shape[1:]))

    return follow, kept[0]


def activation(case: Case) -> Tensor:
    """√(Σ_c f_c²) at each position of the layer's feature f, enlarged bilinearly."""
    scores = case.plain()
    kept, _ = keep_output(mark(scores.net, case))
    with torch.no_grad():
        scores(case.inputs)
    return enlarge(norm(kept[0], dim=1, keepdim=True), case.size)
