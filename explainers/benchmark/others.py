"""What a map of other methods costs beside a refined and a closed-form CID map of the same layer and picture."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from torch import Tensor

from explainers.baselines.explain import METHODS, applies, explain
from explainers.benchmark.request import Row
from explainers.cid.explain import CID
from explainers.cid.results import CIDSettings
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.streams import last

# By the name of the method, with its options and what they are called; Captum's own budgets where it has some.
OTHERS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("integrated_gradients", {"steps": 50}, ", 50 steps"),
    ("integrated_gradients", {"steps": 300}, ", 300 steps"),
    ("lime", {}, ""),
    ("kernel_shap", {}, ""),
    ("occlusion", {}, ""),
    ("grad_cam", {}, ""),
    ("lrp", {}, ""),
    ("bottleneck", {}, ""),
)


def cost_of_others(network: Network, layer: Layer, x: Tensor, beta: float) -> Iterator[Row]:
    """Passes, forward ones as a third, and seconds, with their ratios to those of refined CID."""
    refined, cid = CIDSettings(beta=beta), CID(network.module, layer)
    ours: tuple[float, float] | None = None
    for name, settings in (("CID", refined), ("CID, closed form", replace(refined, refine=False))):
        result = last(cid.stream(x, settings))
        passes = result.backward_passes + result.forward_passes / 3
        ours = ours or (passes, result.seconds)
        yield _row(name, passes, result.seconds, ours)
    assert ours is not None
    for name, options, called in OTHERS:
        method = METHODS[name]
        if applies(method, network, layer):
            continue
        made = explain(method, network, layer if method.needs_layer else None, x, **options)
        passes = made.backward_passes + made.forward_passes / 3
        yield _row(method.title + called, passes, made.seconds, ours)


def _row(name: str, passes: float, seconds: float, ours: tuple[float, float]) -> Row:
    return {
        "method": name,
        "passes": passes,
        "seconds": seconds,
        "times_passes": passes / ours[0],
        "times_seconds": seconds / ours[1],
    }
