"""SECURITY.md: every promise is named among the proofs, every proof is a test that there is."""

import re

from tests.support.places import ROOT

TESTS = {path.as_posix(): path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
TEXT = (ROOT / "SECURITY.md").read_text()


def names(title: str) -> dict[str, str]:
    """The points of a section by what they begin with."""
    section = re.split(r"^## ", TEXT.partition(f"## {title}\n")[2], flags=re.MULTILINE)[0]
    points = (" ".join(point.split()) for point in re.split(r"^- ", section, flags=re.MULTILINE)[1:])
    return {re.match(r"\*\*(.+?)\.?\*\*", point)[1]: point for point in points}


def test_every_promise_is_proved_by_tests_that_there_are():
    promised, proved = names("What is promised"), names("What proves it")
    assert list(promised) == list(proved) != []
    for name, point in proved.items():
        tests = re.findall(r"`([\w/]*test_\w+\.py)::(test_\w+)`", point)
        assert tests, name
        for file, test in tests:
            texts = [text for path, text in TESTS.items() if path.endswith(f"/{file}")]
            assert any(re.search(rf"^(async )?def {test}\(", text, re.MULTILINE) for text in texts), (name, test)


def test_its_lines_are_no_longer_than_those_of_the_code():
    assert not [line for line in TEXT.splitlines() if len(line) > 120]
