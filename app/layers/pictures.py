"""The pictures behind one point: sorted, and each a way into Explore."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from app.address import selection
from app.figures.layer_curves import Line
from app.inputs.pictures import is_bird, thumbnail, titles
from app.layers.choice import METHODS, choice
from app.layers.lines import Chart, Frame, Shown
from app.layers.own import small, upload
from app.layers.unlike import Compared, Unlike
from app.parts import ways
from app.parts.numbers_table import show_table
from app.words import counted
from explainers.cid.certainty import is_certain, mean_uncertainty

ORDERS = {
    "concentration": "Lowest concentration",
    "wrong": "Wrong answers",
    "low": "Least discarded",
    "high": "Most discarded",
    "unlike": "Unlike Grad-CAM",
}
HELP = "What every picture adds to a point of the curves."
POINT_HELP = "A point of the curves: a click on it in the chart leads to Explore at once, this list without a mouse."
ORDER_HELP = (
    "Lowest concentration: where the layer keeps of the background as much as of the subject. Wrong answers: where the "
    "network says something else than the picture shows. Least and most discarded: by the mean over the picture. "
    "Unlike Grad-CAM: where the map orders the pixels least as Grad-CAM of the likeliest class does, computed here."
)
OPEN_HELP = "Opens this layer of this network with the first of these pictures in Explore."
# Decimals of the columns of fractions.
PLACES = {"Mean (nats)": 3, "Concentration (nats)": 3, "Like Grad-CAM": 2}
COLUMNS = {
    "Image": "The picture as the gallery shows it.",
    "Picture": "What it is called in this app, or in the sweep; the files of Take away have its key.",
    "Shows": "Its class, where the network knows it; else the first of its names.",
    "Network says": "The likeliest class.",
    "Right": "Whether the two agree; empty where the network has no such class.",
    "Mean (nats)": "The mean of this picture's map, rounded where it is uncertain.",
    "Uncertain": (
        "Whether the noise of this map does not meet the constraint, as that of closed forms where the layer is "
        "curved: its mean may be wrong by more than a tenth of a nat."
    ),
    "Concentration (nats)": "The mean over the background minus that over the subject; empty without either.",
    "Like Grad-CAM": (
        "Spearman's rank correlation over the map's cells of what the layer uses (few nats) with Grad-CAM of the "
        "likeliest class: 1 the same order, 0 unrelated, −1 the reverse. Empty where a map has no order."
    ),
    "Explore": "Opens this picture at this layer in a new tab.",
}


@dataclass(frozen=True)
class Spot:
    """A point: network, setting and layer."""

    line: Line
    layer: str


def spots(lines: list[Line]) -> dict[str, "Spot"]:
    """Points with pictures, by what they are called."""
    return {
        f"{line.words} · {layer}": Spot(line, layer)
        for line in lines
        for layer, count in zip(line.layers, line.counts, strict=True)
        if count
    }


def draw_pictures(chart: Chart, lines: list[Line], unlike: Unlike | None = None) -> None:
    """One point, chosen from a list, and its pictures in an order; with `unlike` in that against Grad-CAM, too."""
    known = spots(lines)
    if not known:
        return
    st.markdown("**Picture by picture**", help=HELP)
    if unlike is None and st.session_state.get("w_layers_order") == "unlike":
        st.session_state["w_layers_order"] = "concentration"
    with st.container(horizontal=True, vertical_alignment="bottom", key="layers_closer"):
        chosen = st.selectbox("Point", list(known), key="w_layers_point", help=POINT_HELP)
        order = st.segmented_control(
            "First come",
            [order for order in ORDERS if unlike is not None or order != "unlike"],
            format_func=ORDERS.__getitem__,
            key="w_layers_order",
            default="concentration",
            required=True,
            help=ORDER_HELP,
        )
        spot = known[chosen]
        shown = chart.networks[spot.line.name]
        rows = chart.at(spot.line.name, spot.line.setting, spot.layer)
        st.button(
            "Open in Explore",
            icon=":material/blur_on:",
            key="layers_open",
            on_click=open_point,
            args=(chart, spot.line.name, spot.layer, spot.line.setting),
            disabled=not shown.key,
            help=OPEN_HELP,
        )
    if unlike is not None:
        if order == "unlike":
            names = tuple(rows["picture"])
            known_ones = unlike.correlations(Compared(spot.line.name, spot.layer, spot.line.setting, names))
            rows = rows.assign(agreement=[known_ones.get(name, math.nan) for name in names])
        else:
            unlike.drop()
    rows = ordered(rows, order)
    told = [one for one in rows["right"] if one in (True, False)]
    if told:
        count = counted(len(told), "picture")
        st.caption(f"The network is wrong on {told.count(False)} of {count} whose class it knows.")
    errors = {"Mean (nats)": [mean_uncertainty(one) if unsure(one) else None for one in rows.to_dict("records")]}
    show_table(picture_rows(chart, shown, spot, rows), "layers_pictures", _columns(), PLACES, errors)


def ordered(rows: Frame, order: str) -> Frame:
    """The rows of a point in one of ORDERS; what cannot be told comes last."""
    if order == "wrong":
        place = rows["right"].map({False: 0, True: 1}).fillna(2)
        return rows.assign(place=place).sort_values(["place", "concentration"], kind="stable").drop(columns="place")
    column = {"concentration": "concentration", "unlike": "agreement"}.get(order, "mean")
    return rows.sort_values(column, ascending=order != "high", kind="stable", na_position="last")


def picture_rows(chart: Chart, shown: Shown, spot: Spot, rows: Frame) -> list[dict[str, object]]:
    """What the table shows."""
    # Numbered over the whole chart, so that a bird has one name in whatever order and at whichever point.
    named = {} if chart.own else titles(sorted(chart.rows["picture"].unique(), key=_index))
    found: list[dict[str, object]] = []
    for one in rows.itertuples():
        bird = not chart.own and is_bird(one.picture)
        found.append(
            {
                "Image": image_of(chart, one.picture),
                "Picture": named.get(one.picture, one.picture),
                "Shows": one.label,
                "Network says": one.answer,
                "Right": one.right,
                "Mean (nats)": one.mean,
                "Uncertain": unsure(one._asdict()),
                "Concentration (nats)": one.concentration,
                **({"Like Grad-CAM": one.agreement} if "agreement" in rows else {}),
                "Explore": address(chart, shown, spot, one.picture) if bird and shown.key else None,
            }
        )
    return found


def unsure(row: Mapping[str, Any]) -> bool:
    """Whether the mean of a row is uncertain; one without a constraint is not."""
    return not pd.isna(row["constraint"]) and not is_certain(row)


def image_of(chart: Chart, name: str) -> str | None:
    """A small picture of what rows call `name`; None where it is neither here nor in the gallery."""
    if name in chart.own:
        return small(chart.own[name])
    return thumbnail(name) if not chart.own and is_bird(name) else None


def address(chart: Chart, shown: Shown, spot: Spot, picture: str) -> str | None:
    """The address of a picture at a point in Explore; None for a network that is this session's own."""
    if shown.key.startswith(selection.PRIVATE):
        return None
    there = replace(selection.selection(), **at_point(chart, shown, spot.layer, spot.line.setting, picture))
    return "./?" + urlencode(there.to_query() | {"view": "layer", "metric": METHODS[choice().metric]})


