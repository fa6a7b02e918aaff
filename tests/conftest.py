"""Fixtures shared by the tests."""

from collections.abc import Iterator

import pytest


@pytest.fixture
def fresh_backend() -> Iterator[None]:
    """A server's caches are shared by every AppTest of the process; each test starts with its own."""
    import streamlit as st

    st.cache_resource.clear()
    yield
    st.cache_resource.clear()
