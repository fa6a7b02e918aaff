"""Back and Forward: every page that reads its link is remembered."""

from app.address.history import KEPT
from app.address.links import PAGES


def test_no_page_with_a_link_is_forgotten():
    assert set(KEPT) == set(PAGES)
