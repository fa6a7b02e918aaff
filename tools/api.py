"""Writes `docs/api.md`: the public names of the library, room by room, with the first line of each docstring.

Public is what a package lists in its `__all__`. `make api` calls this; a test says when the page is out of date.
"""

import inspect
import pkgutil
from importlib import import_module
from pathlib import Path
from types import ModuleType

import explainers

PAGE = Path(__file__).resolve().parent.parent / "docs" / "api.md"
HEAD = """# The public names of the library

Made by `make api` from the docstrings, which say more: equations, shapes, units, errors, examples.
"""


def first_line(thing: object) -> str:
    """The first paragraph of a docstring, as one line of a table.

    >>> first_line(first_line)
    'The first paragraph of a docstring, as one line of a table.'
    """
    if not (callable(thing) or inspect.ismodule(thing)):
        return f"a constant, {type(thing).__name__}"
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split()).replace("|", "\\|")


def rooms() -> list[ModuleType]:
    """The library itself, then those of its packages that list public names."""
    names = sorted(found.name for found in pkgutil.walk_packages(explainers.__path__, "explainers.") if found.ispkg)
    return [explainers, *(room for room in map(import_module, names) if hasattr(room, "__all__"))]


def section(room: ModuleType) -> str:
    """One room as a heading, its own first line, and a table."""
    rows = (f"| `{name}` | {first_line(getattr(room, name))} |\n" for name in sorted(room.__all__, key=str.lower))
    return f"\n## `{room.__name__}`\n\n{first_line(room)}\n\n| name | what it is |\n|---|---|\n{''.join(rows)}"


def page() -> str:
    """All of it."""
    return HEAD + "".join(map(section, rooms()))


if __name__ == "__main__":
    PAGE.write_text(page())
