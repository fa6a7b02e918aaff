"""The time that is left: a promise that is kept, and never finer than what is known."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.jobs.paces import Paces
from app.parts.left import LONGER, Part, Promise, together
from explainers.networks.layers import Layer

SECONDS = st.floats(0, 1e4)
SHARES = st.floats(0, 1)
UNITS = {"min": 60, "s": 1}


def read(words: str) -> float:
    """Seconds, as they are said."""
    if words.startswith("about "):
        number, unit = words.removeprefix("about ").split()[:2]
        return int(number) * UNITS[unit]
    return {"a few seconds left": 5, LONGER: 0}[words]


@given(st.lists(st.tuples(st.floats(0, 30), SECONDS), min_size=1, max_size=20))
def test_it_never_rises_while_nothing_else_is_asked_for(steps):
    now, before = 0.0, float("inf")
    promise = Promise(lambda: now)
    for passed, guess in steps:
        now += passed
        said = read(promise.say(guess, True, "these maps"))
        assert said <= before
        before = said


@given(SECONDS, SECONDS)
def test_it_may_rise_where_more_is_asked_for(first, more):
    promise = Promise(lambda: 0.0)
    promise.say(first, True, "one map")
    assert promise.say(first + more, True, "two maps") == Promise(lambda: 0.0).say(first + more, True, "two maps")


def test_what_is_only_guessed_is_said_in_words_without_a_number():
    for seconds in (3.0, 50.0, 300.0, 4000.0, 1e5):
        assert not any(sign.isdigit() for sign in Promise(lambda: 0.0).say(seconds, False, ""))
    assert Promise(lambda: 0.0).say(None, False, "") == ""


@given(st.floats(0.1, 1e4), SHARES)
def test_what_was_measured_counts_before_what_is_extrapolated_and_that_before_a_guess(seconds, share):
    assert Part(seconds, 1e9, share, 1e9).left == (pytest.approx(seconds * (1 - share)), True)
    assert Part(None, seconds, 0.1, 1e9).left == (pytest.approx(0.9 * seconds), False)
    assert Part(None, 1e9, 0.5, seconds).left == (seconds, True)
    assert Part(1e9, 1e9, 0.0, seconds, told=True).left == (seconds, True)


@given(st.lists(st.builds(Part, foreseen=st.floats(0, 1e3), progress=SHARES), min_size=1))
def test_parts_are_done_one_after_the_other(parts):
    seconds, sure = together(parts)
    assert seconds == pytest.approx(sum(part.foreseen * (1 - part.progress) for part in parts))
    assert sure


def request(layer: str = "conv1", cost: int = 2000, method: str = "cid", network: str = "a", seed: int = 0):
    settings = SimpleNamespace(grid=None, refine=True, method="two-stage", probes=256, seed=seed)
    place = Layer(layer, layer, "convolution", (8, 4, 4), 0)
    weights = SimpleNamespace(fingerprint=network)
    return SimpleNamespace(network=weights, layer=place, settings=settings, method=method, cost=cost)


def test_a_pass_to_a_deep_layer_is_foreseen_as_longer_than_one_to_a_shallow_layer():
    layers = tuple(Layer(f"layer{depth}", f"layer{depth}", "Conv2d", (), depth) for depth in range(10))
    first, last = request(), request()
    for one, layer in ((first, layers[0]), (last, layers[-1])):
        one.layer, one.network.layers = layer, layers
    paces = Paces()
    paces.note(first, 3.0)
    assert paces.foresee(last) == pytest.approx(30.0)


def test_a_map_is_foreseen_from_the_same_layer_of_another_picture_else_from_the_method_by_its_cost():
    paces = Paces()
    assert paces.foresee(request()) is None
    paces.note(request(), 40.0)
    assert paces.foresee(request(seed=7)) == 40.0
    assert paces.foresee(request("fc", cost=1000)) == 20.0
    assert paces.foresee(request(method="ru")) is None
    assert paces.foresee(request(network="b")) is None
    paces.note(request(), 20.0)
    assert paces.foresee(request()) == 30.0
