"""The lessons in a real Chromium: every one draws, and a class is led through them by the arrow keys."""

import pytest

from app.learn.lessons import LESSONS
from tests.support.browser import SLOW, chart, cheap, expect

pytestmark = pytest.mark.browser


def shown(page, lesson) -> None:
    """Waits for the lesson's heading, figures and equation, which is as wide as its place at most."""
    expect(page.get_by_role("heading", name=lesson.title)).to_be_visible()
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(page.locator(".katex-display")).to_be_visible()
    # A key that is pressed while the page is drawn anew may be lost.
    expect(page.locator('.stApp[data-test-script-state="notRunning"]')).to_be_visible()
    wide = page.locator(".katex-display").evaluate("element => element.scrollWidth > element.clientWidth + 2")
    assert not wide, lesson.slug


def drawn(page) -> str:
    """All lines, bars and pictures of the lesson's figures as they are now."""
    return page.locator(".st-key-learn_body").evaluate(
        """body => [...body.querySelectorAll('.main-svg path[d], .main-svg image')]
            .map(one => (one.getAttribute('d') ?? '') + (one.getAttribute('href') ?? '')).join()"""
    )


def test_every_lesson_draws_its_equation_and_its_figures_which_follow_its_first_slider(page, address):
    for lesson in LESSONS:
        page.goto(f"{address}/learn?lesson={lesson.slug}")
        shown(page, lesson)
        before, slider = drawn(page), page.locator(".st-key-learn_body").get_by_role("slider").first
        was = slider.get_attribute("aria-valuetext")
        slider.press("ArrowRight")
        expect(slider).not_to_have_attribute("aria-valuetext", was)
        for _ in range(SLOW // 100):
            if (now := drawn(page)) and now != before:
                break
            page.wait_for_timeout(100)
        assert now != before, lesson.slug
    assert page.strangers == []
    assert page.complaints == []


def test_every_lesson_is_presented_one_after_the_other(page, address):
    page.goto(f"{address}/learn?lesson={LESSONS[0].slug}&present=1")
    for lesson in LESSONS:
        page.wait_for_url(f"**/learn?lesson={lesson.slug}&present=1")
        shown(page, lesson)
        page.keyboard.press("ArrowRight")
    assert page.strangers == []
    assert page.complaints == []


def test_arrow_keys_lead_through_a_presentation_that_can_be_shared(page, address):
    page.goto(f"{address}/learn?lesson=entropy&present=1")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(page.get_by_role("link", name="Explore")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("heading", name=LESSONS[1].title)).to_be_visible()
    page.wait_for_url("**/learn?lesson=noise&present=1")
    expect(page.locator(".st-key-figure_learn_reaction .main-svg").first).to_be_visible()
    # A slider that is held keeps the arrow keys for itself.
    noise = page.locator(".st-key-w_learn_noise_sigma")
    expect(noise).to_contain_text("0.012")
    noise.get_by_role("slider").press("ArrowRight")
    expect(noise).to_contain_text("0.014")
    expect(page.get_by_role("heading", name=LESSONS[1].title)).to_be_visible()
    # A key that is pressed while the page is drawn anew may be lost.
    expect(page.locator('.stApp[data-test-script-state="notRunning"]')).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Explore")).to_be_visible()
    page.wait_for_url("**/learn?lesson=noise&noise_sigma=0.014")
    page.reload()
    expect(noise).to_contain_text("0.014")


def test_layers_are_presented_in_large_type_by_arrow_keys(page, address):
    page.goto(cheap(address))
    page.get_by_role("button", name="Present").click(timeout=SLOW)
    expect(page.get_by_role("link", name="Explore")).to_be_hidden()
    page.wait_for_url("**layer=layer1.0**present=1")
    expect(page.locator(".st-key-map_line")).to_contain_text("layer1.0 of")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".st-key-map_line")).to_contain_text("layer1.1 of")
    page.wait_for_url("**layer=layer1.1**present=1")
    page.reload()
    expect(chart(page, "nats").locator(".main-svg").first).to_be_visible()
    expect(page.get_by_role("link", name="Explore")).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".st-key-map_line")).to_contain_text("layer1.0 of")
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Explore")).to_be_visible()
    expect(page.get_by_role("tab", name="One layer")).to_have_attribute("aria-selected", "true")
    assert "present" not in page.url
    assert page.complaints == []


def test_arrow_keys_that_come_faster_than_a_page_are_not_lost(page, address):
    page.goto(f"{address}/learn?lesson={LESSONS[0].slug}&present=1")
    shown(page, LESSONS[0])
    # A busy server hears of nothing for a while, and then of several keys at once.
    page.evaluate("""() => {
        const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (data) {
            setTimeout(() => send.call(this, data), 1500 - performance.now() % 1500);
        };
    }""")
    for key in ("ArrowRight",) * 4 + ("ArrowLeft",):
        page.keyboard.press(key)
    shown(page, LESSONS[3])
    page.wait_for_timeout(1000)
    expect(page.get_by_role("heading", name=LESSONS[3].title)).to_be_visible()
