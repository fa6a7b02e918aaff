"""CID and RU among the methods."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from explainers.cid.explain import CID
from explainers.cid.records import choose
from explainers.cid.results import CIDResult, CIDSettings, absolute_range, reconstruction_range
from explainers.decoders.cards import find_decoder, load_decoder
from explainers.methods.method import MapMethod, Size
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.ru.explain import RU

if TYPE_CHECKING:
    from explainers.methods.request import MapRequest, Workbench

CID_NAME, RU_NAME = "cid", "ru"
NO_DECODER = "RU needs a decoder that was trained for this layer of this network, and there is none"
NOWHERE = "RU needs a decoder that was trained for a layer, and this network has none for any of its layers"


def _cid_passes(size: Size, settings: CIDSettings) -> int:
    return 2000 if settings.refine else 600 * settings.probes // 256


def _ru_passes(size: Size, settings: CIDSettings) -> int:
    # Each goes through the decoder too.
    return 10_000 if settings.refine else 1500 * settings.probes // 256


def _layer(network: Network, layer: Layer) -> tuple[str, ...]:
    return layer.path, str(layer.call)


def _layer_and_decoder(network: Network, layer: Layer) -> tuple[str, ...]:
    card = find_decoder(network, layer)
    return layer.path, str(layer.call), card.key if card else ""


def _cid_key(request: MapRequest) -> tuple[str, ...]:
    return *_layer(request.network, request.layer), request.picture, repr(request.settings)


def _ru_key(request: MapRequest) -> tuple[str, ...]:
    return *_layer_and_decoder(request.network, request.layer), request.picture, repr(request.settings)


def _no_decoder(network: Network, layer: Layer) -> str | None:
    return None if find_decoder(network, layer) else NO_DECODER


def _cid(request: MapRequest, bench: Workbench) -> Iterator[CIDResult]:
    return _timed(CID(request.network.module, request.layer), request, bench)


def _ru(request: MapRequest, bench: Workbench) -> Iterator[CIDResult]:
    decoder = _decoder(request.network, request.layer, bench.device)
    return _timed(RU(request.network.module, request.layer, decoder), request, bench)


def _explain_cid(network: Network, layer: Layer, x: Tensor, target: Tensor | None, settings: CIDSettings) -> CIDResult:
    return CID(network.module, layer).explain(x, settings)


def _explain_ru(network: Network, layer: Layer, x: Tensor, target: Tensor | None, settings: CIDSettings) -> CIDResult:
    return RU(network.module, layer, _decoder(network, layer, x.device)).explain(x, settings)


def _roughly_cid(
    network: Network, layer: Layer, x: Tensor, target: Tensor | None, settings: CIDSettings, decoder: nn.Module | None
) -> Iterator[CIDResult]:
    # All probes are in, and a first block of samples says how well the map meets the constraint.
    stream = CID(network.module, layer).stream(x, settings, every=True)
    return _until(lambda result: not result.constraint.isnan().all(), stream)


def _roughly_ru(
    network: Network, layer: Layer, x: Tensor, target: Tensor | None, settings: CIDSettings, decoder: nn.Module | None
) -> Iterator[CIDResult]:
    # A standard error takes two blocks of samples: enough to be held against the same samples elsewhere.
    decoder = _decoder(network, layer, x.device) if decoder is None else decoder.to(x.device)
    stream = RU(network.module, layer, decoder).stream(x, settings, every=True)
    return _until(lambda result: not result.mean_error.isnan().all(), stream)


def _until(known: Callable[[CIDResult], bool], results: Iterable[CIDResult]) -> Iterator[CIDResult]:
    for result in results:
        yield result
        if known(result):
            return


def _decoder(network: Network, layer: Layer, device: torch.device) -> nn.Module:
    card = find_decoder(network, layer)
    if card is None:
        raise ValueError(NO_DECODER)
    return load_decoder(card).to(device)


def _timed(method: CID | RU, request: MapRequest, bench: Workbench) -> Iterator[CIDResult]:
    """Ever sharper results; `seconds` counts the work on this map, not the turns that others had."""
    stream, spent = sharpened(method.stream(request.x[None].to(bench.device), request.settings)), 0.0
    while True:
        started = time.monotonic()
        result = next(stream, None)
        spent += time.monotonic() - started
        if result is None:
            return
        yield replace(result, seconds=spent)


def sharpened(results: Iterable[CIDResult]) -> Iterator[CIDResult]:
    """Of each picture the map that is known best so far, with what the newest has cost; the last is as it comes.

    A place to start from that is looked for once more, after a closed form that did not hold, hides nothing.
    """
    best: CIDResult | None = None
    for result in results:
        if best is None or best.preliminary or result.stage == "done":
            best = result
        else:
            stage = best.stage if result.preliminary else result.stage
            known_worse = ~(result.mean_error < best.mean_error) | result.preliminary
            best = replace(choose(known_worse, best, result), stage=stage)
        yield best


def _settings_of(result: CIDResult, seed: int) -> dict[str, object]:
    return asdict(result.settings)


CID_METHOD = MapMethod(
    CID_NAME,
    "CID",
    "How much noise each pixel can bear before the layer's feature moves noticeably: what the layer has discarded.",
    "nats",
    signed=False,
    uses_layer=True,
    needs_target=False,
    reference="ICML 2022, Eq. 3",
    passes=_cid_passes,
    looked_at=_layer,
    key=_cid_key,
    refuse=lambda network, layer: None,
    stream=_cid,
    explain=_explain_cid,
    roughly=_roughly_cid,
    settings_of=_settings_of,
    entropy=True,
    scale=lambda settings: absolute_range(settings.beta),
    judged="How much of each pixel the layer keeps: a pixel matters where little noise fits in (the map in nats with "
    "its sign turned).",
)
RU_METHOD = MapMethod(
    RU_NAME,
    "RU",
    "How badly a decoder that was trained for the layer recovers each pixel from its feature, under the same noise.",
    "nats",
    signed=False,
    uses_layer=True,
    needs_target=False,
    reference="ICML 2022, Eqs. 6–7",
    passes=_ru_passes,
    looked_at=_layer_and_decoder,
    key=_ru_key,
    refuse=_no_decoder,
    stream=_ru,
    explain=_explain_ru,
    roughly=_roughly_ru,
    settings_of=_settings_of,
    entropy=True,
    needs_decoder=True,
    scale=lambda settings: reconstruction_range(),
    judged="How well a decoder trained for the layer recovers each pixel from its feature (the map in nats with its "
    "sign turned).",
    nowhere=NOWHERE,
)
ENTROPIES = {method.name: method for method in (CID_METHOD, RU_METHOD)}
