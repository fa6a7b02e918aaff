"""What the pages of the documentation point to is there: links, files, commands, and the Python they show."""

import ast
import re
import runpy
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.places import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
# What is said of the past names what there was then.
PRESENT = [page for page in PAGES if page.name != "CHANGELOG.md"]
EVERY_PAGE = pytest.mark.parametrize("page", PRESENT, ids=lambda page: page.relative_to(ROOT).as_posix())
# Names that stand for those of the reader; tests that SECURITY.md names have a test of their own.
MADE_UP = re.compile(r"NAME|mine|test_")
FOLDERS = ("", "explainers", "app", "docs", "tests", "explainers/cid")


def anchors(page: Path) -> set[str]:
    """Of its headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@EVERY_PAGE
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


@EVERY_PAGE
def test_files_are_named_where_they_lie(page):
    for name in re.findall(r"`([\w./-]+\.(?:py|toml|md|txt|lock))`", page.read_text()):
        assert any((ROOT / folder / name).exists() for folder in FOLDERS) or MADE_UP.search(name), name


@EVERY_PAGE
def test_commands_name_modules_and_targets_that_there_are(page):
    text = page.read_text()
    for module in re.findall(r"python -m\s+(\w[\w.]*)", text):
        assert MADE_UP.search(module) or find_spec(module) is not None, module
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([\w-]+)", text, re.MULTILINE)) <= targets


@EVERY_PAGE
def test_the_python_that_is_shown_imports_what_there_is(page):
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                module = import_module(node.module)
                assert all(hasattr(module, one.name) or find_spec(f"{node.module}.{one.name}") for one in node.names)


def test_every_page_is_reached_from_the_first():
    seen, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop().resolve()
        if page not in seen and page.suffix == ".md":
            seen.add(page)
            ahead += [page.parent / name for name in re.findall(r"\]\(([\w./-]+)[^)]*\)", page.read_text())]
    assert {page.resolve() for page in PAGES} <= seen


@pytest.mark.long
def test_the_list_of_public_names_is_up_to_date():
    api = runpy.run_path(str(ROOT / "tools" / "api.py"))
    assert api["PAGE"].read_text() == api["page"](), "run make api"
    assert all(api["first_line"](thing) for room in api["rooms"]() for _, thing in api["public"](room))
    rooms = {folder.parent.name for folder in (ROOT / "explainers").glob("*/__init__.py")}
    assert {room.__name__.removeprefix("explainers.") for room in api["rooms"]()} >= rooms


def test_the_start_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 110
