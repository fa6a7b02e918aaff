"""The trial of the running server: what it calls wrong."""

import pytest

from app.jobs.backend import GONE
from app.soak import work
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


@pytest.mark.parametrize(
    ("good", "said", "kept"),
    [(True, "ResNet-20, your own weights", True), (True, GONE, False), (False, "Expected a file of weights", True)],
)
def test_weights_that_gave_way_are_no_failure(monkeypatch, good, said, kept):
    class Told(work.Visitor):
        def __enter__(self):
            return self

        def __exit__(self, *_: object):
            pass

        def run(self):
            return said

        def bring(self, name, data):
            pass

    monkeypatch.setattr(work, "Visitor", Told)
    assert work.bring("http://localhost:1", b"", good, lambda: False) is kept
