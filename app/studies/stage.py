"""The map beside the curve: of one picture, moved by what the study varies."""

from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.address.selection import Selection
from app.figures.ends import ENDS
from app.figures.maps import nats_figure
from app.figures.style import PLAIN_CONFIG
from app.inputs.pictures import titles
from app.parts.bound import dropdown, steps, taker
from app.parts.look import look
from app.studies.choice import Choice, change
from app.studies.known import Known
from app.studies.lines import place_words
from explainers.methods.entropies import CID_NAME

CURVE_HELP = "Whose maps are shown: one of the curves on the left."
VARIED_HELP = "What the study varies. The map changes at once, at the same layer and on one scale for all curves."
LAYER_HELP = "Where along the curve. The map changes at once: all of these ship with the study."
STOP_HELP = "What the study varies. The map changes at once: all of these ship with the study."
LINKS = "<style>.study-way {color:light-dark(#0f6b72, #4fb8bd)}</style>"
SEEN_HELP = "Which of the pictures the map is of. Pictures whose maps ship are listed."
MAP_HELP = "One scale in nats for all maps that the controls reach; a dark cell is one that the layer uses."


@dataclass(frozen=True)
class Seen:
    """The rows of one curve and one picture that have a map, and the one that is looked at."""

    rows: pd.DataFrame
    row: pd.Series
    series: tuple[str, ...]
    pictures: tuple[str, ...]


def with_maps(one: Known) -> pd.DataFrame:
    """Rows of CID whose map ships, a row each."""
    rows = one.long[one.long["row"].isin(list(one.maps)) & (one.long["method"] == CID_NAME)]
    return rows.drop_duplicates(["series", "row"])


def looked_at(one: Known, chosen: Choice) -> Seen | None:
    """What the choice means; None where a study has no maps."""
    rows = with_maps(one)
    if not len(rows):
        return None
    series = tuple(rows["series"].unique())
    of = rows[rows["series"] == (chosen.curve if chosen.curve in series else series[0])]
    pictures = tuple(of["picture"].unique())
    seen = of[of["picture"] == (chosen.seen if chosen.seen in pictures else pictures[0])].sort_values("x")
    stops = seen["at"].tolist()
    place = stops.index(chosen.stop) if chosen.stop in stops else len(stops) - 1
    return Seen(seen, seen.iloc[place], series, pictures)


def draw_stage(one: Known, seen: Seen) -> None:
    """Controls, the map, and where it leads."""
    row = seen.row
    between, series = varies_between_curves(one), _same(seen.series)
    if between and len(series) > 1:
        steps("w_studies_curve", _title(one.study.varied), series, row["series"], taker(change, "curve"), VARIED_HELP)
    else:
        dropdown("w_studies_curve", "Curve", series, row["series"], taker(change, "curve"), CURVE_HELP)
    stops = {name: place_words(one, name) for name in seen.rows["at"]}
    title, words = ("Layer", LAYER_HELP) if between else (_title(one.study.varied), STOP_HELP)
    if len(stops) > 1:
        steps("w_studies_stop", title, stops, row["at"], taker(change, "stop"), words)
    known = titles(map(key_of, seen.pictures))
    seen_titles = {name: known[key_of(name)] for name in seen.pictures}
    dropdown("w_studies_seen", "Picture", seen_titles, row["picture"], taker(change, "seen"), SEEN_HELP)
    st.markdown("**CID of this picture**", help=MAP_HELP)
    alt = f"CID of {row['series']}, {place_words(one, row['at'])}, in nats"
    st.plotly_chart(figure(one, seen), theme=None, config=PLAIN_CONFIG, key="figure_studies_map", alt=alt)
    st.html(links(row))


def varies_between_curves(one: Known) -> bool:
    """Whether what the study varies is what tells its curves apart; along each are layers."""
    rows = with_maps(one)
    return one.study.varied != "layer" and bool((rows["at"] == rows["layer"]).all())


def key_of(name: str) -> str:
    """The gallery's key of a picture by its name in a table, where photographs have none of their own.

    >>> key_of("bird/3"), key_of("cat")
    ('bird/3', 'photo/cat')
    """
    return name if "/" in name else f"photo/{name}"


def figure(one: Known, seen: Seen) -> go.Figure:
    """The map on the scale of all maps of its curve, or of all curves where these are what is compared."""
    rows = with_maps(one)
    if not varies_between_curves(one):
        rows = rows[rows["series"] == seen.row["series"]]
    cells = np.concatenate([one.maps[name].ravel() for name in rows["row"]])
    finite = cells[np.isfinite(cells)].astype(float)
    limits = (float(np.percentile(finite, 1)), float(np.percentile(finite, 99)))
    shown = one.maps[seen.row["row"]].astype(float)
    return nats_figure(shown, (shown.shape[0], shown.shape[1]), limits, look(), None, ENDS[CID_NAME])


def links(row: pd.Series) -> str:
    """To Explore and Compare, at this network, layer, picture and β."""
    at = Selection(row["network"], key_of(row["picture"]), row["layer"], float(row["beta"])).to_query()
    query = escape(urlencode(at))
    ways = ("./", "Open in Explore"), ("compare", "Open in Compare")
    return LINKS + " · ".join(f'<a class="study-way" href="{page}?{query}">{words}</a>' for page, words in ways)


def _title(varied: str) -> str:
    """
    >>> _title("layer"), _title("β")
    ('Layer', 'β')
    """
    return varied.capitalize() if varied.isascii() else varied


def _same(names) -> dict[str, str]:
    return {name: name for name in names}
