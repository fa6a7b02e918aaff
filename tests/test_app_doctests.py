"""The examples in the app's docstrings; the pages themselves are left out, importing one draws it."""

import doctest
import importlib

import pytest

MODULES = (
    "state",
    "store",
    "subject",
    "pictures",
    "crop",
    "controls",
    "panels.picture_crop",
    "panels.progress",
    "panels.numbers",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name):
    result = doctest.testmod(importlib.import_module(f"app.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
