"""Every control, number and column of a table says what it means: read from the source, so that none is forgotten."""

import ast
import inspect
from collections.abc import Iterator

import streamlit as st

from app.compare import layers
from app.evaluate import checks, columns, scores
from app.flow import numbers
from app.layers import pictures
from app.layers import table as points
from tests.support.places import ROOT

APP = ROOT / "app"
CONTROLS = {
    "button", "download_button", "link_button", "checkbox", "toggle", "radio", "selectbox", "multiselect", "slider",
    "select_slider", "number_input", "text_input", "text_area", "segmented_control", "pills", "file_uploader",
    "camera_input", "color_picker", "date_input", "time_input", "popover", "metric", "page_link",
}  # fmt: skip
# Streamlit's expanders and tabs take no help: an expander's title says what is in it, and a click shows it.
WITHOUT = {"expander", "tabs"}


def called(names: set[str]) -> Iterator[tuple[str, ast.Call]]:
    """Calls of methods of these names anywhere in the app, with where they stand."""
    for file in sorted(APP.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
                yield f"{file.relative_to(APP.parent)}:{node.lineno}", node


def silent(names: set[str]) -> list[str]:
    """Where a call has no help, or one that is plainly empty."""
    found = []
    for where, call in called(names):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        words = given.get("help")
        if words is None or (isinstance(words, ast.Constant) and not words.value):
            found.append(f"{where} {call.func.attr}")
    return found


def test_every_control_and_number_has_help():
    assert len(list(called(CONTROLS))) > 60
    assert silent(CONTROLS) == []


def test_only_what_cannot_have_help_goes_without():
    assert all("help" in inspect.signature(getattr(st, name)).parameters for name in CONTROLS)
    assert not any("help" in inspect.signature(getattr(st, name)).parameters for name in WITHOUT)


def keys_of(file: str, functions: set[str]) -> set[str]:
    """The names of the columns that functions of a file put into rows."""
    tree = ast.parse((APP / file).read_text(encoding="utf-8"))
    bodies = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in functions]
    dicts = [node for body in bodies for node in ast.walk(body) if isinstance(node, ast.Dict)]
    return {key.value for one in dicts for key in one.keys if isinstance(key, ast.Constant)}


def test_no_column_of_a_table_is_left_out():
    """A table's columns are named in one place and explained in another."""
    shown = columns.columns(scores.COLUMNS | checks.COLUMNS) | scores.BOXES
    named = keys_of("evaluate/table.py", {"table", "similarities_table", "changes_table", "_costs"})
    assert len(named) > 8
    assert named <= set(shown)
    assert all(column["help"] for column in shown.values())
    assert keys_of("layers/table.py", {"table_rows"}) == set(points.columns())
    assert keys_of("layers/pictures.py", {"picture_rows"}) == set(pictures.COLUMNS)
    assert all(column["help"] for column in points.columns().values())
    assert all(pictures.COLUMNS.values())
    assert keys_of("compare/layers.py", {"table_rows"}) == set(layers.TEXT_COLUMNS | layers.NUMBER_COLUMNS)
    assert keys_of("flow/numbers.py", {"number_rows"}) == set(numbers.COLUMNS) == set(numbers.columns())
    assert all(column["help"] for column in numbers.columns().values())
