"""Back and Forward in a real Chromium: every step of the reader is one entry, and shows again what it showed."""

import re

import pytest

from tests.support.browser import READY, SLOW, cheap, expect, quiet, status
from tests.support.picture_files import noise

pytestmark = pytest.mark.browser


@pytest.fixture
def tab(page):
    """A tab of its own: the history of one that is old is full, and counts no further."""
    opened = page.context.new_page()
    opened.set_default_timeout(SLOW)
    opened.complaints = []
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    yield opened
    opened.close()


def layer_shown(page):
    return page.locator('.st-key-w_diagram [aria-checked="true"]')


def layer(page) -> str:
    return layer_shown(page).locator("strong").text_content()


def entries(page) -> int:
    return page.evaluate("history.length")


def test_steps_through_two_pages_and_back_and_on_again(tab, address):
    page = tab
    # A link that leaves open what the page fills in: the network's layer.
    page.goto(cheap(address, layer=""))
    expect(status(page)).to_contain_text(READY)
    quiet(page)
    begun, first = entries(page), layer(page)
    layer_shown(page).press("ArrowLeft")
    page.keyboard.press("Space")
    expect(page).not_to_have_url(re.compile(f"layer={first}"))
    quiet(page)
    second = layer(page)
    assert second != first
    # Of what was uploaded the address holds no more than that.
    page.get_by_role("radio", name="Your own").click()
    page.locator('.st-key-w_upload input[type="file"]').set_input_files(
        {"name": "noise.png", "mimeType": "image/png", "buffer": noise(48)}
    )
    expect(page.locator(".st-key-figures")).to_contain_text("noise.png")
    page.get_by_role("tab", name="All layers").click()
    expect(page).to_have_url(re.compile("view=layers"))
    quiet(page)
    page.get_by_role("link", name="Compare").click()
    expect(page).to_have_url(re.compile("/compare.*other="))
    quiet(page)
    page.get_by_role("link", name="Glossary").click()
    expect(page.get_by_role("heading", name="Glossary")).to_be_visible()
    quiet(page)
    assert entries(page) - begun == 5

    page.go_back()
    expect(page.get_by_role("heading", name="What differs")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("tab", name="All layers")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.get_by_role("tab", name="One layer")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".st-key-figures")).to_contain_text("noise.png")
    assert layer(page) == second
    page.go_back()
    expect(page.locator(".st-key-figures")).not_to_contain_text("noise.png")
    page.go_back()
    expect(layer_shown(page).locator("strong")).to_have_text(first)
    for _ in range(5):
        page.go_forward()
        quiet(page)
    expect(page.get_by_role("heading", name="Glossary")).to_be_visible()
    assert entries(page) - begun == 5
    assert page.complaints == []


def test_a_lesson_and_a_page_that_another_visit_left_are_found_again(page, address):
    page.goto(f"{address}/learn?lesson=noise")
    expect(page.get_by_role("heading", name=re.compile("noise", re.I)).first).to_be_visible()
    quiet(page)
    title = page.locator("h1").inner_text()
    page.get_by_role("button", name="Next").click()
    expect(page.locator("h1")).not_to_have_text(title)
    quiet(page)
    # A new visit, which has seen nothing of what is behind it.
    page.reload()
    expect(page.locator("h1")).not_to_have_text(title)
    quiet(page)
    page.go_back()
    expect(page.locator("h1")).to_have_text(title)
    assert page.complaints == []
