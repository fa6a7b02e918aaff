"""Writes `docs/api.md`: the public names of the library, room by room, with the first line of each docstring.

Public is what a package lists in its `__all__`; of one that lists nothing, what other rooms or the app import of its
modules' functions and classes. `make api` calls this; a test says when the page is out of date.
"""

import ast
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import explainers

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "api.md"
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
    """The library itself, then its packages."""
    names = sorted(found.name for found in pkgutil.walk_packages(explainers.__path__, "explainers.") if found.ispkg)
    return [explainers, *map(import_module, names)]


@cache
def imports() -> frozenset[tuple[str, str, str]]:
    """All that modules of the library and of the app import from modules of it: by whom, from where, and the name."""
    return frozenset(
        (".".join(file.relative_to(ROOT).with_suffix("").parts), node.module, alias.name)
        for folder in ("explainers", "app")
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("explainers.")
        for alias in node.names
    )


def public(room: ModuleType) -> Iterator[tuple[str, object]]:
    """Names, those of its modules behind the module's, and what they stand for."""
    if hasattr(room, "__all__"):
        yield from ((name, getattr(room, name)) for name in room.__all__)
        return
    within = f"{room.__name__}."
    packages = tuple(f"{other.__name__}." for other in rooms() if other.__name__.startswith(within))
    asked = {
        (module, name) for by, module, name in imports() if module.startswith(within) and not by.startswith(within)
    }
    for module, name in asked:
        if f"{module}.".startswith(packages):
            continue
        thing = getattr(import_module(module), name)
        if inspect.isclass(thing) or inspect.isroutine(inspect.unwrap(thing)):
            yield f"{module.removeprefix(within)}.{name}", thing


def section(room: ModuleType) -> str:
    """One room as a heading, its own first line, and a table."""
    names = sorted(public(room), key=lambda one: (one[0].lower(), one[0]))
    rows = "".join(f"| `{name}` | {first_line(thing)} |\n" for name, thing in names)
    table = f"\n| name | what it is |\n|---|---|\n{rows}" if rows else ""
    return f"\n## `{room.__name__}`\n\n{first_line(room)}\n{table}"


def page() -> str:
    """All of it."""
    return HEAD + "".join(map(section, rooms()))


if __name__ == "__main__":
    PAGE.write_text(page())
