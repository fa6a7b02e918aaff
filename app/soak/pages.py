"""Memory over many runs of the pages: `python -m app.soak --pages 1000`."""

import statistics
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from app.soak.servers import Server
from app.soak.visitor import Visitor
from app.soak.work import MAPS, PAGES

# Runs of one session, maps that are looked at, and the share that memory may grow by in the second half.
RUNS, DIFFERENT = 5, 6
EACH, FLAT = 100, 0.05


def pages(runs: int) -> int:
    """Runs every page in turn, five times in a session; prints the server's memory after every hundred of `runs`.

    A few maps are computed at the beginning and nothing later: what grows after that stays of the runs. 1 where that
    is more than 5 % in the second half, else 0.
    """
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            held = []
            for done in range(EACH, runs + 1, EACH):
                for address, page in islice(wanted(), EACH // RUNS):
                    with Visitor(server.address, address, page) as visitor:
                        for _ in range(RUNS):
                            visitor.run()
                held.append(server.resident())
                print(f"after {done} runs: {held[-1]:.0f} MiB", flush=True)
        finally:
            server.kill()
    half = len(held) // 2
    growth = statistics.mean(held[-2:]) / statistics.mean(held[half : half + 2]) - 1
    print(f"between the middle and the end: {growth:+.1%}")
    return int(growth > FLAT)


def wanted() -> Iterator[tuple[str, str]]:
    """Addresses and pages in turn, without end."""
    while True:
        for one in MAPS[:DIFFERENT]:
            yield one.query, ""
            for page in PAGES:
                yield "", page
