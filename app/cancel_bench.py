"""How long after Cancel the work really stops: `python -m app.cancel_bench`.

Each kind of map is begun, cancelled at a random moment, and waited for until its thread is free for the next job. What
remains after Cancel is the one operation that torch is in, so it is measured where operations are large: VGG-16 on
pictures of 224×224. Networks that do not ship are measured with untrained weights, which take as long. The last line
is what asking before each operation costs, where operations are small: by how much longer a map of ResNet-20 takes.
"""

import argparse
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from safetensors.torch import save
from torchvision.models import get_model

from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from app.jobs.runner import Job, Runner, Stoppable
from explainers import CID, CIDSettings, load_network
from explainers.devices import best_device
from explainers.methods.entropies import ENTROPIES
from explainers.methods.request import MapRequest, Workbench
from explainers.networks.catalogue import Network, load_checkpoint, network_catalogue

QUIET = Stoppable(Job("bench", lambda _: iter(())).check)
Work = Callable[[Job], Iterator[Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="vgg16")
    parser.add_argument("--layers", nargs="+", default=["conv3-3", "conv5-3", "fc8"])
    parser.add_argument("--cancels", type=int, default=10, help="of each kind of map")
    parser.add_argument("--longest", type=float, default=6.0, help="latest moment of Cancel, in seconds")
    parser.add_argument("--prices", type=int, default=5, help="times that what asking costs is measured")
    parser.add_argument("--device", default=str(best_device()))
    args = parser.parse_args()
    runner, draw = Runner("bench"), random.Random(0)
    print(f"{args.network} on {args.device}, {torch.get_num_threads()} threads, {args.cancels} cancels of each")
    print(f"{'layer':<10}{'method':<22}{'median, s':>10}{'longest, s':>12}")
    for layer in args.layers:
        for method, work in works(args.network, layer, torch.device(args.device)).items():
            waits = [stopping(runner, work, draw.uniform(0.2, args.longest)) for _ in range(args.cancels)]
            known = sorted(wait for wait in waits if wait is not None)
            if known:
                print(f"{layer:<10}{method:<22}{known[len(known) // 2]:>10.3f}{known[-1]:>12.3f}", flush=True)
    price = sorted(asking(QUIET) / asking(nullcontext()) for _ in range(args.prices))
    print(f"asking before each operation: × {price[len(price) // 2]:.2f} ({price[0]:.2f} to {price[-1]:.2f})")
    runner.close()
    # Its thread is a daemon: torch must not be left in the middle of a call when the process ends.
    for thread in threading.enumerate():
        if thread.name == "bench":
            thread.join()


def works(name: str, path: str, device: torch.device) -> dict[str, Work]:
    """The longest map of each kind for a layer, each at the app's own settings."""
    network = with_some_weights(name, device)
    layer, network_input = network.layer(path), prepare(network, find_picture("bird/1", network.input_size[0]))
    asked = (
        network_input.request(network, layer, name, CIDSettings()) for name in (*ENTROPIES, "integrated_gradients")
    )
    found: dict[str, Work] = {}
    for request in asked:
        if not request.refusal():
            found[request.kind.title] = partial(_work, request, device)
    return found


def _work(request: MapRequest, device: torch.device, job: Job) -> Iterator[Any]:
    return request.stream(Workbench(device, job.report))


def with_some_weights(name: str, device: torch.device) -> Network:
    """The network as it ships, else untrained."""
    if next(entry for entry in network_catalogue() if entry.name == name).shipped:
        return load_network(name, device)
    torch.manual_seed(0)
    return load_checkpoint(name, save(get_model(name, weights=None).state_dict()), device=device)


def asking(around: AbstractContextManager) -> float:
    """Seconds of this process for a refined map of ResNet-20's last layer on the processor, within `around`."""
    network = load_network("resnet20-cifar10")
    network_input = prepare(network, find_picture("bird/1", network.input_size[0]))
    method = CID(network.module, network.layer("fc"))
    started = time.process_time()
    with around:
        method.explain(network_input.x[None])
    return time.process_time() - started


def stopping(runner: Runner, work: Work, after: float) -> float | None:
    """Seconds from Cancel, `after` seconds into the work, until it has ended; None where it was done by then."""
    job = runner.submit("bench", work, "bench")
    if job.ended.wait(after):
        return None
    started = time.monotonic()
    runner.drop("bench", "bench")
    job.ended.wait()
    return time.monotonic() - started


if __name__ == "__main__":
    main()
