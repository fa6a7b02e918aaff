"""Classes in memory: who may lead, what followers see, and how answers are counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.classroom.classes import DESERTED, HOURS, MOST_CLASSES, SIGNS, SILENT, Classes, ClassGoneError
from tests.support.waiting import Clock


def test_only_the_secret_leads():
    classes = Classes()
    code, secret = classes.begin()
    other_code, other = classes.begin()
    assert classes.leads(code, secret)
    assert not classes.leads(code, other)
    assert not classes.leads(code, "")
    classes.show(code, other, "learn", {})
    classes.reveal(code, other, "noise")
    classes.end(code, other)
    assert classes.shown(code).turn == 0
    assert not classes.revealed(code, "noise")
    classes.end(code, secret)
    assert not classes.is_there(code)
    assert classes.is_there(other_code)
    with pytest.raises(ClassGoneError, match="expected a class that is being held"):
        classes.shown(code)


def test_a_turn_is_a_change():
    classes = Classes()
    code, secret = classes.begin()
    turns = []
    for query in ({"layer": "fc6"}, {"layer": "fc6"}, {"layer": "fc7"}, {"layer": "fc6"}):
        classes.show(code, secret, "", query)
        turns.append(classes.shown(code).turn)
    assert turns == [1, 1, 2, 3]


def test_it_ends_by_itself():
    clock = Clock()
    classes = Classes(clock)
    code, _ = classes.begin()
    assert classes.ends(code) == HOURS * 3600
    clock.now = HOURS * 3600 + 1
    assert not classes.is_there(code)


def test_codes_are_easily_read_and_bounded_in_number():
    classes = Classes()
    codes = [classes.begin()[0] for _ in range(MOST_CLASSES)]
    assert len(set(codes)) == MOST_CLASSES
    assert set("".join(codes)) <= set(SIGNS)
    assert not set("01OIL") & set(SIGNS)
    with pytest.raises(ValueError, match=f"expected at most {MOST_CLASSES} classes"):
        classes.begin()


def test_students_are_counted_while_they_are_heard_of():
    clock = Clock()
    classes = Classes(clock)
    code, _ = classes.begin()
    classes.hear(code, "anna")
    assert classes.hear(code, "bert") == 2
    assert classes.hear(code, "bert") == 2
    clock.now = SILENT + 1
    assert classes.hear(code, "bert") == 1
    assert classes.present(code) == 1


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 2)), max_size=40))
def test_one_answer_each_and_the_last_counts(given_answers):
    classes = Classes()
    code, _ = classes.begin()
    for student, option in given_answers:
        classes.answer(code, "noise", student, option)
    last = list(dict(given_answers).values())
    assert classes.answers(code, "noise", 3) == tuple(last.count(option) for option in range(3))


def test_what_is_revealed_stands_until_it_is_asked_again():
    classes = Classes()
    code, secret = classes.begin()
    classes.answer(code, "noise", "anna", 0)
    classes.reveal(code, secret, "noise")
    classes.answer(code, "noise", "anna", 2)
    assert classes.revealed(code, "noise")
    assert classes.answers(code, "noise", 3) == (1, 0, 0)
    classes.ask_again(code, secret, "noise")
    assert not classes.revealed(code, "noise")
    assert classes.answers(code, "noise", 3) == (0, 0, 0)


def test_a_deserted_class_makes_room():
    clock = Clock()
    classes = Classes(clock)
    deserted, *others = [classes.begin() for _ in range(MOST_CLASSES)]
    clock.now = DESERTED + 1
    for code, secret in others:
        classes.show(code, secret, "learn", {})
    classes.begin()
    assert not classes.is_there(deserted[0])
    with pytest.raises(ValueError, match="try again"):
        classes.begin()