def at_point(chart: Chart, shown: Shown, layer: str, setting: int, picture: str) -> dict[str, Any]:
    """The selection under which Explore shows this map."""
    values = dict(zip(("beta", "grid", "refine", "method", "probes", "seed"), chart.settings[setting], strict=False))
    values.pop("probes")
    return {"network": shown.key, "layer": layer, "picture": picture} | values


def open_point(chart: Chart, fingerprint: str, layer: str, setting: int) -> None:
    """Sends this session to Explore at a point, with the first of its pictures that are here or in the gallery."""
    shown = chart.networks[fingerprint]
    names = chart.at(fingerprint, setting, layer)["picture"]
    picture = next((name for name in sorted(names, key=_index) if is_bird(name)), selection.selection().picture)
    if own := next((chart.own[name] for name in names if name in chart.own), None):
        picture = upload(own)
    selection.change(**at_point(chart, shown, layer, setting, picture))
    st.session_state["source"] = picture.partition("/")[0]
    ways.send("explore", view="layer", metric=METHODS[choice().metric])


def _index(name: str) -> int:
    return int(name.partition("/")[2]) if is_bird(name) else 0


def _columns() -> dict[str, Any]:
    kinds: dict[str, Callable[[str], Any]] = {
        "Image": lambda help: st.column_config.ImageColumn(width=46, help=help),
        "Right": lambda help: st.column_config.CheckboxColumn(help=help),
        "Uncertain": lambda help: st.column_config.CheckboxColumn(help=help),
        "Mean (nats)": lambda help: st.column_config.NumberColumn(help=help),
        "Concentration (nats)": lambda help: st.column_config.NumberColumn(help=help),
        "Like Grad-CAM": lambda help: st.column_config.NumberColumn(help=help),
        "Explore": lambda help: st.column_config.LinkColumn(display_text="Open", help=help),
    }
    return {
        name: kinds.get(name, lambda help: st.column_config.TextColumn(help=help))(words)
        for name, words in COLUMNS.items()
    }
