"""Curves through a network's layers, for papers and slides: SVG, PDF and the numbers."""

import math
from dataclasses import dataclass

from app.export import canvas
from app.export.table import written
from app.figures.style import LIGHT

# The app's two colours of curves, then two more that differ in lightness as well.
INKS = (LIGHT.accent, LIGHT.second, "#6a4c93", "#7a8b2a")
# What stands in a column of its own beside a value whose map does not meet the constraint.
UNSURE = "its noise does not meet the constraint"
MORE = "how far it lies below the maximum is not known"
KINDS = {"svg": "image/svg+xml", "pdf": "application/pdf"}


@dataclass(frozen=True)
class Curve:
    """One value for each layer, None where there is none (yet), with what it may be off by where that is known.

    `unsure` marks the layers whose map does not meet the constraint, drawn as open points, `more` those that may be
    off by more than that, since what their map loses is not known. Curves with the same `axis`,
    a quantity with its unit, share one chart, which is `logarithmic` if one of them is.
    Without a `colour` they take turns with the app's.
    """

    title: str
    axis: str
    values: tuple[float | None, ...]
    errors: tuple[float | None, ...] = ()
    logarithmic: bool = False
    colour: str = ""
    unsure: tuple[bool, ...] = ()
    more: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Curves:
    """Curves over the same `layers`, in order of execution, or over other places that `places` names."""

    title: str
    subtitle: str
    layers: tuple[str, ...]
    curves: tuple[Curve, ...]
    places: str = "layer, in order of execution"


def curves_file(what: Curves, kind: str) -> bytes:
    """The curves as "svg", "pdf" or "png", one chart below the other for each axis; gaps stay gaps."""
    axes_titles = list(dict.fromkeys(curve.axis for curve in what.curves))
    width, height = max(5.2, 1.3 + 0.26 * len(what.layers)), 2.2
    longest = max(map(len, what.layers), default=0)
    made = canvas.figure(width, 0.75 + len(axes_titles) * (height + 0.2) + 0.35 + 0.05 * longest)
    canvas.write(made, 0.2, 0.14, canvas.shortened(what.title, width - 0.4, 11.5), 11.5, weight="bold")
    canvas.write(made, 0.2, 0.38, canvas.shortened(what.subtitle, width - 0.4, 8.5), 8.5)
    places = range(len(what.layers))
    for row, title in enumerate(axes_titles):
        axes = canvas.place(made, 0.85, 0.75 + row * (height + 0.2), width - 1.05, height)
        chosen = [(place, curve) for place, curve in enumerate(what.curves) if curve.axis == title]
        for place, curve in chosen:
            y = [math.nan if value is None else value for value in curve.values]
            bars = [math.nan if error is None else error for error in curve.errors] or None
            ink = curve.colour or INKS[place % len(INKS)]
            drawn, *_ = axes.errorbar(
                places, y, bars, color=ink, lw=1.4, marker="o", ms=3.5, capsize=2, label=curve.title
            )
            # So that whoever edits the drawing finds it.
            drawn.set_gid(f"curve-{place + 1}")
            opened = [at for at, one in enumerate(curve.unsure) if one]
            axes.plot(opened, [y[at] for at in opened], "o", ms=3.5, mec=ink, mfc="white", zorder=3)
        if any(curve.logarithmic for _, curve in chosen):
            axes.set_yscale("log")
        axes.set_ylabel(title, fontsize=8, parse_math=False)
        axes.set_xticks(places, what.layers if row == len(axes_titles) - 1 else [], rotation=45, ha="right")
        for label in axes.get_xticklabels():
            label.set(rotation_mode="anchor", parse_math=False)
        axes.tick_params(labelsize=7, width=0.5, length=2)
        axes.set_xlim(-0.5, len(what.layers) - 0.5)
        axes.grid(color="#e4e6e2", lw=0.5)
        axes.spines[["top", "right"]].set_visible(False)
        if len(chosen) > 1:
            axes.legend(fontsize=7, frameon=False)
    open_points = any(any(curve.unsure) for curve in what.curves)
    axes.set_xlabel(what.places + ("; open points: uncertain, " + UNSURE if open_points else ""), fontsize=8)
    return canvas.saved(made, kind, what.title)


def curves_csv(what: Curves) -> bytes:
    """One row per layer, one column per curve with its unit; empty where there is no value.

    Of a curve with uncertain values another column says which.
    """
    rows = []
    for place, layer in enumerate(what.layers):
        row: dict[str, object] = {what.places.partition(",")[0]: layer}
        for curve in what.curves:
            name = curve.axis if curve.axis.startswith(curve.title) else f"{curve.title}: {curve.axis}"
            row[name] = curve.values[place]
            if curve.errors:
                row[f"what {name} may be off by"] = curve.errors[place]
            if any(curve.more):
                row[f"{name} may be off by more"] = MORE if curve.more[place] else ""
            if any(curve.unsure):
                row[f"{name} is uncertain"] = UNSURE if curve.unsure[place] else ""
        rows.append(row)
    return written(rows)
