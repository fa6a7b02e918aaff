"""How numbers are written: what is read back is what was written, and no page writes them its own way."""

import ast
import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app import words
from tests.support.places import ROOT

WRITERS = (words.decimal, words.signed, words.number, words.factor)
FINITE = st.floats(-1e12, 1e12, allow_subnormal=False)


@given(value=FINITE, places=st.integers(0, 6))
@example(value=-1e-9, places=3)
def test_what_is_written_is_read_back(value, places):
    for write in (words.decimal, words.signed):
        assert words.read(write(value, places)) == pytest.approx(value, abs=0.51 * 10.0**-places, rel=1e-12)
    assert words.read(words.near(value, 1.0, places)) == words.read(words.decimal(value, places))


@given(value=FINITE)
def test_a_number_is_written_by_hand(value):
    """A real minus sign, no exponent of a programmer's, no sign of what is nothing after rounding."""
    for write in WRITERS:
        text = write(value)
        assert re.fullmatch(r"([×÷] )?[+−]?[0-9][0-9.]*(·10⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)?|([×÷] )?−?10⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+", text), text
        assert not re.fullmatch(r"−0(\.0*)?", text)


@pytest.mark.parametrize("write", [words.decimal, words.signed, words.number])
def test_what_is_unknown_or_unbounded_has_a_sign_of_its_own(write):
    assert [write(value) for value in (None, math.nan, math.inf, -math.inf)] == ["–", "–", "∞", "−∞"]


@given(seconds=st.floats(0, 1e5), more=st.floats(1, 10))
def test_longer_never_reads_shorter(seconds, more):
    for write in (words.duration, words.about, words.time_left):
        assert _seconds(write(seconds)) <= _seconds(write(seconds * more)), write


def _seconds(text: str) -> float:
    if text.startswith("a few"):
        return 0.0
    count, unit = re.search(r"([0-9.]+) (ms|s|min|h)\b", text).groups()
    return float(count) * {"ms": 0.001, "s": 1, "min": 60, "h": 3600}[unit]


@pytest.mark.parametrize("path", sorted((ROOT / "app").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_file_writes_signs_spans_or_plurals(path):
    """Signs of infinity and of what is missing, signed and scientific numbers, milliseconds, s or no s."""
    if path == ROOT / "app" / "words.py" or "soak" in path.parts or path.stem.endswith("_bench"):
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant):
            assert node.value not in ("–", "∞", "−", "s"), (node.lineno, "use app.words")
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            (form,) = node.format_spec.values
            assert not re.search(r"^\+|e$", str(getattr(form, "value", ""))), (node.lineno, "use app.words")
        if isinstance(node, ast.JoinedStr):
            texts = [part.value for part in node.values if isinstance(part, ast.Constant)]
            assert not any(re.match(r" (ms|s|min|h)\b", text) for text in texts), (node.lineno, "use app.words")
