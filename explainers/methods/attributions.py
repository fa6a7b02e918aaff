"""The baselines among the methods. Importing this brings Captum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor, nn

from explainers.baselines.explain import METHODS, Explanation, Method, applies, explain
from explainers.cid.results import CIDSettings
from explainers.methods.method import MapMethod, Size
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

if TYPE_CHECKING:
    from explainers.methods.request import MapRequest, Workbench


def _passes(method: Method, size: Size, settings: CIDSettings) -> int:
    return sum(method.passes(*size))


def _looked_at(method: Method, network: Network, layer: Layer) -> tuple[str, ...]:
    return (layer.path, str(layer.call)) if method.needs_layer else ()


def _key(method: Method, request: MapRequest) -> tuple[str, ...]:
    looked_at = _looked_at(method, request.network, request.layer)
    return *looked_at, str(request.target), str(request.settings.seed), request.picture


def _stream(method: Method, request: MapRequest, bench: Workbench) -> Iterator[Explanation]:
    """One frame, the map; progress is the share of its passes."""
    x, seed = request.x[None].to(bench.device), request.settings.seed
    found = explain(method, request.network, request.layer, x, request.target, bench.report, **method.seeded(seed))
    yield _on_cpu(found)


def _on_cpu(found: Explanation) -> Explanation:
    """So that a result that is kept holds no device memory."""
    return replace(found, map=found.map.cpu(), target=None if found.target is None else found.target.cpu())


def _explain(
    method: Method, network: Network, layer: Layer, x: Tensor, target: Tensor | None, settings: CIDSettings
) -> Explanation:
    # With the method's own seed: judgements of one seed of noise share their maps.
    return explain(method, network, layer, x, target)


def _roughly(
    method: Method,
    network: Network,
    layer: Layer,
    x: Tensor,
    target: Tensor | None,
    settings: CIDSettings,
    decoder: nn.Module | None,
) -> Iterator[Explanation]:
    yield _on_cpu(_explain(method, network, layer, x, target, settings))


def _settings_of(method: Method, result: Explanation, seed: int) -> dict[str, object]:
    given = method.seeded(seed)
    return asdict(given["settings"]) if "settings" in given else given


def _entry(method: Method) -> MapMethod:
    return MapMethod(
        method.name,
        method.title,
        method.sentence,
        method.unit,
        method.signed,
        method.needs_layer,
        method.needs_target,
        method.reference,
        passes=partial(_passes, method),
        looked_at=partial(_looked_at, method),
        key=partial(_key, method),
        refuse=partial(applies, method),
        stream=partial(_stream, method),
        explain=partial(_explain, method),
        roughly=partial(_roughly, method),
        settings_of=partial(_settings_of, method),
        judged=method.sentence,
    )


BASELINES = {name: _entry(method) for name, method in METHODS.items()}
