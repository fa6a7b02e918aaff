"""What a map was asked with and what came out: two frozen records."""

import math
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

# Entropy of a Gaussian of standard deviation σ is log σ + ENTROPY_CONSTANT nats.
ENTROPY_CONSTANT = 0.5 * math.log(2 * math.pi * math.e)

# Of a result that is called converged, in nats; and the share of the mean that one sample may bear.
LOSS_TOLERANCE = 0.1
HEAVY_TAIL = 0.1

METHODS = ("two-stage", "paper")
# What a result of any method tells of its cost.
COST = ("forward_passes", "backward_passes", "seconds")


@dataclass(frozen=True)
class CIDSettings:
    """How a CID map is computed; the defaults are the paper's values where it has one.

    - `beta`: the constraint E‖f'−f‖² = β δ_f², 1e-6 to 1e-1.
    - `grid`: cells along the shorter side; None: one per pixel up to 96×96, else about 16.
    - `refine`: False keeps the closed form, which is exact where h is linear.
    - `method`: "two-stage", or "paper" for the published descent (Eq. 3).
    - `probes`: at most so many backward passes for the closed form.
    - `seed`: of all noise. Same inputs, same seed, same map.

    Raises ValueError for values outside these ranges.
    """

    beta: float = 1.5e-4
    grid: int | None = None
    refine: bool = True
    method: str = "two-stage"
    probes: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1e-6 <= self.beta <= 1e-1:
            raise ValueError(f"expected beta between 1e-6 and 1e-1, got {self.beta:g}")
        if self.grid is not None and self.grid < 1:
            raise ValueError(f"expected a grid of at least one cell, got {self.grid}")
        if self.method not in METHODS:
            raise ValueError(f"expected a method of {', '.join(METHODS)}, got {self.method!r}")
        if self.probes < 8:
            raise ValueError(f"expected at least 8 probes, got {self.probes}")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"expected a seed from 0 to 2⁶³−1, got {self.seed}")


@dataclass(frozen=True)
class CIDResult:
    """CID maps of B pictures, with everything that says how far to trust them.

    - `entropy` (B, 1, H, W): nats per input variable; +inf where the feature does not use the cell.
    - `sigma` (B, 1, rows, columns): standard deviation per cell, in network units.
    - `mean` (B,): mean entropy over bounded cells, nats per input variable.
    - `mean_error` (B,): the standard error of `mean` that comes from the estimate of δ_f², and in a refined map from
      the scale of σ, at which the constraint is `constraint` and not 1. Before the end, how far `mean` may be from that
      of the finished map (`explainers/cid/nearness.py`); NaN where that is not known.
    - `loss` (B,): an estimate, to second order and rather too large, of what the mean entropy lies below its maximum,
      in nats, and `loss_error` (B,) its standard error; `loss` + 2 `loss_error` is the limit. From noise that was not
      used to find σ (`explainers/cid/optimality.py`). Where the closed form is the answer it is what errors of its
      probes cost, and what h's being only nearly linear may cost (`explainers/cid/curvature.py`).
      NaN where neither has been measured: before the end, in a closed form that does not meet the constraint, in the
      published descent.
    - `delta_f2` (B,): ‖J‖_F².
    - `constraint` (B,): E‖f'−f‖² / (β δ_f²) on noise that had no part in the shape of σ, much of it drawn after the
      last scaling; 1 where it holds, NaN where it has not been measured yet. `constraint_error` (B,) is its standard
      error. `largest_share` (B,): the share of the largest sample in that mean; where it is above `HEAVY_TAIL`, the
      error is not to be trusted.
    - `unbounded` (B,): number of cells the feature does not use.
    - `forward_passes`, `backward_passes`: per picture. `seconds`: spent so far.
    - `stage` ("start", "probes", "refinement" or "done") and `progress` in 0..1.
    - `converged` (B,): the constraint holds within 1 % or two standard errors, no sample bears it alone, `loss` with
      twice its error is at most `LOSS_TOLERANCE`, and noise as large as the picture's own spread on the cells that are
      not used does not move the feature.
    """

    entropy: Tensor = field(repr=False)
    sigma: Tensor = field(repr=False)
    mean: Tensor
    mean_error: Tensor
    delta_f2: Tensor
    constraint: Tensor
    constraint_error: Tensor
    largest_share: Tensor
    loss: Tensor
    loss_error: Tensor
    unbounded: Tensor
    converged: Tensor
    forward_passes: int
    backward_passes: int
    seconds: float
    stage: str
    progress: float
    settings: CIDSettings

    # No class is explained, nothing is recovered.
    target = reconstruction = None

    @property
    def preliminary(self) -> bool:
        """Whether it is not known how far off it is: a place to start from is still looked for, for one."""
        return self.stage == "start" or (self.stage != "done" and bool(self.mean_error.isnan().any()))

    @property
    def map(self) -> Tensor:
        """The entropy, by the name that the results of all methods have for their map."""
        return self.entropy

    @property
    def values(self) -> np.ndarray:
        """The first picture's map as one value per cell (rows, columns), nats."""
        entropy, (rows, columns) = self.entropy[0, 0], self.sigma.shape[-2:]
        return entropy[:: entropy.shape[0] // rows, :: entropy.shape[1] // columns].numpy()

    @property
    def numbers(self) -> dict[str, float | int]:
        """What there is to be said of the first picture's map, by the names of the fields."""
        said = {name: getattr(self, name)[0].item() for name in self._said}
        return said | {name: getattr(self, name) for name in COST}

    _said = (
        *("mean", "mean_error", "constraint", "constraint_error", "largest_share", "loss", "loss_error"),
        *("delta_f2", "unbounded", "converged"),
    )


@dataclass(frozen=True)
class RUResult(CIDResult):
    """RU maps of B pictures: the fields of `CIDResult`, and what the decoder did.

    - `entropy` (B, 1, H, W): Ĥ in nats, of pixel values in [0, 1], mean over the channels; `mean` (B,) over all pixels.
      `mean_error` (B,): the standard error of `mean` from its samples; before the end, that and what is left to gain.
    - `sigma`, `constraint`, `unbounded` and the rest: of the noise at the network's input, as for CID.
    - `reconstruction` (B, 3, H, W): g(h(x)) in [0, 1]; `error` (B,) its root mean square error.
    - `decoder_share` (B,): the share of that error, squared, in the mean of E(x − x̂')² over all pixels.
    """

    reconstruction: Tensor = field(repr=False)
    error: Tensor
    decoder_share: Tensor

    @property
    def values(self) -> np.ndarray:
        """The first picture's map, one value per pixel (H, W), nats."""
        return self.entropy[0, 0].numpy()

    _said = (*CIDResult._said, "error", "decoder_share")


def absolute_range(beta: float) -> tuple[float, float]:
    """One scale in nats for all layers and pictures, from ½ log β + C − 1.5 to ½ log β + C + 4.

    For a linear h the mean cannot fall below ½ log β + C: by the inequality of the means, that is the value
    at which every cell matters equally.

    >>> [round(end, 2) for end in absolute_range(1.5e-4)]
    [-4.48, 1.02]
    """
    floor = 0.5 * math.log(beta) + ENTROPY_CONSTANT
    return floor - 1.5, floor + 4


def reconstruction_range() -> tuple[float, float]:
    """One scale in nats for RU of all layers and pictures: errors from 1/255 to 1/2 of the range of pixel values.

    >>> [round(end, 2) for end in reconstruction_range()]
    [-4.12, 0.73]
    """
    return math.log(1 / 255) + ENTROPY_CONSTANT, math.log(0.5) + ENTROPY_CONSTANT
