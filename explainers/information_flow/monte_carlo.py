"""A mean over random draws, with its error and interval, less noisy by what is known of the draws."""

import math

import numpy as np
import torch
from scipy.stats import t as student
from torch import Tensor

from explainers.information_flow.records import Estimate


def averaged(values: Tensor, control: Tensor, confidence: float) -> tuple[Estimate, Tensor]:
    r"""The mean of `values` (strata, draws) of independent draws, and the values less what the control explains.

    `control`, of the same shape, has the known mean 0. With the regression b of the values on it within the strata,

    .. math:: \hat v = \operatorname{mean}(v - b\,c),\qquad
              \text{error}^2 = \frac1{m^2}\sum_j \frac{\hat s_j^2}{k},\qquad
              b = \frac{\sum (v-\bar v_j)(c-\bar c_j)}{\sum (c-\bar c_j)^2}

    the noise that they share is gone; ŝ_j² is the variance of the rest in stratum j. With one draw in each stratum the
    spread between the strata counts as error, too, which is then rather too large.
    """
    shape = values.shape
    if shape[1] == 1:
        values, control = values.T, control.T
    strata, draws = values.shape
    spread, explained = (one - one.mean(1, keepdim=True) for one in (values, control))
    power = explained.square().sum()
    slope = (spread * explained).sum() / power if power > 0 else power
    freedom = strata * (draws - 1)
    rest = (spread - slope * explained).square().sum().item()
    # One degree of freedom went into b.
    error = math.sqrt(rest / (draws * (draws - 1)) * freedom / (freedom - 1)) / strata if freedom > 1 else math.inf
    kept = values - slope * control
    value = kept.mean().item()
    width = error and error * float(student.ppf((1 + confidence) / 2, max(freedom - 1, 1)))
    return Estimate(value, error, value - width, value + width, confidence), kept.reshape(shape)


def bootstrap_over_inputs(values: Tensor, confidence: float, seed: int, resamples: int = 1000) -> tuple[float, float]:
    """The percentile interval of the mean of `values` (n,), one for each input, the inputs drawn anew."""
    data, rng = values.cpu().numpy(), np.random.default_rng(seed)
    # Some 2 MB at a time, whatever the number of inputs.
    batch = max(1, 250_000 // len(data))
    parts = [min(batch, resamples - start) for start in range(0, resamples, batch)]
    means = np.concatenate([data[rng.integers(0, len(data), (part, len(data)))].mean(1) for part in parts])
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
    return low, high


def by_center(values: Tensor, count: int) -> Tensor:
    """Values (n, draws) of points whose centre is that of their place mod `count`, as means over those that share it.

    Where there is but one centre it is no draw: the points are then independent as they are.

    >>> by_center(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), 2)
    tensor([[2., 3.]])
    """
    if count == 1 or count >= values.shape[1]:
        return values
    return torch.stack([values[:, place::count].mean(1) for place in range(count)], 1)
