"""What estimates of information flow take: `python -m explainers.benchmark.information_flow`.

Each line is one estimate in a process of its own: seconds, seconds of all processors, and by how many MiB the memory
grew beyond what the loaded library takes. The first two are n inputs and d units with so many draws each; the last is a
later layer, where every input is propagated many times.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import torch
from torch import Tensor

from explainers.devices import best_device, parse_device
from explainers.information_flow.request import EntropyRequest, InformationRequest
from explainers.methods.request import Workbench, answer
from explainers.networks.architectures.noisy import fully_connected
from explainers.randomness import TORCH_RANDOM, Randomness, drawn_apart

SIGMA = 0.2
# What a later layer is estimated with: n, repeats.
LATER = 1024, 16


@dataclass(frozen=True)
class Line:
    """What one estimate took."""

    name: str
    value: float
    error: float
    seconds: float
    processor_seconds: float
    mebibytes: float


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=4096, help="inputs")
    parser.add_argument("--d", type=int, default=10, help="units")
    parser.add_argument("--draws", type=int, default=10, help="of every input")
    parser.add_argument("--threads", type=int, default=2, help="of the processor")
    parser.add_argument("--device", default=str(best_device()))
    args = parser.parse_args()
    print(f"n = {args.n}, d = {args.d}, {args.draws} draws each, {args.threads} threads, {args.device}")
    print(f"{'estimate':<24}{'nats':>20}{'seconds':>10}{'processor':>11}{'MiB':>7}")
    for line in lines(args.n, args.d, args.draws, args.threads, args.device):
        value = f"{line.value:.4f} ± {line.error:.4f}"
        took = f"{line.seconds:>10.2f}{line.processor_seconds:>11.2f}{line.mebibytes:>7.0f}"
        print(f"{line.name:<24}{value:>20}{took}", flush=True)


def lines(n: int, d: int, draws: int, threads: int, device: str) -> Iterator[Line]:
    """One after the other, each measured in a new process."""
    for name in ("entropy", "I(X;T), first layer", "I(X;T), a later layer"):
        with get_context("spawn").Pool(1) as pool:
            yield pool.apply(partial(measured, name, n, d, draws, threads, device))


def measured(name: str, n: int, d: int, draws: int, threads: int, device: str) -> Line:
    """One line, in this process."""
    torch.set_num_threads(threads)
    request = _request(name, n, d, draws)
    bench = Workbench(parse_device(device))
    # What is loaded and set up at the first use is not the estimate's.
    answer(_request(name, 8, d, 2), bench)
    before, start, busy = _peak(), time.monotonic(), time.process_time()
    found = answer(request, bench)
    seconds, busy = time.monotonic() - start, time.process_time() - busy
    return Line(name, found.value, found.error, seconds, busy, _peak() - before)


def _request(name: str, n: int, d: int, draws: int) -> EntropyRequest | InformationRequest:
    if name == "entropy":
        return EntropyRequest(_inputs(n, d), SIGMA, draws)
    with drawn_apart():
        TORCH_RANDOM.manual_seed(0)
        network = fully_connected((12, d, d, 2), "tanh", SIGMA)
    if name.endswith("first layer"):
        return InformationRequest(network, "1", _inputs(n, 12), draws=draws)
    later, repeats = LATER
    return InformationRequest(network, "2", _inputs(min(n, later), 12), draws=draws, repeats=repeats)


def _inputs(n: int, d: int) -> Tensor:
    return torch.randn(n, d, generator=Randomness(0)("inputs", n))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
