"""What an estimate says: a number in nats, how sure it is, and what there is to be said against it."""

import math
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

# - near ceiling: at least `NEAR` of the most that so many samples can show; the truth may be far higher.
# - unequal draws: the inputs stand with other numbers of draws behind h(T) than behind h(T|X), which fakes compression.
# - many dimensions: from `MANY_UNITS` units on no estimator of this kind is accurate with samples that one can have.
# - few repeats: so few propagations of each input that h(T|X) is known to `GAP` nats at best.
# - deterministic: a network without noise, whose value is exact and says nothing of its layers.
Flag = Literal["near ceiling", "unequal draws", "many dimensions", "few repeats", "deterministic"]
NEAR = 0.95
GAP = 0.1
MANY_UNITS = 15
# More units are refused unless forced.
MOST_UNITS = 32
CONFIDENCE = 0.95


class Bits(NamedTuple):
    """The numbers of an estimate in bits."""

    value: float
    error: float
    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """A number in nats from Monte Carlo.

    - `value`, and `error`, the standard error that the random draws give it.
    - `low`, `high`: the ends of the interval of `confidence` for what infinitely many draws would give, by Student's t.
      They know nothing of what too few samples of the data do: see `Information`.
    - `flags`: what there is to be said against it, in short names (`Flag`).
    """

    value: float
    error: float
    low: float
    high: float
    confidence: float = CONFIDENCE
    flags: tuple[Flag, ...] = ()

    @property
    def bits(self) -> Bits:
        """The same in bits.

        >>> Estimate(math.log(2), 0.0, math.log(2), math.log(2)).bits.value
        1.0
        """
        value, error, low, high = (one / math.log(2) for one in (self.value, self.error, self.low, self.high))
        return Bits(value, error, low, high)


@dataclass(frozen=True)
class Information(Estimate):
    """A mutual information between a layer T and the inputs X, or their labels Y, in nats.

    `value`, `error`, `low` and `high` are those of the random draws alone, for these very inputs. Beyond `Estimate`:

    - `over_inputs`: the ends of the bootstrap interval over the inputs (drawn anew with replacement, the density of T
      kept), for inputs that are themselves a sample; it says nothing of the bias that their number causes.
    - `ceiling`: the most that the estimate can be: log n for X, the entropy of the labels for Y.
    - `upper`: for inputs that are independent samples, an estimate whose mean is not below the truth: the density at a
      point lacks the input that the point comes from. The mean of `value` − `gap` is not above it. For Y: the ceiling.
    - `entropy`, `conditional`: h(T) and the mean of h(T|X), or h(T|Y), as estimated.
    - `gap`: what h(T|X) may lie above `conditional`, in nats, for each mixture has only so many centres: from the same
      draws with each left out of its own mixture. 0 in the first layer, where h(T|X) is exact.
    - `n`, `d`: the numbers of inputs and units; `draws`: how many propagations of each input stand behind h(T) and
      behind the conditional; `points`: how many draws of T both were averaged over.
    """

    over_inputs: tuple[float, float] = (math.nan, math.nan)
    ceiling: float = math.inf
    upper: float = math.inf
    entropy: Estimate | None = field(default=None, repr=False)
    conditional: Estimate | None = field(default=None, repr=False)
    gap: float = 0.0
    n: int = 0
    d: int = 0
    draws: tuple[int, int] = (1, 1)
    points: int = 0
