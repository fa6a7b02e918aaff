"""The work behind the pages: one function for each kind of job, from what is asked to ever better frames."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from app.inputs.network_input import Subject
from app.jobs.memory import Store, digest
from app.jobs.runner import Job
from explainers import CID, CIDResult, CIDSettings
from explainers.cid.results import RUResult
from explainers.decoders.cards import DecoderCard, load_decoder
from explainers.fairness.check import Check, check
from explainers.fairness.maps import Question
from explainers.fairness.plan import Plan
from explainers.networks.catalogue import Network, load_checkpoint, load_network
from explainers.networks.layers import Layer
from explainers.ru.explain import RU

if TYPE_CHECKING:
    from explainers.baselines.explain import Explanation


def load(name: str, device: torch.device, job: Job) -> Iterator[Network]:
    yield load_network(name, device=device, progress=job.report)


def load_own(
    architecture: str | None, data: bytes, weights: str | None, device: torch.device, job: Job
) -> Iterator[Network]:
    text = f"Reading {len(data) / 1e6:.1f} MB of weights"
    job.report(0.1, text)
    network = load_checkpoint(architecture, data, device=device, weights=weights, wanted=lambda: job.report(0.1, text))
    # Whoever cancelled meanwhile gets no network.
    job.report(1.0, "Reading the weights")
    yield network


def cid_frames(
    network: Network, subject: Subject, layer: Layer, settings: CIDSettings, device: torch.device, job: Job
) -> Iterator[CIDResult]:
    """Ever sharper results; `seconds` counts the work on this map, not the turns that others had."""
    return _timed(CID(network.module, layer).stream(subject.x[None].to(device), settings))


def ru_frames(
    network: Network,
    subject: Subject,
    layer: Layer,
    settings: CIDSettings,
    card: DecoderCard,
    device: torch.device,
    job: Job,
) -> Iterator[RUResult]:
    """As `cid_frames`, for RU by the decoder of `card`."""
    decoder = load_decoder(card).to(device)
    return _timed(RU(network.module, layer, decoder).stream(subject.x[None].to(device), settings))


def _timed(stream: Iterator[CIDResult]) -> Iterator[CIDResult]:
    spent = 0.0
    while True:
        started = time.monotonic()
        result = next(stream, None)
        spent += time.monotonic() - started
        if result is None:
            return
        yield replace(result, seconds=spent)


def baseline_frames(
    method: str,
    network: Network,
    subject: Subject,
    layer: Layer,
    target: int | None,
    seed: int,
    device: torch.device,
    job: Job,
) -> Iterator["Explanation"]:
    """One frame, the map; progress is the share of its passes."""
    # It brings Captum: whoever looks at our own maps need not wait for it.
    from explainers.baselines.explain import explain

    found = explain(method, network, layer, subject.x[None].to(device), target, job.report, **options(method, seed))
    # On the CPU, so that a result that is kept holds no device memory.
    yield replace(found, map=found.map.cpu(), target=None if found.target is None else found.target.cpu())


def options(method: str, seed: int) -> dict[str, object]:
    """What a method that draws at random is given, so that its map belongs to the seed.

    >>> options("lime", 3), options("lrp", 3)
    ({'seed': 3}, {})
    """
    if method == "bottleneck":
        from explainers.baselines.bottleneck import BottleneckSettings

        return {"settings": BottleneckSettings(seed=seed)}
    return {"seed": seed} if method in ("lime", "kernel_shap") else {}


def fairness_frames(
    network: Network,
    plan: Plan,
    subject: Subject,
    question: Question,
    device: torch.device,
    parts: Store,
    job: Job,
) -> Iterator[Check]:
    def recall(key: tuple[str, ...], array: np.ndarray | None) -> np.ndarray | None:
        place = digest("part", network.fingerprint, subject.digest, *key)
        if array is not None:
            parts.put(place, array)
        return parts.get(place)

    return check(network, plan, subject.x.to(device), question, recall)
