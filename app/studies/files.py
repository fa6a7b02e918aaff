"""What can be taken away of a study, as files; pure functions."""

import io
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from app.export import canvas
from app.export.table import guarded
from app.figures.networks import MARKERS
from app.figures.studies import Frame, Series
from app.studies.claims import rows_of
from explainers.studies.base.report import Finding


def drawing(curves: Sequence[Series], frame: Frame, title: str, subtitle: str, kind: str) -> bytes:
    """The curves as "svg", "pdf" or "png"; bars from the low end of the interval to the high one."""
    width, height = 6.6, 3.2
    below = 1.1 if frame.named else 0.6
    made = canvas.figure(width, 0.75 + height + below + 0.2 * len(curves))
    canvas.write(made, 0.2, 0.14, canvas.shortened(title, width - 0.4, 11.5), 11.5, weight="bold")
    canvas.write(made, 0.2, 0.38, canvas.shortened(subtitle, width - 0.4, 8.5), 8.5)
    axes = canvas.place(made, 0.85, 0.75, width - 1.05, height)
    for number, one in enumerate(curves):
        bars = np.abs(np.array([one.low, one.high], float) - np.array(one.mean))
        drawn, *_ = axes.errorbar(
            one.x, one.mean, np.nan_to_num(bars), color=one.style.colour, lw=1.3, ms=4, capsize=2,
            marker=MARKERS[one.style.symbol], label=one.title,
        )  # fmt: skip
        # So that whoever edits the drawing finds it.
        drawn.set_gid(f"curve-{number + 1}")
        opened = [at for at, off in enumerate(one.unsure) if off]
        axes.plot(
            [one.x[at] for at in opened], [one.mean[at] for at in opened], MARKERS[one.style.symbol], ms=4,
            mec=one.style.colour, mfc="white", zorder=3,
        )  # fmt: skip
    if frame.logarithmic:
        axes.set_xscale("log")
    if frame.named:
        names = {x: at for one in curves for x, at in zip(one.x, one.at, strict=True)}
        axes.set_xticks(list(names), list(names.values()), rotation=30, ha="right")
    axes.set_xlabel(frame.x_title, fontsize=8)
    axes.set_ylabel(frame.quantity, fontsize=8, parse_math=False)
    axes.tick_params(labelsize=7, width=0.5, length=2)
    axes.grid(color="#e4e6e2", lw=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    legend = axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(0, -0.16 * below / 0.55))
    for text in legend.get_texts():
        text.set_parse_math(False)
    return canvas.saved(made, kind, title)


def curves_csv(drawn: pd.DataFrame) -> bytes:
    """A row for every point of every curve, with the ends of its interval."""
    return _csv(drawn)


def claims_csv(found: Sequence[Finding]) -> bytes:
    """A row for every claim."""
    return _csv(pd.DataFrame(rows_of(found)))


def rows_parquet(long: pd.DataFrame) -> bytes:
    """The long table behind the curves: a row for every value of every picture."""
    buffer = io.BytesIO()
    long.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _csv(table: pd.DataFrame) -> bytes:
    plain = table.map(lambda value: None if isinstance(value, float) and math.isnan(value) else guarded(value))
    return plain.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")
