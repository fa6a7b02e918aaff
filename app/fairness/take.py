"""Take away the magnitudes over the layers, before and after rescaling."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from app.address import selection
from app.export.curves import Curve, Curves
from app.export.names import stem
from app.parts.take_files import buttons, drawings, popover
from app.words import part
from explainers.fairness.maps import Question


def take_fairness(
    question: Question,
    network: str,
    names: Sequence[str],
    means: np.ndarray,
    titles: Sequence[str],
    units: Sequence[str],
    unsure: np.ndarray,
) -> None:
    """A popover for the curves of the `network` with that title.

    `means` and `unsure` (methods, 2, layers) are as on the page, NaN where there is none.
    """
    chosen = selection.selection()
    asked = f"c = {part(question.c)}, {f'the pair from {question.pair}' if question.pair else 'all pairs'}"
    title = "Mean magnitude before and after rescaling"
    what = curves_of(title, f"{network} · {asked}", names, means, dict(zip(titles, units, strict=True)), unsure)
    with popover("fairness"):
        st.caption("Mean magnitude of each method over the layers, before and after")
        buttons(drawings(what, stem(chosen.network, "fairness")), "fairness", not np.isfinite(means).any())


def curves_of(
    title: str, subtitle: str, names: Sequence[str], means: np.ndarray, units: Mapping[str, str], unsure: np.ndarray
) -> Curves:
    """Two curves for each method, before and after; those in nats are logarithms already."""
    curves = [
        Curve(
            f"{method}, {when}",
            f"{method} ({unit})",
            known(values, unit != "nats"),
            logarithmic=unit != "nats",
            unsure=tuple(marks.tolist()),
        )
        for (method, unit), pair, unsure_pair in zip(units.items(), means, unsure, strict=True)
        for when, values, marks in zip(("before", "after"), pair, unsure_pair, strict=True)
    ]
    return Curves(title, subtitle, tuple(names), tuple(curves))


def known(values: np.ndarray, positive: bool) -> tuple[float | None, ...]:
    """Numbers that a chart has a place for, else None.

    >>> known(np.array([1.0, np.nan, np.inf, 0.0]), True)
    (1.0, None, None, None)
    """
    shown = np.isfinite(values) & ((values > 0) | (not positive))
    return tuple(float(value) if there else None for value, there in zip(values, shown, strict=True))
