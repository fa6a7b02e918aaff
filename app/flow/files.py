"""What can be taken away of the page, as files; pure functions."""

import io
from dataclasses import asdict

import numpy as np
import pandas as pd

from app.export import canvas
from app.export.record import versions
from app.export.table import guarded
from app.figures.flow import BEFORE, along
from app.figures.networks import MARKERS
from app.flow import known
from app.flow.choice import Choice
from app.flow.known import Variant
from app.flow.lines import Chart
from app.flow.tables import Rows
from explainers.information_flow.anew import Anew, AnewRequest

STROKES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}
# What the columns of the table are measured in, for people who open it in a spreadsheet.
UNITS = {"value": "value (nats, or the quantity's own unit)", "width": "bin width (units of activations)"}


def drawing(chart: Chart, subtitle: str, kind: str) -> bytes:
    """The curves as "png", "svg" or "pdf"; shades go from the lowest to the highest training."""
    width, height = 6.6, 3.2
    made = canvas.figure(width, 0.75 + height + 0.55 + 0.2 * len(chart.curves))
    canvas.write(made, 0.2, 0.14, canvas.shortened(chart.title, width - 0.4, 11.5), 11.5, weight="bold")
    canvas.write(made, 0.2, 0.38, canvas.shortened(subtitle, width - 0.4, 8.5), 8.5)
    axes = canvas.place(made, 0.75, 0.75, width - 0.95, height)
    for number, curve in enumerate(chart.curves):
        across, marker = along(curve.epochs), MARKERS[curve.style.symbol]
        if curve.points:
            bars = np.abs(np.array([curve.low, curve.high]) - np.array(curve.mean))
            drawn, *_ = axes.errorbar(
                across, curve.mean, np.nan_to_num(bars), color=curve.style.colour, ls="", marker=marker, ms=5,
                mfc="none", elinewidth=0.8, label=curve.title,
            )  # fmt: skip
        else:
            axes.fill_between(across, curve.low, curve.high, color=curve.style.colour, alpha=0.16, lw=0)
            (drawn,) = axes.plot(
                across, curve.mean, color=curve.style.colour, ls=STROKES[curve.dash], lw=1.3, marker=marker, ms=2.5,
                label=curve.title,
            )  # fmt: skip
        # So that whoever edits the drawing finds it.
        drawn.set_gid(f"curve-{number + 1}")
    for level in chart.levels:
        axes.axhline(level.value, color="#1d2629", lw=0.8, ls="--")
        axes.text(BEFORE, level.value, level.words, fontsize=7, va="bottom", parse_math=False)
    axes.set_xscale("log")
    last = max((curve.epochs[-1] for curve in chart.curves if curve.epochs), default=1)
    ticks = [0, *(10**power for power in range(9) if 10**power <= last)]
    axes.set_xticks(along(ticks), [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("epoch", fontsize=8)
    axes.set_ylabel(chart.quantity, fontsize=8, parse_math=False)
    axes.set_ylim(bottom=0 if axes.get_ylim()[0] > -0.05 else None)
    axes.tick_params(labelsize=7, width=0.5, length=2)
    axes.grid(color="#e4e6e2", lw=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    legend = axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(0, -0.16))
    for text in legend.get_texts():
        text.set_parse_math(False)
    return canvas.saved(made, kind, chart.title)


def table_csv(rows: Rows, found: Anew | None) -> bytes:
    """Every row of the network, and the new estimates behind them."""
    table = everything(rows, found).rename(columns=UNITS)
    return table.map(guarded).to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def table_parquet(rows: Rows, found: Anew | None) -> bytes:
    """The same for programs."""
    buffer = io.BytesIO()
    everything(rows, found).to_parquet(buffer, index=False)
    return buffer.getvalue()


def everything(rows: Rows, found: Anew | None) -> pd.DataFrame:
    """The rows of the table, all in nats, and new estimates; column "source" says which is which."""
    table = rows.rows.astype(dict.fromkeys(("experiment", "variant", "quantity"), str))
    parts = [table.assign(source="table")]
    if found is not None and found.estimates:
        first = table.iloc[0]
        new = pd.DataFrame([asdict(one) for one in found.estimates])
        same = {name: first[name] for name in ("experiment", "variant", "activation", "orthonormal")}
        parts.append(new.assign(**same, seed=0, source="estimated anew"))
    return pd.concat(parts, ignore_index=True)


def command(experiment: str) -> str:
    """The line that makes an experiment's table and snapshots again.

    >>> command("bits")
    'python -m explainers.information_flow run bits'
    """
    return f"python -m explainers.information_flow run {experiment}"


def script(chosen: Choice, layer: str, like: AnewRequest) -> str:
    """Lines of Python that estimate I(X;T) and I(Y;T) of one layer at the epoch that is looked at, as `like` does."""
    recipe, variant = chosen.variant.recipe, chosen.variant
    made = ", ".join(f"{name} {number}" for name, number in versions().items())
    with_noise = "" if like.sigma == variant.sigma else f".with_noise({like.sigma!r})"
    how = f"draws={like.draws}, repeats={like.repeats}, seed={like.seed}"
    return f'''# I(X;T) and I(Y;T) of layer {layer} at epoch {chosen.at}: {variant.title}
# Made with {made}.
from explainers.information_flow import mutual_information_input, mutual_information_label
from explainers.train.noisy_recipes import NOISY_RECIPES
from explainers.train.snapshots import SNAPSHOTS, read_snapshots

recipe = NOISY_RECIPES[{recipe!r}]
snapshots = read_snapshots(SNAPSHOTS / "{recipe}.safetensors")
network = snapshots.network(recipe, {chosen.at}){with_noise}
x, y = recipe.load().some({like.n})
of_x = mutual_information_input(network, {layer!r}, x, {how})
of_y = mutual_information_label(network, {layer!r}, x, y, {how})
for name, found in (("I(X;T)", of_x), ("I(Y;T)", of_y)):
    print(name, found.value, "nats, standard error", found.error, "at most", found.ceiling, found.flags)
'''


def exact_script(variant: Variant, layer: str, epoch: int) -> str:
    """Lines of Python that print the exact I(X;T) of a layer without noise, and what bins make of it."""
    made = ", ".join(f"{name} {number}" for name, number in versions().items())
    widths = known.widths(variant.experiment)
    return f'''# I(X;T) of layer {layer} at epoch {epoch}, exact and binned: {variant.title}
# Made with {made}.
from explainers.information_flow.binned import binned_entropy
from explainers.information_flow.deterministic import deterministic_information
from explainers.train.noisy_recipes import NOISY_RECIPES
from explainers.train.snapshots import SNAPSHOTS, read_snapshots

recipe = NOISY_RECIPES[{variant.recipe!r}]
snapshots = read_snapshots(SNAPSHOTS / "{variant.recipe}.safetensors")
network = snapshots.network(recipe, {epoch}).with_noise(0).double()
t = network.signals(recipe.load().x.double())[network.hidden.index({layer!r})][1]
print("exact", deterministic_information(t, continuous={not variant.discrete}).value, "nats")
for width in {widths!r}:
    print(width, binned_entropy(t, width), "nats")
'''
