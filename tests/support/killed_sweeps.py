"""Begins a sweep again and again, each time in a child that is killed at a random moment, and at last lets it end.

`python -m tests.support.killed_sweeps FILE KILLS`: what the children need is imported once, but nothing
is computed before they are forked.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from explainers.sweeps.command import main
from tests.support.sweeps import NETWORK


def child(out: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    asked = ["--networks", NETWORK, "--layers", "conv1", "--pictures", "birds:24", "--closed-form", "--grid", "8"]
    os._exit(main([*asked, "--out", out, "--workers", "0", "--no-store"]))


def rows(out: str) -> int:
    return len(list(Path(f"{out}.parts").glob("*.parquet")))


if __name__ == "__main__":
    out, kills = sys.argv[1], int(sys.argv[2])
    draw = random.Random(0)
    for _ in range(kills):
        # Not by the clock alone: some are killed before the first row, some after several.
        wanted, pid = rows(out) + draw.randrange(3), child(out)
        while rows(out) < wanted and os.waitpid(pid, os.WNOHANG)[0] == 0:
            time.sleep(0.005)
        time.sleep(draw.random() * 0.1)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child(out), 0)[1]))
