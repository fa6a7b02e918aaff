"""Sixteen sessions with mixed work on two servers that share a folder, one of which is killed every minute.

Prints what was done, every error, how soon the servers said that they were well, and their memory; the exit status is
0 where no answer was wrong and no page failed. Before that, the throughput of the same sessions with and without
Streamlit's collection after every run, on one server after the other. Everything stays on this machine and ends by
itself: `python -m app.soak --minutes 10`. With `--pages 1000` it runs the pages so many times instead, one after the
other, and prints the server's memory after every hundred.
"""

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch

from app.soak.pages import pages
from app.soak.servers import Server
from app.soak.work import MAPS, Answers, any_work, look_at, weights

KILL_EVERY = 60.0
# Maps of a trial that are computed once more, by the library alone.
CHECKED = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of mixed work")
    parser.add_argument("--throughput", type=float, default=60.0, metavar="SECONDS", help="of maps alone, each way")
    parser.add_argument("--sessions", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pages", type=int, default=0, metavar="RUNS", help="of the pages, and nothing else")
    args = parser.parse_args()
    if args.pages:
        raise SystemExit(pages(args.pages))
    torch.set_num_threads(1)
    if args.throughput:
        for name, options in (("with", ("--runner.postScriptGC", "true")), ("without", ())):
            count, waits, healths = throughput(args.sessions, args.throughput, options)
            print(
                f"{name} a collection after every run: {count} maps in {args.throughput:.0f} s, median wait "
                f"{statistics.median(waits or [0]):.1f} s, health p95 {p95(healths):.2f} s",
                flush=True,
            )
    raise SystemExit(soak(args.sessions, 60 * args.minutes, args.seed))


def throughput(sessions: int, seconds: float, options: tuple[str, ...]) -> tuple[int, list[float], list[float]]:
    """Maps that so many sessions got, one after the other each, how long each took, and the server's health."""
    waits: list[float] = []
    answers = Answers()

    def session(number: int, over: threading.Event, server: Server) -> None:
        chosen = random.Random(number)
        while not over.is_set():
            started = time.monotonic()
            if look_at(server.address, chosen.choice(MAPS), answers, over.is_set):
                waits.append(time.monotonic() - started)

    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), options)
        try:
            look_at(server.address, MAPS[0], answers, lambda: False)
            run(sessions, seconds, [server], lambda number, over: session(number, over, server))
        finally:
            server.kill()
    return len(waits), waits, server.health


def soak(sessions: int, seconds: float, seed: int) -> int:
    """The trial; 1 where an answer was wrong or a page failed, else 0."""
    good, done, errors, answers = weights(), Counter(), [], Answers()
    logged: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        servers = [Server(Path(folder)), Server(Path(folder))]

        def session(number: int, over: threading.Event) -> None:
            chosen = random.Random(seed * 1000 + number)
            work = any_work(chosen, answers, good)
            while not over.is_set():
                server = chosen.choice(servers)
                generation = server.generation
                try:
                    done[work(server.address, over.is_set)] += 1
                except Exception as error:
                    # Of a server that was killed meanwhile nothing else can be expected.
                    if server.up and server.generation == generation and not over.is_set():
                        errors.append(f"{type(error).__name__}: {error}")
                    else:
                        done["killed meanwhile"] += 1
                        over.wait(1)

        def killer(over: threading.Event) -> None:
            while not over.wait(KILL_EVERY):
                servers[1].kill()
                servers[1].start()
                done["kills"] += 1

        try:
            for server in servers:
                look_at(server.address, MAPS[0], answers, lambda: False)
            run(sessions, seconds, servers, session, killer)
        finally:
            for server in servers:
                server.kill()
                logged.extend(server.failures())
    count, wrong = answers.check(CHECKED)
    errors += wrong
    done["held against the library"] = count
    _report(done, errors, servers, seconds)
    for error, times in Counter(logged).most_common(10):
        print(f"  in a log, {times} ×: {error[:300]}")
    return int(bool(errors))


def run(
    sessions: int,
    seconds: float,
    servers: list[Server],
    session: Callable[[int, threading.Event], None],
    beside: Callable[[threading.Event], None] = lambda over: None,
) -> None:
    """All sessions at once for so many seconds."""
    over = threading.Event()
    threads = [threading.Thread(target=session, args=(number, over)) for number in range(sessions)]
    threads += [threading.Thread(target=server.watch, args=(over,)) for server in servers]
    threads.append(threading.Thread(target=beside, args=(over,)))
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    over.set()
    for thread in threads:
        thread.join()


def _report(done: Counter, errors: list[str], servers: list[Server], seconds: float) -> None:
    wrong = sum("wrong answer" in error for error in errors)
    print(f"{seconds / 60:.1f} minutes, done: {', '.join(f'{count} {kind}' for kind, count in done.most_common())}")
    print(f"wrong answers: {wrong}; other errors: {len(errors) - wrong}")
    for error, count in Counter(errors).most_common(10):
        print(f"  {count} × {error[:300]}")
    for server, name in zip(servers, ("lives", "is killed"), strict=True):
        print(
            f"the server that {name}: health p50 {statistics.median(server.health or [0]):.3f} s, "
            f"p95 {p95(server.health):.3f} s, {server.lost} unanswered of {len(server.health) + server.lost}"
        )
    memory = [value for _, value in servers[0].memory]
    if len(memory) >= 8:
        quarter = len(memory) // 4
        second, last = (statistics.mean(part) for part in (memory[quarter : 2 * quarter], memory[-quarter:]))
        print(
            f"memory of the server that lives: {second:.0f} MiB in the second quarter, {last:.0f} in the last "
            f"({last / second - 1:+.1%}), at most {max(memory):.0f}"
        )


def p95(values: list[float]) -> float:
    """
    >>> p95([float(n) for n in range(100)])
    95.0
    """
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))] if values else 0.0


if __name__ == "__main__":
    main()
