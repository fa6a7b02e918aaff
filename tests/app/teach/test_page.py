"""The page of a class, and the lines above every page."""

import pytest
from streamlit.testing.v1 import AppTest

from app.classroom.membership import classes


def opened(query=None) -> AppTest:
    def script() -> None:
        from app.classroom.bar import bar
        from app.teach.page import page

        bar({}, "class")
        page()

    at = AppTest.from_function(script)
    for name, value in (query or {}).items():
        at.query_params[name] = value
    return at.run()


def words(at: AppTest) -> str:
    return " ".join(one.value for one in (*at.markdown, *at.caption, *at.warning, *at.error, *at.code))


@pytest.fixture(autouse=True)
def _none():
    classes.clear()


def test_whoever_begins_a_class_leads_it_and_its_link_does_not():
    at = opened()
    at.button(key="class_begin").click().run()
    code, secret = at.query_params["class"], at.query_params["lead"]
    code, secret = (value[0] if isinstance(value, list) else value for value in (code, secret))
    assert classes().leads(code, secret)
    assert code in at.code[0].value
    assert secret not in at.code[0].value
    # The same window opened again leads, the link follows.
    assert "what you choose is seen by" in words(opened({"class": code, "lead": secret}))
    follower = opened({"class": code.lower()})
    assert "you see what the teacher chooses" in words(follower)
    assert "lead" not in follower.query_params
    assert "you see what the teacher chooses" in words(opened({"class": code, "lead": "guess"}))


def test_a_code_is_typed_in_any_way_and_a_wrong_one_is_said():
    code, _ = classes().begin()
    at = opened()
    at.text_input[0].set_value(f" {code[:3].lower()}-{code[3:]}")
    at.button[1].click().run()
    assert f"You are in the class **{code}**" in words(at)
    at.button(key="class_leave").click().run()
    at.text_input[0].set_value("AAAAAA")
    at.button[1].click().run()
    assert "Expected the code of a class that is being held" in words(at)


def test_a_link_of_a_class_that_has_ended_says_so():
    code, secret = classes().begin()
    at = opened({"class": code})
    classes().end(code, secret)
    assert "has ended" in words(at.run())
    assert "has ended" in words(opened({"class": code}))
    assert "class" not in at.query_params
