"""What is asked before each lesson."""

import re

import pytest

from app.learn.lessons import LESSONS
from app.learn.predict import bars
from app.learn.questions import QUESTIONS
from tests.support.pages import page


def test_every_lesson_has_a_question_with_one_right_answer():
    assert list(QUESTIONS) == [lesson.slug for lesson in LESSONS]
    for question in QUESTIONS.values():
        assert 2 <= len(question.options) <= 4
        assert len(set(question.options)) == len(question.options)
        assert question.right in range(len(question.options))


@pytest.mark.parametrize("answer", [0, 1])
def test_a_single_reader_learns_at_once_what_is_true(answer):
    question = QUESTIONS["entropy"]
    at = page("learn", lesson="entropy").run()
    assert not at.success
    at.radio(key="w_predict_entropy").set_value(answer).run()
    said = at.success if answer == question.right else at.info
    assert question.why in said[0].value
    # The lesson is there whether one predicts or not.
    assert at.get("plotly_chart")


def test_bars_are_as_long_as_the_answers_are_many_and_name_nobody():
    question = QUESTIONS["entropy"]
    rows = bars(question, (2, 8, 0)).split("<tr>")[2:]
    assert [re.findall(r"width:(\d+)%\"", row) for row in rows] == [["25"], ["100"], ["0"]]
    assert ["✓" in row for row in rows] == [False, True, False]
    assert bars(question, (0, 0, 0)).count('width:0%"') == 3
