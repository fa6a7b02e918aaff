"""The pixel that stays marked, through the layers of both networks."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from app.address.pixels import Pixel, inside, read
from app.compare.choice import choice
from app.compare.pairs import Pair, own_cells, same_layers, section
from app.compare.scene import Scene, Side
from app.figures.compare import Curve, curves_figure
from app.figures.pixel import value_at
from app.figures.style import PLAIN_CONFIG
from app.parts.look import look
from explainers import CIDResult
from explainers.cid.certainty import is_certain
from explainers.networks.layers import Layer

PIXEL_HELP = (
    "The value of the marked pixel in the map of every layer, of A and of B, from the maps that the curves above are "
    "made of. Bars below: B − A at this pixel. Open points: the noise of their map does not meet the constraint; they "
    "are left out of the differences."
)
LATER = "The curves of the marked pixel come with the maps of the layers."
Found = Mapping[tuple[str, Layer], CIDResult]


def marked(scene: Scene) -> Pixel | None:
    """The pixel of the section that both networks see, at the size of A."""
    return inside(read(choice().pin), section(scene.a.network_input, scene.parts[0]).size)


def pixel_curves(scene: Scene, pairs: Sequence[Pair], found: Found) -> None:
    """Both curves of the marked pixel, and B − A; `found` are the maps by letter and layer."""
    pixel = marked(scene)
    if pixel is None:
        return
    if len(found) <= 2:
        st.caption(f":material/info: {LATER}")
        return
    title = scene.metric.upper()
    a, b = (
        _values(side, part, pixel, scene, found) for side, part in zip((scene.a, scene.b), scene.parts, strict=True)
    )
    gaps = [_gap(one, a, b, found) for one in pairs]
    st.markdown(f"**One pixel through the layers**: {title} at row {pixel[0]}, column {pixel[1]}", help=PIXEL_HELP)
    st.plotly_chart(
        curves_figure(
            _curve(scene.a, a, found), _curve(scene.b, b, found), gaps, same_layers(scene.a.network, scene.b.network),
            look(), title, scene.pair.layer.name, f"{title} of the pixel<br>(nats)",
        ),
        theme=None,
        key="figure_compare_pixel",
        config=PLAIN_CONFIG,
        alt=f"{title} of the pixel in row {pixel[0]}, column {pixel[1]}, in every layer of both networks, and B − A",
    )  # fmt: skip


def _values(side: Side, part: float, pixel: Pixel, scene: Scene, found: Found) -> dict[Layer, float]:
    """Of each layer that has a map; NaN where the layer does not use the pixel. The pixel is one of A's section."""
    here, there = section(scene.a.network_input, scene.parts[0]).size, section(side.network_input, part).size
    own = tuple(int((at + 0.5) * mine / whole) for at, whole, mine in zip(pixel, here, there, strict=True))
    results = {layer: found[side.letter, layer] for layer in side.network.layers if (side.letter, layer) in found}
    values = {layer: value_at(own_cells(result, part), there, (own[0], own[1])) for layer, result in results.items()}
    return {layer: value if np.isfinite(value) else math.nan for layer, value in values.items()}


def _gap(one: Pair, a: Mapping[Layer, float], b: Mapping[Layer, float], found: Found) -> float:
    maps = found.get(("A", one.layer)), found.get(("B", one.partner))
    if any(result is None or not is_certain(result.numbers) for result in maps):
        return math.nan
    return b[one.partner] - a[one.layer]


def _curve(side: Side, values: Mapping[Layer, float], found: Found) -> Curve:
    layers = side.network.layers
    there = [found.get((side.letter, layer)) for layer in layers]
    return Curve(
        f"{side.letter} · {side.title}",
        [layer.name for layer in layers],
        [values.get(layer, math.nan) for layer in layers],
        [math.nan for _ in layers],
        [result is not None and not is_certain(result.numbers) for result in there],
    )
