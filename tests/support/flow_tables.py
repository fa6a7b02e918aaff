"""A small table of an experiment and the snapshots of its networks, as the command writes them."""

import math
from pathlib import Path

import numpy as np
import torch

from explainers.information_flow.estimates import mutual_information_input, mutual_information_label
from explainers.information_flow.experiments import EXPERIMENTS, MOST_UNITS
from explainers.information_flow.rows import Row
from explainers.information_flow.tables import write_rows
from explainers.train.noisy_recipes import NOISY_RECIPES
from explainers.train.snapshots import Snapshots, write_snapshots

N = 64
# Of the epochs that a recipe keeps, every so many have rows.
EVERY = 4


def write_experiment(folder: Path, name: str, seeds: int = 2) -> None:
    """Networks whose weights grow from epoch to epoch; informations are estimated, the rest are plain numbers."""
    rows: list[Row] = []
    for variant in EXPERIMENTS[name].variants:
        recipe = NOISY_RECIPES[variant.recipe]
        epochs = recipe.epochs_kept()
        for seed in range(seeds):
            torch.manual_seed(seed)
            state = recipe.build().state_dict()
            states = [{key: value * (1 + place / 4) for key, value in state.items()} for place in range(len(epochs))]
            shares = tuple(np.linspace(0.5, 1, len(epochs)).tolist())
            snapshots = Snapshots(variant.recipe, seed, epochs, tuple(states), shares, shares)
            if not seed:
                write_snapshots(folder / f"{variant.recipe}.safetensors", snapshots)
            for epoch in sorted({*epochs[::EVERY], epochs[-1]}):
                known = (name, variant.title, recipe.activation, recipe.sigma, recipe.orthonormal > 0, seed, epoch)
                rows += _rows(known, snapshots.network(recipe, epoch), recipe, name)
    write_rows(folder / f"{name}.parquet", rows, "of a test")


def _rows(known: tuple, network, recipe, name: str) -> list[Row]:
    x, y = recipe.load().some(N)
    *_, seed, epoch = known
    rows = [Row(*known, "", 0, "accuracy", 0.5 + epoch / 10000), Row(*known, "", 0, "loss", 0.7 - epoch / 10000)]
    for layer, (s, t) in zip(network.hidden, network.signals(x), strict=True):
        units = s.shape[1]
        if network.sigma and units <= MOST_UNITS:
            how = {"draws": 1, "repeats": 4, "seed": seed}
            for quantity, found in (
                ("I(X;T)", mutual_information_input(network, layer, x, **how)),
                ("I(Y;T)", mutual_information_label(network, layer, x, y, **how)),
            ):
                ends = {"error": found.error, "low": found.low, "high": found.high, "ceiling": found.ceiling}
                ends |= {"n": found.n, "draws": 1, "flags": ";".join(found.flags)}
                rows.append(Row(*known, layer, units, quantity, found.value, **ends))
        if not network.sigma:
            for quantity, value in (("I(X;T)", math.log(len(x))), ("I(Y;T)", math.log(2))):
                rows.append(Row(*known, layer, units, quantity, value, n=len(x), ceiling=value, flags="deterministic"))
        for width in EXPERIMENTS[name].widths:
            bins = (t / width).round().unique(dim=0, return_counts=True)[1].double() / len(t)
            entropy = float(-(bins * bins.log()).sum())
            rows.append(Row(*known, layer, units, "binned I(X;T)", entropy, width=width, n=len(t)))
        for quantity in ("within distance", "between distance"):
            rows.append(Row(*known, layer, units, quantity, float(t.std()) * (1 + (quantity[0] == "b"))))
        rows.append(Row(*known, layer, units, "purity", 0.8))
    return rows
