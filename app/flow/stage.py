"""The first figure: what moves with the epochs, played in the browser."""

import math

import numpy as np
import streamlit as st

from app.figures.flow import style_of
from app.figures.flow_stage import Stage, Track, stage_figure
from app.figures.style import PLAIN_CONFIG
from app.flow import known
from app.flow.choice import ALL, Choice, choice
from app.flow.known import Variant
from app.flow.tables import INPUT, LABEL, Rows
from app.parts.look import look
from app.parts.watch import Asked, Watch
from app.words import counted
from explainers.information_flow.unfolding import Unfolding, UnfoldingRequest

QUICK, POLL = 4.0, 0.5
STAGE_HELP = (
    "Above: every layer's I(X;T) and I(Y;T) at one epoch, on its way through the training; bars go from the lowest to "
    "the highest of the trainings, dashed lines are the most that can be. Below: the points T of one layer, where it "
    "has two or three units, and how far apart two inputs of one class and of two classes lie. Play runs through the "
    "epochs."
)


def looked_at(chosen: Choice) -> str:
    """The layer whose points and distances are shown: the last where all are chosen."""
    layers = list(known.layers(chosen.variant.recipe))
    return layers[-1] if chosen.layer == ALL else chosen.layer


def unfolded(variant: Variant, layer: str, sigma: float | None) -> Unfolding | None:
    """Where the layer's points lie after each epoch; None while, or because, that is not known, which is said."""
    request = UnfoldingRequest(variant.recipe, layer, sigma, folder=known.FOLDER)
    work = Watch("flow stage", lambda: [Asked(request)], "flow_stage")
    work.release()
    (view,) = work.ask(QUICK)
    if view.state == "done":
        return view.value
    if view.state == "refused":
        st.info(view.message, icon=":material/info:")
    else:
        work.draw(lambda views: work.status(views, "Running the snapshots", "", "Cancelled."), POLL)
    return None


def draw_stage(rows: Rows, seen: Unfolding, exact: float | None) -> None:
    """The figure; `exact` is I(X;T) of a network without noise, in the unit, and None where there is noise."""
    chosen = choice()
    stage = stage_of(rows, seen, looked_at(chosen), exact)
    start = int(np.abs(np.array(seen.epochs) - chosen.at).argmin())
    st.markdown("**From epoch to epoch**", help=STAGE_HELP)
    st.plotly_chart(
        stage_figure(stage, start, look()),
        theme=None,
        key="figure_flow_stage",
        config=PLAIN_CONFIG | {"displayModeBar": False},
        alt=f"The information plane of {counted(len(stage.tracks), 'layer')} at epoch {seen.epochs[start]:,}, and the "
        f"distances between points of layer {stage.layer}",
    )
    if not stage.points.shape[-1]:
        units = known.layers(rows.variant.recipe)[stage.layer]
        drawn = [name for name, count in known.layers(rows.variant.recipe).items() if count in (2, 3)]
        other = f"; layer {drawn[-1]} can" if drawn else ""
        st.caption(f"Layer {stage.layer} has {counted(units, 'unit')}: its points cannot be drawn{other}.")


def stage_of(rows: Rows, seen: Unfolding, layer: str, exact: float | None = None) -> Stage:
    """What the figure draws: the means over the trainings, their ends, and one training's points."""
    shares = np.bincount(seen.labels) / len(seen.labels)
    shares = shares[shares > 0]
    of_y = rows.ceiling(LABEL) or float(-(shares * np.log(shares)).sum()) * rows.factor
    names = list(known.layers(rows.variant.recipe))
    if exact is not None:
        tracks = [_still(name, place, exact, of_y, len(seen.epochs)) for place, name in enumerate(names)]
        ceilings = (exact, of_y)
    else:
        tracks = [_track(rows, name, names.index(name), seen.epochs) for name in rows.layers(INPUT)]
        ceilings = (rows.ceiling(INPUT) or math.log(len(seen.labels)) * rows.factor, of_y)
    return Stage(
        seen.epochs, tuple(tracks), ceilings, rows.unit, layer, seen.labels, seen.points, seen.edges, seen.within,
        seen.between,
    )  # fmt: skip


def _track(rows: Rows, layer: str, place: int, epochs: tuple[int, ...]) -> Track:
    of_x, of_y = (rows.series(quantity, layer, f"layer {layer}", place) for quantity in (INPUT, LABEL))

    def at(values: tuple[float, ...], known_epochs: tuple[int, ...]) -> tuple[float, ...]:
        found = dict(zip(known_epochs, values, strict=True))
        return tuple(found.get(epoch, math.nan) for epoch in epochs)

    ends = [
        tuple(zip(at(one.low, one.epochs), at(one.high, one.epochs), strict=True)) for one in (of_x, of_y)
    ]  # fmt: skip
    return Track(of_x.title, of_x.style, at(of_x.mean, of_x.epochs), ends[0], at(of_y.mean, of_y.epochs), ends[1])


def _still(layer: str, place: int, x: float, y: float, count: int) -> Track:
    return Track(f"layer {layer}", style_of(place), (x,) * count, ((x, x),) * count, (y,) * count, ((y, y),) * count)
