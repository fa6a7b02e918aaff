"""What the lessons measure on one small network, each a function of plain arguments and kept."""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st
import torch
from PIL import Image
from torch import Tensor, nn

from app.address import selection
from app.inputs.pictures import gallery
from app.jobs.backend import the_backend
from explainers import CID, CIDSettings
from explainers.baselines.explain import attribute
from explainers.cid.results import ENTROPY_CONSTANT
from explainers.cid.sampling import Sampler
from explainers.methods.entropies import CID_NAME
from explainers.methods.network_input import NetworkInput
from explainers.networks.catalogue import Network
from explainers.networks.features import Feature
from explainers.networks.layers import Layer
from explainers.rescaling.filters import scale_filters
from explainers.rescaling.rescale import Pair, factor, logit_change, rescale

NETWORK = "resnet20-cifar10"
BETA = selection.BETA
PROBES = 48
SAMPLES = 32
PICTURE = "bird/1"

kept = st.cache_data(max_entries=512, show_spinner=False)


def network() -> Network:
    """The network itself, for the page and for the thread that measures."""
    backend = the_backend()
    return backend.kept(NETWORK) or backend.network(NETWORK, "lessons").value


def network_input(picture: str) -> NetworkInput:
    return the_backend().network_input(network(), picture)


def pictures() -> dict[str, str]:
    """Keys and titles of what the lessons look at."""
    return gallery("bird") | gallery("photo")


def noisy(picture: str, sigma: np.ndarray | float, seed: int = 0) -> np.ndarray:
    """x + σ∘δ as a picture (H, W, 3) uint8; values beyond black and white are cut off there."""
    x = network_input(picture).x
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))
    return np.asarray(network().display(x + torch.as_tensor(sigma, dtype=x.dtype) * noise))


def levels() -> float:
    """Grey levels (of 255) that one network unit makes."""
    dark, bright = (network().preprocess(Image.new("RGB", (32, 32), tone)) for tone in ("black", "white"))
    return 255 / float((bright - dark).mean())


@kept
def closed(picture: str, layer: str, grid: int | None = None) -> tuple[np.ndarray, float]:
    """The closed form's map (H, W) at the paper's β in nats, on `grid` cells per side, and δ_f²."""
    return closed_map(network().module, network().layer(layer), network_input(picture).x, grid)


def closed_map(module: nn.Module, layer: Layer, x: Tensor, grid: int | None = None) -> tuple[np.ndarray, float]:
    """The closed form alone, without the samples that would only say how well it holds."""
    settings = CIDSettings(grid=grid, refine=False, probes=PROBES)
    results = CID(module, layer).stream(x[None].to(the_backend().device), settings, every=True)
    # The last one has a constraint, if none before it has.
    result = next(one for one in results if one.backward_passes >= PROBES or not one.constraint.isnan().all())
    return result.entropy[0, 0].numpy(), float(result.delta_f2[0])


def answer_map(module: nn.Module, layer: Layer, x: Tensor) -> tuple[np.ndarray, dict[str, float | int]]:
    """The closed form's map (H, W) in nats, and what the samples say of it: how well it meets the constraint."""
    result = CID(module, layer).explain(x[None].to(the_backend().device), CIDSettings(refine=False, probes=PROBES))
    return result.entropy[0, 0].numpy(), result.numbers


def shape(picture: str, layer: str, shaped: bool) -> np.ndarray:
    """σ per pixel (H, W) of geometric mean 1: 1 everywhere, or as the closed form distributes it."""
    if not shaped:
        return np.ones(network_input(picture).size, np.float32)
    entropy = closed(picture, layer)[0]
    finite = np.isfinite(entropy)
    return np.exp(np.where(finite, entropy - entropy[finite].mean(), 0)).astype(np.float32)


@kept
def reaction(picture: str, layer: str, shaped: bool, sigma: float) -> tuple[float, float]:
    """E‖f′−f‖²/(βδ_f²) for noise of geometric mean `sigma`, measured, and its standard error."""
    x = network_input(picture).x[None].to(the_backend().device)
    log_sigma = torch.from_numpy(np.log(sigma * shape(picture, layer, shaped)))[None, None].to(x)
    sampler = Sampler(Feature(network().module, network().layer(layer)), x, (x.shape[-2], x.shape[-1]))
    noise = sampler.noise(SAMPLES, torch.Generator(x.device).manual_seed(0))
    energies = torch.cat(list(sampler.energies(log_sigma, noise)))[:, 0] / (BETA * closed(picture, layer)[1])
    return float(energies.mean()), float(energies.std() / SAMPLES**0.5)


