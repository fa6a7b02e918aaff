"""The pictures behind one point: sorted, and each a way into Explore."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from app.address import selection
from app.figures.layer_curves import Line
from app.inputs.pictures import NUMBER, thumbnail
from app.layers.choice import METHODS, choice
from app.layers.lines import Chart, Frame, Shown
from app.parts import ways
from app.words import counted

ORDERS = {
    "concentration": "Lowest concentration",
    "wrong": "Wrong answers",
    "low": "Least discarded",
    "high": "Most discarded",
}
HELP = "What every picture adds to a point of the curves."
POINT_HELP = "A point of the curves: a click on it in the chart leads to Explore at once, this list without a mouse."
ORDER_HELP = (
    "Lowest concentration: where the layer keeps of the background as much as of the subject. Wrong answers: where the "
    "network says something else than the picture shows. Least and most discarded: by the mean over the picture."
)
OPEN_HELP = "Opens this layer of this network with the first of these pictures in Explore."
COLUMNS = {
    "Image": "The picture as the gallery shows it.",
    "Picture": "Its name in the gallery or in the sweep.",
    "Shows": "Its class, where the network knows it; else the first of its names.",
    "Network says": "The likeliest class.",
    "Right": "Whether the two agree; empty where the network has no such class.",
    "Mean (nats)": "The mean of this picture's map.",
    "Concentration (nats)": "The mean over the background minus that over the subject; empty without either.",
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


def draw_pictures(chart: Chart, lines: list[Line]) -> None:
    """One point, chosen from a list, and its pictures in an order."""
    known = spots(lines)
    if not known:
        return
    st.markdown("**Picture by picture**", help=HELP)
    with st.container(horizontal=True, vertical_alignment="bottom", key="layers_closer"):
        chosen = st.selectbox("Point", list(known), key="w_layers_point", help=POINT_HELP)
        order = st.segmented_control(
            "First come",
            list(ORDERS),
            format_func=ORDERS.__getitem__,
            key="w_layers_order",
            default="concentration",
            required=True,
            help=ORDER_HELP,
        )
        spot = known[chosen]
        shown = chart.networks[spot.line.name]
        rows = ordered(chart.at(spot.line.name, spot.line.setting, spot.layer), order)
        st.button(
            "Open in Explore",
            icon=":material/blur_on:",
            key="layers_open",
            on_click=open_point,
            args=(chart, spot.line.name, spot.layer, spot.line.setting),
            disabled=not shown.key,
            help=OPEN_HELP,
        )
    told = [one for one in rows["right"] if one in (True, False)]
    if told:
        count = counted(len(told), "picture")
        st.caption(f"The network is wrong on {told.count(False)} of {count} whose class it knows.")
    st.dataframe(
        pd.DataFrame(picture_rows(chart, shown, spot, rows)),
        hide_index=True,
        width="stretch",
        column_config=_columns(),
        key="layers_pictures",
    )


def ordered(rows: Frame, order: str) -> Frame:
    """The rows of a point in one of ORDERS; what cannot be told comes last."""
    if order == "wrong":
        place = rows["right"].map({False: 0, True: 1}).fillna(2)
        return rows.assign(place=place).sort_values(["place", "concentration"], kind="stable").drop(columns="place")
    column = "concentration" if order == "concentration" else "mean"
    return rows.sort_values(column, ascending=order != "high", kind="stable", na_position="last")


def picture_rows(chart: Chart, shown: Shown, spot: Spot, rows: Frame) -> list[dict[str, object]]:
    """What the table shows."""
    found: list[dict[str, object]] = []
    for one in rows.itertuples():
        bird = is_bird(one.picture)
        found.append(
            {
                "Image": thumbnail(one.picture) if bird else None,
                "Picture": one.picture,
                "Shows": one.label,
                "Network says": one.answer,
                "Right": one.right,
                "Mean (nats)": one.mean,
                "Concentration (nats)": one.concentration,
                "Explore": address(chart, shown, spot, one.picture) if bird and shown.key else None,
            }
        )
    return found


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
    """Sends this session to Explore at a point, with the first of its pictures that the gallery has."""
    shown = chart.networks[fingerprint]
    pictures = chart.at(fingerprint, setting, layer)["picture"]
    picture = next((name for name in sorted(pictures, key=_index) if is_bird(name)), selection.selection().picture)
    selection.change(**at_point(chart, shown, layer, setting, picture))
    st.session_state["source"] = picture.partition("/")[0]
    ways.send("explore", view="layer", metric=METHODS[choice().metric])


def is_bird(name: str) -> bool:
    """Whether the gallery has the picture."""
    source, _, index = name.partition("/")
    return source == "bird" and NUMBER.fullmatch(index) is not None


def _index(name: str) -> int:
    return int(name.partition("/")[2]) if is_bird(name) else 0


def _columns() -> dict[str, Any]:
    kinds: dict[str, Callable[[str], Any]] = {
        "Image": lambda help: st.column_config.ImageColumn(width=46, help=help),
        "Right": lambda help: st.column_config.CheckboxColumn(help=help),
        "Mean (nats)": lambda help: st.column_config.NumberColumn(format="%.4f", help=help),
        "Concentration (nats)": lambda help: st.column_config.NumberColumn(format="%.4f", help=help),
        "Explore": lambda help: st.column_config.LinkColumn(display_text="Open", help=help),
    }
    return {
        name: kinds.get(name, lambda help: st.column_config.TextColumn(help=help))(words)
        for name, words in COLUMNS.items()
    }
