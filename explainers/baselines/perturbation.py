"""Methods that change the picture and look at the score: occlusion, LIME, Kernel SHAP; by Captum.

Their random choices come from a generator of their own: nothing is drawn from, or left in, torch's global one.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
import torch
from captum._utils.models.model import Model
from captum.attr import KernelShap, Lime, Occlusion
from skimage.segmentation import slic
from sklearn.linear_model import LinearRegression, Ridge
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from explainers.baselines.case import Case
from explainers.randomness import Randomness

SAMPLES = 200
SUPERPIXELS = 49
PER_EVALUATION = 16


def window_and_stride(side: int) -> tuple[int, int]:
    """A seventh of the side, moved by half of that: 32 and 16 at 224 pixels.

    >>> window_and_stride(224), window_and_stride(32)
    ((32, 16), (5, 2))
    """
    window = max(1, round(side / 7))
    return window, max(1, window // 2)


def occlusion_passes(height: int, width: int) -> int:
    """Pictures that occlusion needs: one for each place of the window and the whole one.

    >>> occlusion_passes(224, 224)
    170
    """
    places = 1
    for side in (height, width):
        window, stride = window_and_stride(side)
        places *= math.ceil((side - window) / stride) + 1
    return places + 1


def occlusion(case: Case, baseline: float = 0.0) -> Tensor:
    """Fall of the score when a window is covered by the mean colour, averaged over the windows of a pixel.

    Zeiler, Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, section 4.2.
    """
    channels = case.inputs.shape[1]
    (high, down), (wide, across) = map(window_and_stride, case.size)
    maps = Occlusion(case.plain()).attribute(
        case.inputs,
        sliding_window_shapes=(channels, high, wide),
        strides=(channels, down, across),
        baselines=baseline,
        target=case.target,
        perturbations_per_eval=PER_EVALUATION,
    )
    return maps.mean(1, keepdim=True)


def superpixels(picture: Tensor, count: int = SUPERPIXELS) -> Tensor:
    """(H, W) numbers 0, 1, … of about `count` regions of similar colour of a picture (C, H, W); by SLIC.

    A picture without such regions (noise, one colour) is cut into squares.

    >>> superpixels(torch.rand(3, 28, 28), 9).unique().tolist()[:2]
    [0, 1]
    """
    low, high = picture.amin((1, 2), keepdim=True), picture.amax((1, 2), keepdim=True)
    scaled = ((picture - low) / (high - low).clamp(min=1e-8)).permute(1, 2, 0).cpu().double().numpy()
    labels = slic(scaled, n_segments=count, compactness=10, channel_axis=-1, start_label=0)
    numbers, regions = np.unique(labels, return_inverse=True)
    if len(numbers) < count / 2:
        return _squares(labels.shape[0], labels.shape[1], count)
    return torch.as_tensor(regions.reshape(labels.shape)).long()


def _squares(height: int, width: int, count: int) -> Tensor:
    side = max(2, round(math.sqrt(count)))
    down, across = (torch.arange(n) * min(side, n) // n for n in (height, width))
    return down[:, None] * (int(across.max()) + 1) + across


def lime(case: Case, samples: int = SAMPLES, count: int = SUPERPIXELS, seed: int = 0) -> Tensor:
    """Weights of a ridge regression of the score on which superpixels are shown, near the whole picture.

    Ribeiro, Singh, Guestrin, "Why should I trust you?", KDD 2016, Eq. 2, with the authors' ridge regression;
    hidden superpixels take the mean colour.
    """
    return _over_superpixels(case, samples, count, seed, _lime)


def kernel_shap(case: Case, samples: int = SAMPLES, count: int = SUPERPIXELS, seed: int = 0) -> Tensor:
    """Shapley values of the superpixels by regression: they sum to the score less that of the mean colour.

    Lundberg, Lee, "A unified approach to interpreting model predictions", NIPS 2017, section 4.1.
    """
    return _over_superpixels(case, samples, count, seed, _SeededKernelShap)


Making = Callable[[torch.nn.Module, torch.Generator], Lime]


def _over_superpixels(case: Case, samples: int, count: int, seed: int, make: Making) -> Tensor:
    maps: list[Tensor] = []
    for one in case.each():
        regions = superpixels(one.inputs[0], count).to(one.inputs.device)
        method = make(one.plain(), Randomness(seed)("superpixels"))
        weights = method.attribute(
            one.inputs,
            baselines=0.0,
            target=one.target,
            feature_mask=regions[None, None],
            n_samples=samples,
            perturbations_per_eval=PER_EVALUATION,
        )
        maps.append(weights[:, :1].to(one.inputs.dtype))
    return torch.cat(maps)


def _lime(scores: torch.nn.Module, generator: torch.Generator) -> Lime:
    def perturb(original: Tensor, num_interp_features: int, **_: object) -> Tensor:
        shown = torch.rand(1, num_interp_features, generator=generator) < 0.5
        return shown.long().to(original.device)

    return Lime(scores, interpretable_model=_Surrogate(Ridge(alpha=1.0)), perturb_func=perturb)


class _Surrogate(Model):
    """A linear model of scikit-learn, as Captum wants it.

    Captum's own reads the samples through the loader, and every loop over a loader draws a seed from torch's
    global generator.
    """

    def __init__(self, estimator: LinearRegression | Ridge) -> None:
        self._estimator = estimator

    def fit(self, train_data: DataLoader[tuple[Tensor, ...]], **_: object) -> dict[str, float | Tensor]:
        shown, scores, weights = (t.cpu().double().numpy() for t in cast(TensorDataset, train_data.dataset).tensors)
        self._estimator.fit(shown, scores.ravel(), sample_weight=weights.ravel())
        return {}

    def representation(self) -> Tensor:
        return torch.as_tensor(self._estimator.coef_)[None]

    def __call__(self, shown: Tensor) -> Tensor:
        return torch.as_tensor(self._estimator.predict(shown.cpu().double().numpy()))


class _SeededKernelShap(KernelShap):
    """Captum's Kernel SHAP, its coalitions drawn from a generator of its own."""

    def __init__(self, scores: torch.nn.Module, generator: torch.Generator) -> None:
        super().__init__(scores)
        self._generator, self.interpretable_model = generator, _Surrogate(LinearRegression())

    def kernel_shap_perturb_generator(
        self, original_inp: Tensor | tuple[Tensor, ...], **kwargs: Any
    ) -> Iterator[Tensor]:
        features, sizes = kwargs["num_interp_features"], kwargs["num_select_distribution"].probs
        device = (original_inp if isinstance(original_inp, Tensor) else original_inp[0]).device
        yield torch.ones(1, features, device=device, dtype=torch.long)
        yield torch.zeros(1, features, device=device, dtype=torch.long)
        while True:
            size = int(torch.multinomial(sizes.cpu(), 1, generator=self._generator))
            shown = torch.randperm(features, generator=self._generator)[:size]
            coalition = torch.zeros(1, features, dtype=torch.long)
            coalition[0, shown] = 1
            yield coalition.to(device)
