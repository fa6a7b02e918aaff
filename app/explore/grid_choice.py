"""What the grid of maps is asked for: rows, columns, scale and colours, in step with the address bar."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import streamlit as st

from app.address import pixels, selection
from app.address.links import text, texts
from explainers.cid.noise_effect import FACTORS
from explainers.methods.entropies import CID_NAME, ENTROPIES

VIEWS = {"grid": "Side by side", "layer": "One layer", "layers": "All layers"}
ACROSS = {"layers": "Layers", "pictures": "Pictures", "networks": "Networks"}
SCALES = {"row": "One scale per row", "own": "Each its own, 0–1"}
# Perceptually uniform and readable without red and green; those for signed maps have their middle at zero.
COLOURS = {"viridis": "Viridis", "cividis": "Cividis", "magma": "Magma", "grey": "Grey"}
SIGNED_COLOURS = {"rdbu": "Red–blue", "puor": "Purple–orange"}
OPACITIES = (20, 40, 60, 80, 100)
NOISES = {f"{each:g}": each for each in FACTORS}
MOST_COLUMNS, MOST_NETWORKS = 5, 3
# Without RU, which shows mostly how well its decoder has learnt: nothing to begin with.
DEFAULT_METHODS = (CID_NAME, "grad_cam", "lrp", "saliency")
LISTS = ("methods", "layers", "pictures", "networks")
CLOSER = {
    "": "Nothing",
    "difference": "Difference of two maps",
    "histogram": "Values of a map",
    "agreement": "Agreement of the methods",
}
# Of how many pictures the agreement is told; 0: of this one.
OVER = (0, 6, 12)
# A cell of the grid by its method and its column, counted from 1; and two ends of a range.
NUMBER = r"-?\d{1,12}(\.\d{1,12})?(e[+-]\d\d?)?"
CELL, RANGE = re.compile(r"[a-z0-9_]{1,40}\.[1-9]", re.ASCII), re.compile(f"{NUMBER} {NUMBER}", re.ASCII)


@dataclass(frozen=True)
class GridChoice:
    """What the Explore page shows beside the selection that all pages share.

    `view` is the open tab; columns are what `across` names, and empty `layers`, `pictures` and `networks` mean those
    that are suggested; `opacity` is in percent; `target` None: the likeliest class; `present` 1: one layer, in
    large type; `noise`: how many times the map's own noise is shown, 0 where none is; `pin`: row and column of the
    pixel that stays marked; `play` 1: layers one after the other. `closer` is what stands below
    the grid, a key of CLOSER, for the cells `a` and `b` ("cid.1": the first column of CID); `marked` are the ends of a
    range of values, `over` a number of pictures.
    """

    view: str = "grid"
    methods: tuple[str, ...] = DEFAULT_METHODS
    across: str = "layers"
    layers: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    scale: str = "row"
    opacity: int = 100
    colours: str = "viridis"
    signed_colours: str = "rdbu"
    target: int | None = None
    metric: str = CID_NAME
    present: int = 0
    noise: float = 0.0
    pin: str = ""
    play: int = 0
    closer: str = ""
    a: str = ""
    b: str = ""
    marked: str = ""
    over: int = 0

    def to_query(self) -> dict[str, str]:
        """The address bar's parameters: what differs from the defaults; of what was uploaded, that it was.

        >>> GridChoice(methods=("cid", "lrp"), opacity=60, pictures=("bird/1", "upload/12")).to_query()
        {'methods': 'cid lrp', 'pictures': 'bird/1 upload', 'opacity': '60'}
        """
        query = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in selection.LISTS:
                value = tuple(map(selection.public, value))
            if value != field.default:
                query[field.name] = text(value)
        return query

    def texts(self) -> dict[str, str]:
        """All of it as the address holds it."""
        return texts(asdict(self))

    @staticmethod
    def from_query(query: Mapping[str, str]) -> "GridChoice":
        """The choice in an address; values that make no sense are left at their defaults.

        >>> GridChoice.from_query({"layers": "conv1 fc8", "opacity": "7", "target": "3"})
        ... # doctest: +ELLIPSIS
        GridChoice(view='grid', ..., layers=('conv1', 'fc8'), ..., opacity=100, ..., target=3, metric='cid', ...)
        """
        options = {
            "view": VIEWS,
            "across": ACROSS,
            "scale": SCALES,
            "colours": COLOURS,
            "signed_colours": SIGNED_COLOURS,
            "metric": tuple(ENTROPIES),
            "closer": CLOSER,
        }
        chosen: dict[str, Any] = {n: query[n] for n, known in options.items() if query.get(n) in known}
        # An empty list of methods is one from which all have been taken away; the others are then those suggested.
        chosen |= {name: tuple(dict.fromkeys(query[name].split()))[:32] for name in LISTS if name in query}
        chosen |= {name: selection.listed(chosen[name]) for name in selection.LISTS if name in chosen}
        if query.get("opacity") in [str(percent) for percent in OPACITIES]:
            chosen["opacity"] = int(query["opacity"])
        if query.get("target", "").isdecimal() and len(query["target"]) < 6:
            chosen["target"] = int(query["target"])
        if query.get("present") == "1":
            chosen["present"] = 1
        if (noise := NOISES.get(query.get("noise", ""))) is not None:
            chosen["noise"] = noise
        if pixels.read(query.get("pin", "")):
            chosen["pin"] = query["pin"]
        if query.get("play") == "1":
            chosen["play"] = 1
        forms = {"a": CELL, "b": CELL, "marked": RANGE}
        chosen |= {name: query[name] for name, form in forms.items() if form.fullmatch(query.get(name, ""))}
        if (over := query.get("over", "")) in [str(count) for count in OVER]:
            chosen["over"] = int(over)
        return GridChoice(**chosen)


def choice() -> GridChoice:
    """This session's choice; on the first visit what the address bar says."""
    if "grid_choice" not in st.session_state:
        st.session_state["grid_choice"] = GridChoice.from_query(selection.arrived("explore"))
    return st.session_state["grid_choice"]


def change(**values: object) -> None:
    st.session_state["grid_choice"] = replace(choice(), **values)
