r"""From effects to a word: what pictures and trainings say of a claim.

An effect is one number for every training and picture, positive where it is as claimed. Its mean has a percentile
bootstrap interval: pictures are drawn anew with replacement, and trainings as well where there are several.
"""

from dataclasses import dataclass

import numpy as np

from explainers.evaluation.intervals import Interval, bootstrap_interval

FOUND, NOT_FOUND, OPPOSITE, UNDECIDED = "found", "not found", "the opposite", "undecided"
NO_RESULT = "no result yet"
VERDICTS = (FOUND, NOT_FOUND, OPPOSITE, UNDECIDED, NO_RESULT)
# Fewer cannot be unlike chance at 95 %: of five coins all fall alike in 6 % of the tries.
FEWEST = 6
RESAMPLES = 2000


class Lacking(ValueError):
    """What an effect needs is not there; the message says what, in a clause."""


@dataclass(frozen=True)
class Effect:
    """`values` (trainings, pictures), positive as claimed; NaN where a picture has no value."""

    values: np.ndarray

    @property
    def pictures(self) -> int:
        """How many count."""
        return int(np.isfinite(self.values).any(0).sum())

    @property
    def trainings(self) -> int:
        """How many networks were trained of each kind."""
        return self.values.shape[0]


@dataclass(frozen=True)
class Verdict:
    """`word` is one of VERDICTS; `reason` says why nothing is decided; `effect` None where nothing was measured."""

    word: str
    effect: Interval | None = None
    pictures: int = 0
    trainings: int = 0
    reason: str = ""


def interval(effect: Effect, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """The mean of an effect with its 95 % interval.

    >>> interval(Effect(np.array([[0.5, 0.5, np.nan]])))
    Interval(mean=0.5, low=0.5, high=0.5, count=2)
    """
    values = effect.values[:, np.isfinite(effect.values).all(0)]
    if not values.size:
        raise Lacking("no picture has a value in every training")
    if len(values) == 1:
        return bootstrap_interval(values[0], resamples=resamples, seed=seed)
    trainings, pictures = values.shape
    random = np.random.default_rng(seed)
    # How often each is drawn.
    rows, columns = (random.multinomial(n, np.full(n, 1 / n), resamples) for n in (trainings, pictures))
    means = ((rows @ values) * columns).sum(1) / values.size
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high), pictures)


def judge(effect: Effect, margin: float, same: bool = False) -> Verdict:
    """The verdict on a claim that something is more, or with `same` that two things are equal.

    `margin` is the smallest effect that counts. More: the whole interval within ± margin is "not found", one above 0
    "found", one below 0 "the opposite", any other "undecided". Equal: an interval within ± margin is "found", one
    beyond it "the opposite". Fewer than six pictures are "undecided".

    >>> judge(Effect(np.full((1, 8), 0.2)), 0.01).word, judge(Effect(np.full((1, 8), -0.2)), 0.01).word
    ('found', 'the opposite')
    >>> judge(Effect(np.full((1, 8), 0.2)), 0.5).word, judge(Effect(np.full((1, 3), 0.2)), 0.01).word
    ('not found', 'undecided')
    """
    found = interval(effect)
    about = (found, found.count, effect.trainings)
    if found.count < FEWEST:
        return Verdict(UNDECIDED, *about, f"it takes {FEWEST} pictures, there are {found.count}")
    if abs(found.low) <= margin and abs(found.high) <= margin:
        return Verdict(FOUND if same else NOT_FOUND, *about)
    if same:
        beyond = found.low > margin or found.high < -margin
        return (
            Verdict(OPPOSITE, *about) if beyond else Verdict(UNDECIDED, *about, "the interval ends beyond the margin")
        )
    if found.low > 0:
        return Verdict(FOUND, *about)
    return Verdict(OPPOSITE, *about) if found.high < 0 else Verdict(UNDECIDED, *about, "the interval contains zero")
