"""How far off I(X;T) is for want of samples, by units and samples: `python -m explainers.studies.information_bias`.

Where the truth is known: X ~ N(0, I) in d dimensions, one layer T = X + Z, Z ~ N(0, σ²I), so that

    I(X;T) = (d/2) log(1 + 1/σ²).

For every d and n the mean of the estimate minus the truth over some data sets, in nats, with its standard error, and
beside it that of the estimate from above. Negative: too low, as so many samples tell apart at most log n.
"""

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from tqdm import tqdm

from explainers.information_flow import Draws, mixture_information
from explainers.numerals import minus
from explainers.randomness import Randomness

UNITS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
SAMPLES = (64, 256, 1024, 4096)


@dataclass(frozen=True)
class Bias:
    """Estimate minus truth in nats at `d` units and `n` samples: means over data sets and their standard errors."""

    d: int
    n: int
    truth: float
    bias: float
    bias_error: float
    upper: float
    upper_error: float


def main() -> None:
    """The command: a table for docs/information_flow.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sigma", type=float, default=0.5)
    parser.add_argument("--units", type=int, nargs="+", default=list(UNITS))
    parser.add_argument("--samples", type=int, nargs="+", default=list(SAMPLES))
    parser.add_argument("--sets", type=int, default=8, help="data sets for each")
    parser.add_argument("--chart", type=Path, help="where to draw it, .svg or .png")
    args = parser.parse_args()
    cells = [(d, n) for d in args.units for n in args.samples]
    rows = list(tqdm(biases(cells, args.sigma, args.sets), total=len(cells), leave=False))
    print(table(rows), end="")
    if args.chart:
        draw(rows, args.chart)


def biases(cells: list[tuple[int, int]], sigma: float, sets: int) -> Iterator[Bias]:
    """One row for each (d, n)."""
    for d, n in cells:
        truth = d / 2 * math.log(1 + 1 / sigma**2)
        found = [
            mixture_information(
                torch.randn(n, 1, d, dtype=torch.float64, generator=Randomness(seed)("sample", d)),
                sigma,
                how=Draws(draws=2, seed=seed),
            )
            for seed in range(sets)
        ]
        lower, upper = (np.array(values) - truth for values in zip(*((i.value, i.upper) for i in found), strict=True))
        spread = math.sqrt(sets - 1)
        yield Bias(d, n, truth, lower.mean(), lower.std() / spread, float(upper.mean()), float(upper.std() / spread))


def table(rows: list[Bias]) -> str:
    """Markdown: a line for each d, a column for each n.

    >>> print(table([Bias(1, 64, 0.8, -0.05, 0.004, 0.02, 0.005)]), end="")
    | d | I(X;T) | n = 64 |
    |---|---|---|
    | 1 | 0.80 | −0.050 … +0.020 (± 0.005) |
    """
    samples = sorted({row.n for row in rows})
    lines = ["| d | I(X;T) | " + " | ".join(f"n = {n}" for n in samples) + " |", "|---|---|" + "---|" * len(samples)]
    for d in sorted({row.d for row in rows}):
        of_d = {row.n: row for row in rows if row.d == d}
        cells = [_cell(of_d[n]) if n in of_d else "–" for n in samples]
        truth = next(iter(of_d.values())).truth
        lines.append(f"| {d} | {truth:.2f} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def draw(rows: list[Bias], path: Path) -> None:
    """Writes a chart, SVG or PNG by the ending of `path`: the bias over the samples, a line for each d."""
    # Matplotlib's own types are known in part only.
    figure: Any = Figure(figsize=(7.2, 4.4), layout="constrained")
    axes = figure.add_subplot()
    units = sorted({row.d for row in rows})
    for place, d in enumerate(units):
        of_d = sorted((row for row in rows if row.d == d), key=lambda row: row.n)
        colour = (0.15, 0.2 + 0.6 * place / max(len(units) - 1, 1), 0.55)
        columns = zip(*((row.n, row.bias, row.bias_error) for row in of_d), strict=True)
        samples, bias, error = map(list, columns)
        axes.errorbar(samples, bias, error, marker="o", markersize=4, color=colour, label=f"d = {d}")
    axes.axhline(0, color="#888888", linewidth=0.8)
    axes.set(xscale="log", xlabel="samples n", ylabel="estimate of I(X;T) minus truth (nats)")
    axes.set_xticks(sorted({row.n for row in rows}), [str(n) for n in sorted({row.n for row in rows})])
    axes.minorticks_off()
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _cell(row: Bias) -> str:
    upper = f"{row.upper:+.3f}" if math.isfinite(row.upper) else "∞"
    error = max(row.bias_error, row.upper_error if math.isfinite(row.upper_error) else 0)
    return minus(f"{row.bias:+.3f} … {upper} (± {error:.3f})")


if __name__ == "__main__":
    main()
