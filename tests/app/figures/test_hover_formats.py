"""How numbers under the pointer are formatted, over all figures."""

import re
from pathlib import Path

import app

# Of Plotly's formats, those that write an exponent where a number is small or large.
EXPONENT = re.compile(r"%\{+\w+:[^}]*\d[eg]\}")


def test_no_number_under_the_pointer_is_written_with_an_exponent():
    assert EXPONENT.search("%{z:.4g} nats")
    assert EXPONENT.search("%{{z:+.4g}} nats")
    found = [file.name for file in Path(app.__file__).parent.rglob("*.py") if EXPONENT.search(file.read_text("utf-8"))]
    assert found == []
