"""The trial of the running server: what it calls wrong."""

import pytest

from app.soak.__main__ import p95
from app.soak.visitor import Failure
from app.soak.work import CLOSE, MAPS, Answers


def test_two_showings_that_differ_are_a_failure():
    answers = Answers()
    answers.add(MAPS[0], "−2.983")
    answers.add(MAPS[0], "−2.983")
    with pytest.raises(Failure, match="wrong answer"):
        answers.add(MAPS[0], "−2.984")


def test_what_the_library_makes_of_it_is_the_measure():
    answers = Answers()
    answers.add(MAPS[0], "−2.983 nats")
    assert answers.check(5) == (1, [])
    answers = Answers()
    answers.add(MAPS[0], f"{-2.983 + 2 * CLOSE:.4f} nats")
    count, wrong = answers.check(5)
    assert count == len(wrong) == 1


def test_the_95th_of_a_hundred():
    assert p95([float(number) for number in range(100)]) == 95.0
    assert p95([]) == 0.0
