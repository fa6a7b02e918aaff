"""Seconds and peak memory of refined CID against the size of the problem, each in a process of its own."""

import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import nn

from explainers.benchmark.request import Row
from explainers.cid.explain import CID
from explainers.cid.results import CIDSettings
from explainers.randomness import Randomness, normal
from explainers.surroundings import plain_arithmetic

WIDTH, DEPTH = 16, 8
BETA = 1e-2
# One of them grows, the others stay at the first: side of the picture, cells along it, pictures together, layers.
SIZES = {"side": (32, 64, 128), "cells": (8, 16, 32), "batch": (1, 2, 4), "layers": (1, 2, 4)}
FIRST = {"side": 32, "cells": 32, "batch": 1, "layers": 1}


def scale(device: str, quick: bool = False) -> Iterator[Row]:
    """One row for each size, or for one alone: what grows, to what, seconds, and megabytes at the peak."""
    for what, sizes in {"side": SIZES["side"][1:2]}.items() if quick else SIZES.items():
        for size in sizes:
            # A process has one peak: another for every row.
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                seconds, megabytes = pool.submit(
                    measure, device, torch.get_num_threads(), {**FIRST, what: size}
                ).result()
            yield {"what": what, "size": size, "seconds": seconds, "megabytes": megabytes}


def measure(device: str, threads: int, sizes: dict[str, int]) -> tuple[float, float]:
    """Seconds and megabytes of CID for the last `layers` of a small network with random weights."""
    torch.set_num_threads(threads)
    steps = [nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.ReLU()) for _ in range(DEPTH)]
    net = nn.Sequential(nn.Conv2d(3, WIDTH, 3, padding=1), *steps).eval().requires_grad_(False)
    for number, weight in enumerate(net.parameters()):
        # As He et al. (2015) have it, so that a signal keeps its size; a bias counts as one input.
        spread = (2 / weight[0].numel()) ** 0.5
        weight.copy_(spread * normal(*weight.shape, like=weight, generator=Randomness(0)("weights", number)))
    net = net.to(device)
    x = torch.rand(sizes["batch"], 3, sizes["side"], sizes["side"]).to(device)
    settings, start = CIDSettings(beta=BETA, grid=sizes["cells"]), time.monotonic()
    with plain_arithmetic():
        for layer in range(DEPTH, DEPTH - sizes["layers"], -1):
            CID(net, str(layer)).explain(x, settings)
    seconds = time.monotonic() - start
    return seconds, peak_memory(x.device) / 1e6


def peak_memory(device: torch.device) -> float:
    """Bytes: the most that this process has held, on a card of NVIDIA the most that PyTorch has held of it."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.exists():
        # What `getrusage` tells counts the process that this one was forked from, too.
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
