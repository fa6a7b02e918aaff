"""Which curves are drawn over the epochs, of the table and of new estimates."""

import math
from dataclasses import dataclass

from app.figures.flow import Level, Series, style_of
from app.flow import known
from app.flow.choice import ALL, Choice
from app.flow.tables import BINNED, INPUT, INTEGRAL, LABEL, Rows
from app.words import decimal, number
from explainers.information_flow.anew import Anew
from explainers.methods.entropies import CID_NAME

DASHES = ("solid", "dash", "dot", "dashdot")
INFORMATION = {"input": INPUT, "label": LABEL}
# What is measured of pairs of points: the quantities within and between classes, the axis, and the title.
PAIRS = {
    "distance": (
        ("within distance", "between distance"), "mean distance of two points", "Distances within and between classes",
    ),
    "cosine": (("cosine within", "cosine between"), "mean cosine of two points", "Angles within and between classes"),
    "radius": (
        ("within radius", "between radius"), "share of pairs that are close", "Pairs at most 0.2 apart, by classes",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Chart:
    """Curves of one quantity, what stands at their axis, and the most that there can be."""

    curves: tuple[Series, ...]
    quantity: str
    title: str
    levels: tuple[Level, ...] = ()


def chart_of(rows: Rows, chosen: Choice, found: Anew | None = None, noise: float = 0.0) -> Chart:
    """The chart that is chosen; `found` are new estimates with that noise, which are drawn where they belong."""
    if chosen.show in INFORMATION:
        return _information(rows, chosen, INFORMATION[chosen.show], found, noise)
    if chosen.show == "binned":
        width = chosen.bins
        curves = _layers(rows, chosen, BINNED, width)
        return Chart(curves, f"entropy of T in bins ({rows.unit})", f"Binned with width {width:g}", _ceiling(rows))
    if chosen.show in PAIRS:
        names, quantity, title = PAIRS[chosen.show]
        within, between = (_layers(rows, chosen, name) for name in names)
        named = [(f"{one.title}, same class", one, "solid") for one in within]
        named += [(f"{one.title}, other class", one, "dash") for one in between]
        curves = tuple(_renamed(one, title, dash) for title, one, dash in named)
        return Chart(curves, quantity, title)
    if chosen.show == "purity":
        curves = _layers(rows, chosen, "purity")
        return Chart(curves, "share of nearest neighbours of the same class", "Purity of the neighbourhood")
    if chosen.show == CID_NAME:
        return Chart(_layers(rows, chosen, "CID"), "mean CID (nats a pixel)", "CID of single pictures")
    curves = tuple(rows.series(name, "", name, place) for place, name in enumerate(("accuracy", "loss")))
    return Chart(curves, "accuracy (share), loss (nats)", "Accuracy on held-out samples, and loss")


def widths_chart(rows: Rows, layer: str) -> Chart:
    """The binned curves of one layer at every width."""
    curves = tuple(
        rows.series(BINNED, layer, f"bins of {width:g}", place, width, DASHES[place % len(DASHES)])
        for place, width in enumerate(known.widths(rows.variant.experiment))
    )
    return Chart(curves, f"entropy of T in bins ({rows.unit})", f"Layer {layer}, binned at four widths", _ceiling(rows))


def constant_chart(rows: Rows, exact: float, epochs: tuple[int, ...]) -> Chart:
    """I(X;T) of every layer of a network without noise."""
    curves = tuple(
        Series(
            f"layer {layer}", style_of(place), epochs, (exact,) * len(epochs), (math.nan,) * len(epochs),
            (math.nan,) * len(epochs), (f"layer {layer}<br>{decimal(exact)} {rows.unit}",) * len(epochs),
            DASHES[place % len(DASHES)],
        )
        for place, layer in enumerate(known.layers(rows.variant.recipe))
    )  # fmt: skip
    return Chart(curves, f"I(X;T) ({rows.unit})", "I(X;T), without noise")


def _information(rows: Rows, chosen: Choice, quantity: str, found: Anew | None, noise: float) -> Chart:
    ceiling = rows.ceiling(quantity)
    curves = _layers(rows, chosen, quantity)
    if quantity == INPUT and rows.has(INTEGRAL):
        curves += (rows.series(INTEGRAL, "1", "by integration", len(curves), dash="dash"),)
    if found is not None:
        names = list(known.layers(rows.variant.recipe))
        layers = names if chosen.layer == ALL else [chosen.layer]
        curves += tuple(
            one for layer in layers if (one := _anew(rows, found, quantity, layer, names.index(layer), noise)).epochs
        )
    what = "log n" if quantity == INPUT else "H(Y)"
    levels = (Level(ceiling, f"{what} = {decimal(ceiling, 2)} {rows.unit}: the most it can be"),) if ceiling else ()
    if found is not None and quantity == INPUT and found.estimates:
        other = found.estimates[0].ceiling * rows.factor
        if ceiling is None or abs(other - ceiling) > 1e-3:
            levels += (Level(other, f"log n = {decimal(other, 2)} {rows.unit} of the new estimates"),)
    return Chart(curves, f"{quantity} ({rows.unit})", f"{quantity} over the epochs", levels)


def _layers(rows: Rows, chosen: Choice, quantity: str, width: float | None = None) -> tuple[Series, ...]:
    names = list(known.layers(rows.variant.recipe))
    layers = rows.layers(quantity) if chosen.layer == ALL else [chosen.layer]
    return tuple(rows.series(quantity, layer, f"layer {layer}", names.index(layer), width) for layer in layers)


def _anew(rows: Rows, found: Anew, quantity: str, layer: str, place: int, noise: float) -> Series:
    here = sorted(
        (one for one in found.estimates if one.layer == layer and one.quantity == quantity), key=lambda one: one.epoch
    )
    title = f"layer {layer}, new, σ {noise:g}"
    mean, low, high = (tuple(getattr(one, name) * rows.factor for one in here) for name in ("value", "low", "high"))
    words = tuple(
        f"{title}, epoch {one.epoch:,}<br>{decimal(one.value * rows.factor)} {rows.unit}"
        f"<br>standard error of the draws {number(one.error * rows.factor, 2)}"
        f"<br>{one.n:,} samples, with which at most {decimal(one.ceiling * rows.factor, 2)} {rows.unit}"
        for one in here
    )
    return Series(title, style_of(place), tuple(one.epoch for one in here), mean, low, high, words, points=True)


def _renamed(one: Series, title: str, dash: str) -> Series:
    return Series(title, one.style, one.epochs, one.mean, one.low, one.high, one.words, dash)


def _ceiling(rows: Rows) -> tuple[Level, ...]:
    """log n of the samples that were binned."""
    binned = rows.of(BINNED)
    n = int(binned["n"].max()) if len(binned) else 0
    value = math.log(n) * rows.factor if n else 0.0
    return (Level(value, f"log n = {decimal(value, 2)} {rows.unit}"),) if n else ()
