"""What a visitor of Explore waits for: `python -m app.first_map_bench`.

By `AppTest`, in a process that has loaded PyTorch but no network, with nothing found on the disk or left there: seconds
until the page shows a map and until that map has ended, for the first visit (cold) and for another picture (warm); then
of a rerun whose map is kept, alone and while another map is computed, the median and the longest of many.

With `--server 0 15`, of a server instead: seconds from a visit, by its socket, until the page has numbers of its map,
looked at once a second, for a visitor who comes so many seconds after it has begun to answer.
"""

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import torch
from streamlit.testing.v1 import AppTest

from app.jobs.backend import the_backend
from app.soak.servers import Server
from app.soak.visitor import Visitor

PAGE = "from app.explore import page; page.page()"
# A layer of which no result ships.
QUERY = {"network": "resnet20-cifar10", "view": "layer", "layer": "layer2.1"}
COLD, WARM, OTHER = "bird/11", "bird/12", "bird/13"
PATIENCE, LOOK = 120, 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="of a page whose map is kept")
    parser.add_argument("--grid", default="32", help="cells a side of the maps")
    parser.add_argument("--server", type=float, nargs="+", metavar="SECONDS", help="how long a server has been up")
    given = parser.parse_args()
    os.environ["RESULTS_LIMIT"] = "0"
    for seconds in given.server or ():
        print(f"first map {seconds:g} s after a server's start: {of_server(seconds, given.grid):.0f} s", flush=True)
    if given.server:
        return
    print(f"{QUERY['network']}, {QUERY['layer']}, {torch.get_num_threads()} threads", flush=True)
    for line in lines(QUERY | {"grid": given.grid}, given.runs):
        print(line, flush=True)


def lines(query: dict[str, str], runs: int) -> Iterator[str]:
    """What was waited for, one line after the other."""
    for name, picture in (("cold", COLD), ("warm", WARM)):
        shown, ended = first_map(query | {"picture": picture})
        yield f"first map, {name}: shown after {shown:.2f} s, ended after {ended:.2f} s"
    kept = query | {"picture": WARM}
    yield f"rerun with the map kept: {reruns(kept, runs)}"
    visit(query | {"picture": OTHER})
    busy = working()
    told = reruns(kept, runs)
    yield f"rerun while another map is computed: {told if busy and working() else 'it had ended before'}"


def first_map(query: dict[str, str]) -> tuple[float, float]:
    """Seconds until a map is shown, and until nothing is computed any more."""
    began, shown = time.monotonic(), None
    at = visit(query)
    while shown is None or working():
        if shown is None and at.get("plotly_chart"):
            shown = time.monotonic() - began
        else:
            time.sleep(LOOK)
            at.run()
    return shown, time.monotonic() - began


def of_server(up: float, grid: str) -> float:
    """Seconds until somebody who visits a server that has been up so long sees a map."""
    with TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            time.sleep(up)
            began = time.monotonic()
            with Visitor(server.address, urlencode(QUERY | {"picture": COLD, "grid": grid})) as visitor:
                visitor.until(lambda text: "Mean CID" in text, lambda: False)
            return time.monotonic() - began
        finally:
            server.kill()


def working() -> bool:
    return any(runner.count for runner in (the_backend().loads, the_backend().maps))


def visit(query: dict[str, str]) -> AppTest:
    """The page of a new visitor, run once."""
    at = AppTest.from_string(PAGE, default_timeout=PATIENCE)
    at.query_params.update(query)
    return at.run()


def reruns(query: dict[str, str], runs: int) -> str:
    """Seconds of `runs` runs of a page after its first."""
    at, seconds = visit(query), []
    for _ in range(runs):
        began = time.monotonic()
        at.run()
        seconds.append(time.monotonic() - began)
    return f"{median(seconds) * 1000:.0f} ms, at most {max(seconds) * 1000:.0f} ms"


if __name__ == "__main__":
    main()
