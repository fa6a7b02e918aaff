"""From effects to words: what an interval says, and how often it says it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainers.studies.base.verdicts import (
    FEWEST,
    FOUND,
    NOT_FOUND,
    OPPOSITE,
    UNDECIDED,
    VERDICTS,
    Effect,
    Lacking,
    interval,
    judge,
)


def around(mean: float, spread: float, count: int = 24, trainings: int = 1, seed: int = 0) -> Effect:
    return Effect(mean + spread * np.random.default_rng(seed).standard_normal((trainings, count)))


@pytest.mark.parametrize(
    ("effect", "same", "word"),
    [
        (around(1, 0.5), False, FOUND),
        (around(-1, 0.5), False, OPPOSITE),
        (around(0, 0.001), False, NOT_FOUND),
        (around(0, 1, 8), False, UNDECIDED),
        (around(0, 0.001), True, FOUND),
        (around(1, 0.5), True, OPPOSITE),
        (around(-1, 0.5), True, OPPOSITE),
        (around(0, 1, 8), True, UNDECIDED),
        (around(1, 0, FEWEST - 1), False, UNDECIDED),
    ],
)
def test_the_word_is_what_the_interval_says(effect, same, word):
    verdict = judge(effect, 0.05, same)
    assert verdict.word == word
    assert bool(verdict.reason) == (word == UNDECIDED)


def test_what_is_undecided_is_said_in_words():
    assert judge(around(0, 1, 8), 0.05).reason == "the interval contains zero"


@given(st.floats(-3, 3), st.floats(0.01, 1), st.booleans(), st.integers(2, 20), st.integers(1, 3))
def test_turning_the_sign_turns_the_verdict(mean, spread, same, count, trainings):
    effect = around(mean, spread, count, trainings)
    one, other = judge(effect, 0.05, same), judge(Effect(-effect.values), 0.05, same)
    turned = {FOUND: OPPOSITE, OPPOSITE: FOUND} if not same else {}
    assert one.word in VERDICTS
    assert other.word == turned.get(one.word, one.word)
    assert other.effect.mean == pytest.approx(-one.effect.mean)


def test_trainings_that_disagree_widen_the_interval():
    pictures = np.random.default_rng(0).standard_normal(40) * 0.01
    alike, apart = Effect(np.stack([pictures + 0.1] * 3)), Effect(np.stack([pictures + at for at in (-0.5, 0.1, 0.7)]))
    assert judge(alike, 0.01).word == FOUND
    assert judge(apart, 0.01).word == UNDECIDED
    assert interval(apart).high - interval(apart).low > 5 * (interval(alike).high - interval(alike).low)


def test_a_picture_without_a_value_does_not_count_and_none_is_said():
    values = np.full((1, 9), 0.5)
    values[0, :2] = np.nan
    assert judge(Effect(values), 0.01).pictures == 7
    with pytest.raises(Lacking, match="no picture"):
        judge(Effect(np.full((1, 9), np.nan)), 0.01)


def test_without_an_effect_one_in_twenty_is_called_one():
    words = [judge(around(0, 1, 30, seed=seed), 1e-6).word for seed in range(200)]
    # 10 ± 3 are expected, a little more as percentile intervals of few pictures are short.
    assert 4 <= 200 - words.count(UNDECIDED) <= 24
