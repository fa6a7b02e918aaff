"""The work behind the pages: one function for each kind of job, from what is asked to ever better frames."""

from collections.abc import Iterator

import torch

from app.jobs.runner import Job
from app.words import megabytes
from explainers.networks.catalogue import Network, load_checkpoint, load_network


def load(name: str, device: torch.device, job: Job) -> Iterator[Network]:
    yield load_network(name, device=device, progress=job.report)


def load_own(
    architecture: str | None, data: bytes, weights: str | None, device: torch.device, job: Job
) -> Iterator[Network]:
    text = f"Reading {megabytes(len(data))} of weights"
    job.report(0.1, text)
    network = load_checkpoint(architecture, data, device=device, weights=weights, wanted=lambda: job.report(0.1, text))
    # Whoever cancelled meanwhile gets no network.
    job.report(1.0, "Reading the weights")
    yield network
