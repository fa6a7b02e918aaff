"""The same as a notebook: what was on the page in words and pictures, and cells that make every map again."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from app.export.record import Taken
from app.export.report import Report, Table, choices, citations, made_with
from app.export.script import imports_of, joined, lines_of

# Markdown and HTML mean nothing in what a page says of a picture.
PLAIN = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>()#+!|$~&@:"} | {"\n": " "})
SETUP = """\
# Needs the library of this project and matplotlib.
import matplotlib.pyplot as plt
maps = {}


def show(values, title, signed):
    # Of a map in nats: dark is kept, bright is thrown away; white is not used at all.
    ends = dict(cmap="RdBu_r", norm=plt.matplotlib.colors.CenteredNorm()) if signed else dict(cmap="viridis")
    drawn = plt.matshow(values, **ends)
    plt.colorbar(drawn)
    plt.title(title)
    plt.show()
"""


def notebook(report: Report) -> str:
    """JSON of the notebook format 4.5; run from the top, it leaves all maps in `maps`."""
    cells = [
        _words(f"# {plain(report.title)}\n\n{plain(report.subtitle)}"),
        *(_plate(plate.png, plate.words, plate.caption) for plate in report.plates),
        *(_words(plain(text)) for text in report.reading),
        _words(_table(Table("What was chosen", ("Choice", "Value"), choices(report.cells)))),
        *(_words(_table(table)) for table in report.tables),
        _words("## The same maps again"),
        *(_code(text) for text in programs(report.cells)),
        _words("\n\n".join(["## How it was made", *map(plain, made_with(report)), f"The same page: <{report.link}>"])),
        _words("\n\n".join(["## To be cited", *map(plain, citations(report.cells))])),
    ]
    made: dict[str, Any] = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
        "cells": [cell | {"id": f"cell-{place}"} for place, cell in enumerate(cells)],
    }
    return json.dumps(made, ensure_ascii=False, indent=1)


def programs(cells: Sequence[Taken]) -> list[str]:
    """Code cells: what is needed, then each network, each picture and each map, drawn, as they are needed."""
    parts = [lines_of(cell) for cell in cells]
    made = [imports_of(frozenset().union(*(part.imports for part in parts))) + SETUP]
    network: tuple[str, ...] = ()
    picture: tuple[str, ...] = ()
    for cell, part in zip(cells, parts, strict=True):
        if part.network != network:
            network, picture = part.network, ()
            made.append(joined(*network))
        if part.picture != picture:
            picture = part.picture
            made.append(joined(*picture, "image"))
        key = (cell.method, cell.network, cell.layer, cell.picture_title)
        title = " · ".join(part for part in (cell.method_title, cell.layer, cell.picture_title) if part)
        kept = f"maps[{', '.join(map(repr, key))}] = values"
        made.append(joined(*part.map, kept, f"show(values, {title.replace('$', '')!r}, {cell.signed})"))
    return made


def plain(text: str) -> str:
    """Text that a notebook shows as it is.

    >>> plain("a_b <i>")
    'a\\\\_b \\\\<i\\\\>'
    """
    return text.translate(PLAIN)


def _words(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _plate(png: bytes, words: str, caption: str) -> dict[str, Any]:
    cell = _words(f"![{plain(words)}](attachment:page.png)" + (f"\n\n{plain(caption)}" if caption else ""))
    return cell | {"attachments": {"page.png": {"image/png": base64.b64encode(png).decode()}}}


def _code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source.rstrip("\n"), "outputs": [], "execution_count": None}


def _table(table: Table) -> str:
    rows = [table.heads, tuple("---" for _ in table.heads), *(tuple(map(plain, row)) for row in table.rows)]
    return f"## {table.title}\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows)
