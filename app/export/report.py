"""What is on a page as one file of its own: pictures, choices, numbers, how it was made; HTML without any script."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from app.export.record import LIBRARY, Taken
from app.words import scientific
from explainers.methods.entropies import ENTROPIES

CITATION = (
    "H. Ma, H. Zhang, F. Zhou, Y. Zhang, Q. Zhang: Quantification and analysis of layer-wise and pixel-wise "
    "information discarding. ICML 2022, arXiv 1906.04109."
)
# Nothing from elsewhere, whatever a title says.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
:root {color-scheme:light dark}
body {max-width:64rem; margin:2rem auto; padding:0 1rem; font:16px/1.55 "Source Sans", system-ui, sans-serif;
  color:light-dark(#1d2629, #e4e8e6); background:light-dark(#fcfdfb, #14191b)}
h1 {font-size:1.7rem; line-height:1.25; margin-bottom:.2rem} h2 {font-size:1.2rem; margin-top:2rem}
.quiet {opacity:.8} figure {margin:1.2rem 0}
img {max-width:100%; max-height:80rem; background:#fff; border-radius:4px}
table {border-collapse:collapse; font-size:.92rem} .scroll {overflow-x:auto}
th, td {text-align:left; vertical-align:top; padding:.25rem .9rem .25rem 0;
  border-bottom:1px solid rgba(128,128,128,.3)}
pre {overflow-x:auto; padding:.8rem; border-radius:4px; font-size:.85rem;
  background:light-dark(#f0f2ee, #1f2629)}
a {color:light-dark(#0f6b72, #4fb8bd)}
"""

Row = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Plate:
    """A picture file (PNG) with what it shows in words, for those who do not see it, and what is to be said of it."""

    png: bytes = field(repr=False)
    words: str
    caption: str = ""


@dataclass(frozen=True)
class Table:
    """Rows below their heads, with the table's own title."""

    title: str
    heads: Row
    rows: tuple[Row, ...]


@dataclass(frozen=True, eq=False)
class Report:
    """A page at one moment: `link` opens it again, `cells` are its maps, `made` says when."""

    title: str
    subtitle: str
    link: str
    made: str
    plates: tuple[Plate, ...]
    tables: tuple[Table, ...]
    cells: tuple[Taken, ...]
    script: str
    reading: tuple[str, ...] = ()


def report_html(report: Report) -> str:
    """One file that any browser shows without a network: pictures within, no script, nothing fetched."""
    parts = [
        f"<h1>{escape(report.title)}</h1>",
        f'<p class="quiet">{escape(report.subtitle)}</p>',
        *(_plate(plate) for plate in report.plates),
        *(f"<p>{escape(text)}</p>" for text in report.reading),
        _table(Table("What was chosen", ("", ""), choices(report.cells))),
        *(_table(table) for table in report.tables),
        "<h2>How it was made</h2>",
        *(f"<p>{escape(text)}</p>" for text in made_with(report)),
        f"<p>The same page: {_link(report.link)}</p>",
        "<p>The same maps again, in Python:</p>",
        f"<pre>{escape(report.script)}</pre>",
        "<h2>To be cited</h2>",
        *(f"<p>{escape(text)}</p>" for text in citations(report.cells)),
    ]
    head = "".join(
        (
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            f"<title>{escape(report.title)}</title><style>{STYLE}</style>",
        )
    )
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><main>\n{body}\n</main></body></html>\n'


def choices(cells: Sequence[Taken]) -> tuple[Row, ...]:
    """What the maps were asked with: one row for each thing, with all values that occur."""
    asked = [
        ("Network", [cell.network_title for cell in cells]),
        ("Picture", [cell.picture_title for cell in cells]),
        ("Part of the picture (left, top, right, bottom, of 1)", [cell.part for cell in cells]),
        ("Object drawn (corners, of 1)", [cell.outline for cell in cells]),
        ("Layer", [cell.layer for cell in cells]),
        ("Method", [cell.method_title for cell in cells]),
        *((title, [cell.class_name for cell in cells if cell.explains == kind]) for kind, title in EXPLAINED.items()),
        *((name, [_setting(cell.settings.get(key)) for cell in cells]) for name, key in SETTINGS.items()),
    ]
    rows = ((name, ", ".join(dict.fromkeys(filter(None, values)))) for name, values in asked)
    return tuple(row for row in rows if row[1])


EXPLAINED = {"class": "Class explained", "channel": "Channel explained"}
SETTINGS = {
    "Strength β": "beta",
    "Cells along the shorter side": "grid",
    "Solver": "method",
    "Refined": "refine",
    "Seed": "seed",
}


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else scientific(value) if isinstance(value, float) else str(value)


def made_with(report: Report) -> tuple[str, ...]:
    """Sentences on programs, weights and the machine."""
    if not report.cells:
        return ()
    first = report.cells[0]
    weights = dict.fromkeys(f"{cell.network_title} {cell.fingerprint[:12]}…" for cell in report.cells)
    return (
        f"Made on {report.made} with {LIBRARY} {first.versions['library']} and torch {first.versions['torch']}, "
        f"on {first.device}.",
        f"SHA-256 of the weights: {'; '.join(weights)}.",
    )


def citations(cells: Sequence[Taken]) -> tuple[str, ...]:
    """The paper of CID and RU, this program, and the sources of the other methods that are shown."""
    version = f" {cells[0].versions['library']}" if cells else ""
    others = [cell for cell in cells if cell.method not in ENTROPIES]
    sources = dict.fromkeys(f"{cell.method_title}: {cell.reference}." for cell in others)
    return (CITATION, f"Maps made with {LIBRARY}{version}.", *sources)


def _plate(plate: Plate) -> str:
    source = base64.b64encode(plate.png).decode()
    below = f"<figcaption>{escape(plate.caption)}</figcaption>" if plate.caption else ""
    return f'<figure><img src="data:image/png;base64,{source}" alt="{escape(plate.words)}">{below}</figure>'


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.heads)
    rows = "".join(f"<tr>{_cells(row)}</tr>" for row in table.rows)
    top = f"<thead><tr>{head}</tr></thead>" if any(table.heads) else ""
    return f'<h2>{escape(table.title)}</h2><div class="scroll"><table>{top}<tbody>{rows}</tbody></table></div>'


def _cells(row: Row) -> str:
    first, *rest = row
    return f'<th scope="row">{escape(first)}</th>' + "".join(f"<td>{escape(value)}</td>" for value in rest)


def _link(address: str) -> str:
    shown = escape(address)
    return f'<a href="{shown}">{shown}</a>' if address.startswith(("http://", "https://")) else f"<code>{shown}</code>"
