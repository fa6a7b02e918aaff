"""The names of a grid's rows and their colours, which stay where they are while the maps are scrolled sideways."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from app.figures.grid import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Row,
    Style,
    colour_scale,
    height_rule,
    least_width,
    row_limits,
    row_shares,
)
from app.figures.raster import ink_on, palette
from app.parts.sideways import PAGE
from app.words import number

# Pixels of the strip of colours beside a name.
KEY = 12
# Letters for which there is room beside a map.
LONGEST = 20


@dataclass(frozen=True)
class RowName:
    """`low` and `high` are what the two ends of the row's `colours`, a scale of Plotly's, stand for."""

    title: str
    unit: str
    low: str
    high: str
    colours: str


def row_name(row: Row, style: Style) -> RowName:
    """The ends as numbers, and in a reader's words where they have some; the unit where there is room.

    >>> row_name(Row("CID", "", "nats", False, (), (-4.5, 1.0), ("kept", "thrown away")), Style())
    RowName(title='CID', unit='nats', low='−4.5 kept', high='thrown away 1', colours='Viridis')
    >>> row_name(Row("Saliency", "", "score per unit of input", False, (), (0, 0.7)), Style())
    RowName(title='Saliency', unit='', low='0', high='0.7', colours='Viridis')
    """
    unit = row.unit if len(f"{row.title} · {row.unit}") <= LONGEST and not style.own else ""
    low, high = ("lowest", "highest") if style.own else (number(end) for end in row_limits(row))
    if row.ends:
        low, high = row.ends if style.own else (f"{low} {row.ends[0]}", f"{row.ends[1]} {high}")
    return RowName(row.title, unit, low, high, colour_scale(row, style))


def row_names(names: Sequence[RowName], columns: int) -> str:
    """HTML that lies over the chart's own names where the page is too narrow for all columns, and nowhere else.

    Where the chart's own scale comes into view, at the end of the columns, it takes the place of the colours.
    """
    tall = f"calc({height_rule(len(names), columns)} - {TOP + BOTTOM}px)"
    rows = "".join(
        f'<div style="top:{upper:.2%}; height:{height:.2%}"><b>{_title(name)}</b>{_key(name)}</div>'
        for name, (upper, height) in zip(names, row_shares(len(names)), strict=True)
    )
    style = f"""<style>
.row_names {{display:none; position:absolute; top:{TOP - 4}px; width:{LEFT - 4}px; height:{tall};
  box-sizing:content-box; background:{PAGE}; border-block:solid {PAGE};
  border-width:4px 0 {BOTTOM}px}}
.row_names div {{position:absolute; width:100%; display:flex}}
.row_names b, .row_names i {{writing-mode:vertical-rl; transform:rotate(180deg); line-height:1; text-align:center}}
.row_names b {{flex:1; font-size:13px}}
.row_names small {{font-size:11px; font-weight:400}}
.row_names i {{width:{KEY}px; display:flex; justify-content:space-between; padding-block:2px;
  font-size:10px; font-style:normal; line-height:{KEY}px}}
@supports (animation-timeline:scroll()) {{
  .row_names i {{animation:row_key linear both; animation-timeline:scroll(nearest inline);
    animation-range:calc(100% - {RIGHT}px) calc(100% - {RIGHT // 2}px)}}
  @keyframes row_key {{to {{opacity:0}}}}
}}
@container (max-width:{least_width(columns) - 1}px) {{.row_names {{display:block}}}}
</style>"""
    return f'{style}<div class="row_names" aria-hidden="true">{rows}</div>'


def _title(name: RowName) -> str:
    return escape(name.title) + (f"<small> · {escape(name.unit)}</small>" if name.unit else "")


def _key(name: RowName) -> str:
    """The colours from the lower end at the foot to the upper end at the top, and the words for both ends on them."""
    colours = palette(name.colours)
    stops = ", ".join(f"rgb({red} {green} {blue})" for red, green, blue in colours[::51])
    ends = "".join(
        f'<span style="color:{ink_on(colours[end])}">{escape(words)}</span>'
        for end, words in ((0, name.low), (-1, name.high))
    )
    return f'<i style="background:linear-gradient(to bottom, {stops})">{ends}</i>'
