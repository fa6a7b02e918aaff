"""A figure as its frame, which stays, and what stands on each of its panes, which travels by itself."""

import json
import re
from collections.abc import Iterable
from functools import partial
from inspect import unwrap
from typing import Any

import plotly.graph_objects as go

from app.figures.remembered import AROUND, looked_through, recall

# What belongs to no pane alone: titles and scales.
REST = "rest"
# Pictures, which stay while scales change.
SOURCES = "sources"
AXIS = re.compile(r"[xy]axis\d*$")
# What stands on a pane before anything has come.
FRAME = "frame"
Part = dict[str, Any]


def parted(figure: go.Figure) -> tuple[go.Figure, dict[str, Part]]:
    """The figure without traces, notes, pictures and scales; and these as JSON, by the x axis of their pane.

    A picture that stands on several panes is written once, among the sources. The rest has the domains of all axes as
    well: where maps are to keep their shape, Plotly writes what is left of a domain into the frame's own layout.

    >>> frame, parts = parted(go.Figure([{"type": "scatter", "y": [1]}], {"annotations": [{"text": "a"}]}))
    >>> frame.layout.annotations, list(parts), parts["x"]["data"][0]["y"], parts["rest"]["annotations"][0]["text"]
    ((), ['rest', 'x'], [1], 'a')
    """
    whole = json.loads(str(figure.to_json()))
    layout = whole["layout"]
    scales = {name: layout.pop(name) for name in list(layout) if name.startswith("coloraxis")}
    domains = {name: axis.get("domain", [0, 1]) for name, axis in layout.items() if AXIS.match(name)}
    parts: dict[str, Part] = {REST: {"layout": scales, "domains": domains}}
    for trace in whole["data"]:
        parts.setdefault(trace.get("xaxis", "x"), {}).setdefault("data", []).append(trace)
    sources: list[str] = []
    for kind in ("annotations", "images"):
        for item in layout.pop(kind, []):
            if kind == "images":
                if item["source"] not in sources:
                    sources.append(item["source"])
                item["source"] = sources.index(item["source"])
            parts.setdefault(_pane(item), {}).setdefault(kind, []).append(item)
    if sources:
        parts[SOURCES] = {"sources": sources}
    return looked_through([_nothing(pane) for pane in parts if pane not in (REST, SOURCES)], layout), parts


def parted_once(make: partial[go.Figure]) -> tuple[go.Figure, dict[str, Part]]:
    """`parted(make())`, once for a function and arguments that are equal; nobody's to change."""

    def parts() -> tuple[tuple[go.Figure, dict[str, Part]], int]:
        # Without being remembered itself: nobody else asks for the whole.
        made = parted(unwrap(make.func)(*make.args, **make.keywords))
        return made, AROUND + 2 * len(json.dumps(made[1]))

    return recall(("parts", make), parts)


def together(frame: go.Figure, parts: Iterable[Part]) -> go.Figure:
    """The figure of a frame and its parts, as the page puts them together."""
    parts, layout = list(parts), frame.layout.to_plotly_json()
    data: list[Any] = []
    sources = [source for part in parts for source in part.get("sources", [])]
    for part in parts:
        data += part.get("data", [])
        layout |= part.get("layout", {})
    for kind in ("annotations", "images"):
        layout[kind] = [item for part in parts for item in part.get(kind, [])]
    layout["images"] = [image | {"source": sources[image["source"]]} for image in layout["images"]]
    return go.Figure(data, layout)


def _nothing(pane: str) -> Part:
    """A trace without points: axes that bear none are not laid out as they will be."""
    axes = {"xaxis": pane, "yaxis": pane.replace("x", "y")}
    return {"type": "scatter", "x": [None], "y": [None], "meta": FRAME} | axes


def _pane(item: Part) -> str:
    """The x axis of the pane on which a note or a picture stands; the rest, where it refers to the whole figure."""
    across, down = (str(item.get(name, "paper")).split()[0] for name in ("xref", "yref"))
    return REST if "paper" in (across, down) else across
