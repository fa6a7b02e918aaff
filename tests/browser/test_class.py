"""A class in two browsers: a student sees what the teacher chooses, predicts, and looks around alone."""

from urllib.parse import parse_qs, urlsplit

import pytest

from app.learn.questions import QUESTIONS
from tests.support.browser import SLOW, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def student(chromium):
    context = chromium.new_context(viewport={"width": 800, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(SLOW)
    yield page
    context.close()


def button(page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def test_a_class_follows_predicts_and_ends(page, student, address):
    page.goto(f"{address}/class")
    button(page, "Begin a class").click()
    link = page.locator('[data-testid="stCode"] code')
    expect(link).to_contain_text("class=")
    student.goto(link.inner_text())
    expect(student.get_by_text("you see what the teacher chooses")).to_be_visible()
    expect(student.get_by_role("heading", name="A class")).to_be_visible()
    expect(page.get_by_text("seen by 1 student")).to_be_visible()

    button(page, "Go to the lessons").click()
    page.wait_for_url("**/learn?*class=*")
    assert {"lead", "lesson"} <= set(parse_qs(urlsplit(page.url).query))
    question = QUESTIONS["entropy"]
    expect(student.get_by_text(question.text)).to_be_visible()
    expect(student.locator(".js-plotly-plot")).to_have_count(0)
    student.get_by_text(question.options[0], exact=True).click()
    expect(student.get_by_text("Your answer is in")).to_be_visible()
    expect(page.get_by_text("1 answer of 1 student so far")).to_be_visible()
    button(page, "Reveal to the class").click()
    for one in (page, student):
        expect(one.get_by_role("row", name=f"{question.options[0]} 1")).to_be_visible()
        expect(one.locator(".js-plotly-plot .main-svg").first).to_be_visible()

    # A student who looks around is left alone, and finds the teacher again.
    button(student, "Look around").click()
    expect(button(student, "Follow again")).to_be_visible()
    page.get_by_role("link", name="Information flow").click()
    page.wait_for_url("**/flow*")
    assert "/learn" in student.url
    button(student, "Follow again").click()
    student.wait_for_url("**/flow?*class=*")
    assert "lead=" not in student.url

    button(page, "End the class").click()
    expect(student.get_by_text("has ended")).to_be_visible()
    assert page.strangers == []
    assert page.complaints == []
