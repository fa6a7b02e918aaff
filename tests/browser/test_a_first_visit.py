"""First of this folder by its name: the server that all its tests share has not been visited before."""

import pytest

from tests.support.browser import expect

pytestmark = pytest.mark.browser


def test_the_very_first_visit_may_be_to_another_page(page, address):
    page.goto(f"{address}/about")
    expect(page.get_by_role("heading", name="What this is")).to_be_visible()
    assert page.strangers == []
    assert page.complaints == []