def crossing(sigmas: Iterable[float], reactions: Iterable[float]) -> float | None:
    """σ at which the reaction first passes 1, on a straight line between logarithms; None where it does not.

    >>> crossing([0.01, 0.1], [0.1, 10.0])
    0.0316...
    """
    before = None
    for point in zip(np.log(list(sigmas)), np.log(list(reactions)), strict=True):
        if before is not None and before[1] <= 0 < point[1]:
            (x0, y0), (x1, y1) = before, point
            return math.exp(x0 - y0 * (x1 - x0) / (y1 - y0))
        before = point
    return None


def entropy_of(sigma: float) -> float:
    """H = log σ + ½ log 2πe, in nats.

    >>> round(entropy_of(1.0), 3)
    1.419
    """
    return math.log(sigma) + ENTROPY_CONSTANT


def pairs() -> dict[str, tuple[Pair, Layer]]:
    """Pairs of layers that may be rescaled, with the feature that can be looked at, by the first layer's name."""
    found = the_backend().plan(network()).pairs
    return {pair.layer_name: (pair, pair.feature) for pair in found if pair.rescalable and pair.feature is not None}


@kept
def rescaled(picture: str, pair: str, c: float) -> dict[str, Any]:
    """The pair rescaled by c: how far a logit moved, the factor of every map, and CID's maps before and after."""
    (chosen, feature), before = pairs()[pair], network()
    after = replace(before, module=rescale(before.module, [chosen], c))
    x = network_input(picture).x[None].to(the_backend().device)
    with torch.inference_mode():
        target = int(before.module(x).argmax())
    factors = {}
    for method in ("layer_gradient", "activation", "grad_cam"):
        maps = (attribute(method, each, feature, x, target=target) for each in (before, after))
        factors[method] = factor(*maps)
    cid = [answer_map(each.module, feature, x[0]) for each in (before, after)]
    maps, said = zip(*cid, strict=True)
    factors[CID_NAME] = factor(*(torch.from_numpy(np.exp(each)) for each in maps))
    change = logit_change(before.module, after.module, x)
    found = {"change": change, "answer": before.classes[target], "factors": factors}
    return found | {"before": maps[0], "after": maps[1], "said": said}


def quiet_filters(picture: str, pair: str, kind: str) -> Tensor:
    """Half of the filters (channels,) bool: every second, or those that answer most to background or subject."""
    (_, layer), seen = pairs()[pair], network_input(picture)
    channels, height, width = layer.shape
    if kind == "every second" or seen.mask is None:
        return torch.arange(channels) % 2 == 1
    feature = Feature(network().module, layer)
    with torch.inference_mode():
        rows = feature(seen.x[None].to(the_backend().device)).view(channels, height, width).abs().cpu()
    mask = Image.fromarray(seen.mask.astype(np.uint8) * 255).resize((width, height), Image.Resampling.BOX)
    inside = torch.from_numpy(np.asarray(mask).astype(np.float32) / 255)
    share = (rows * inside).sum((1, 2)) / rows.sum((1, 2)).clamp_min(1e-12)
    order = share.argsort(descending=kind == "subject", stable=True)
    quiet = torch.zeros(channels, dtype=torch.bool)
    quiet[order[: channels // 2]] = True
    return quiet


@kept
def halved(picture: str, pair: str, kind: str, scale: float) -> tuple[np.ndarray, float, dict[str, float | int]]:
    """CID's map (H, W) with half of the filters times `scale`; what undoing that leaves of the feature's change.

    With them what is measured of the map.
    """
    (chosen, layer), quiet = pairs()[pair], quiet_filters(picture, pair, kind)
    module = scale_filters(network().module, chosen, quiet, scale)
    x = network_input(picture).x[None].to(the_backend().device)
    with torch.inference_mode():
        plain, quieter = (Feature(each, layer)(x) for each in (network().module, module))
    undo = torch.where(quiet, 1 / scale, 1.0).repeat_interleave(plain.shape[1] // len(quiet)).to(x)
    entropy, said = answer_map(module, layer, x[0])
    return entropy, float((quieter * undo - plain).abs().max()), said
