"""Take away what two networks' maps have told: the pair of maps, and the curves over all pairs of layers."""

import math
from collections.abc import Mapping, Sequence

import streamlit as st

from app.compare.files import Compared, compared_npz, compared_png
from app.compare.pairs import Difference, Pair, section
from app.compare.report import pair_report, pairs_report
from app.compare.scene import Scene, Side
from app.export.curves import Curve, Curves
from app.export.names import picture_part, stem
from app.export.record import Taken
from app.export.script import cells_script
from app.export.table import cells_csv
from app.inputs.columns import Column
from app.jobs.backend import View
from app.parts.report_files import here, report_files, today
from app.parts.take_files import NOT_YET, File, buttons, drawings, popover, record, several
from app.words import scientific
from explainers import CIDResult
from explainers.methods.registry import methods
from explainers.networks.layers import Layer


def take_pair(
    scene: Scene, views: Sequence[View], found: Difference | None, limits: tuple[float, float], device: str
) -> None:
    """A popover for both maps and their difference."""
    layers = (scene.pair.layer, scene.pair.partner)
    first, second = (
        _record(scene, side, layer, view, device)
        for side, layer, view in zip((scene.a, scene.b), layers, views, strict=True)
    )
    with popover("pair"):
        if found is None or not isinstance(first, Taken) or not isinstance(second, Taken):
            st.caption(NOT_YET)
            return
        ready = [first, second]
        if not found.certain:
            st.caption(f"The two maps alone: the noise of {' and '.join(found.unsure)} does not meet the constraint.")
            buttons(several(ready, _name(scene, layers[0].name)), "pair")
            return
        what = Compared(first, second, found, section(scene.a.network_input, scene.parts[0]), limits)
        st.caption("Both maps and their difference")
        name = _name(scene, layers[0].name)
        files = [
            File("png", f"{name}.png", lambda: compared_png(what)),
            File("npz", f"{name}.npz", lambda: compared_npz(what)),
            File("csv", f"{name}.csv", lambda: cells_csv(ready)),
            File("py", f"{name}.py", lambda: cells_script(ready)),
        ]
        buttons(files, "pair")
        made = here(), today()
        buttons(report_files(lambda: pair_report(scene, what, *made), name), "pair")


def take_pairs(
    scene: Scene,
    pairs: Sequence[Pair],
    differences: Sequence[Difference | None],
    found: Mapping[tuple[str, Layer], CIDResult],
    device: str,
) -> None:
    """A popover for the curves over the pairs of layers, one of the `differences` for each of them.

    `found` are the maps by the letter of their network and their layer.
    """
    with popover("pairs"):
        missing = differences.count(None)
        if missing:
            st.caption(f"{len(pairs) - missing} of {len(pairs)} pairs are ready; the others stay gaps.")
        curves, made, name = curves_of(scene, pairs, differences), (here(), today()), _name(scene, "layers")
        buttons(drawings(curves, name), "pairs", missing == len(pairs))
        page = report_files(lambda: pairs_report(scene, found, curves, device, *made), name)
        buttons(page, "pairs", missing == len(pairs))


def curves_of(scene: Scene, pairs: Sequence[Pair], differences: Sequence[Difference | None]) -> Curves:
    """Mean of A, of its partner in B, and of B − A with its error, over the pairs in the order of A.

    B − A only where both maps meet the constraint.
    """
    axis = f"mean {scene.metric.upper()} (nats per input variable)"

    def values(name: str, certain: bool = False) -> tuple[float | None, ...]:
        found = [None if one is None or (certain and not one.certain) else getattr(one, name) for one in differences]
        return tuple(None if value is None or math.isnan(value) else value for value in found)

    def unsure(letter: str) -> tuple[bool, ...]:
        return tuple(one is not None and letter in one.unsure for one in differences)

    names = [
        pair.layer.name if pair.layer.name == pair.partner.name else f"{pair.layer.name} – {pair.partner.name}"
        for pair in pairs
    ]
    curves = [
        Curve(f"A: {scene.a.title}", axis, values("mean_a"), unsure=unsure("A")),
        Curve(f"B: {scene.b.title}", axis, values("mean_b"), unsure=unsure("B")),
        Curve("B − A", "B − A (nats)", values("mean", True), values("error", True)),
    ]
    subtitle = f"{scene.a.network_input.title} · β = {scientific(scene.a.settings.beta)}, seed {scene.a.settings.seed}"
    return Curves(f"{scene.a.title} and {scene.b.title}", subtitle, tuple(names), tuple(curves))


def _record(scene: Scene, side: Side, layer: Layer, view: View, device: str) -> Taken | str:
    column = Column(layer.name, "", side.network, side.network_input, layer)
    return record(methods()[scene.metric], column, view, side.settings.seed, device)


def _name(scene: Scene, part: str) -> str:
    picture = picture_part(scene.a.network_input.key, scene.a.network_input.title)
    return stem(scene.a.network.name, scene.b.network.name, part, scene.metric, picture)
