"""Servers of this project on free ports of this machine, and how they do meanwhile."""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EVERY, MEMORY_EVERY, PATIENCE = 0.25, 2.0, 60.0


class Server:
    """One server with the app's own settings; `generation` counts its starts, so that a kill is no error.

    `health` are the seconds of answers to `/_stcore/health` while it was up, `memory` MiB by the time they were read.
    """

    def __init__(self, folder: Path, options: tuple[str, ...] = ()) -> None:
        self.folder, self.options = folder, options
        with socket.socket() as free:
            free.bind(("localhost", 0))
            self.port = free.getsockname()[1]
        self.generation, self.up = 0, False
        self.health: list[float] = []
        self.memory: list[tuple[float, float]] = []
        self.lost = 0
        self.start()

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        """Starts it and waits until it answers. Raises RuntimeError where it does not within a minute."""
        homes = {"RESULTS_HOME": str(self.folder / "results"), "DECODERS_HOME": str(self.folder / "decoders")}
        # Two servers and their visitors share this machine: threads that wait for each other would only slow it down.
        homes |= {"OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.port", str(self.port)]
        with (self.folder / f"log-{self.port}").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *self.options], cwd=ROOT, env=os.environ | homes, stdout=log, stderr=log
            )
        ends = time.monotonic() + PATIENCE
        while self.ask() is None:
            if self.process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(f"expected a server on port {self.port}, got none; look at {self.folder}")
            time.sleep(EVERY)
        self.generation, self.up = self.generation + 1, True

    def kill(self) -> None:
        """As `kill -9` does."""
        self.up = False
        self.process.kill()
        self.process.wait()

    def ask(self) -> float | None:
        """Seconds until it says that it is well; None where it does not."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=30)
        started = time.monotonic()
        try:
            connection.request("GET", "/_stcore/health")
            return time.monotonic() - started if connection.getresponse().read() == b"ok" else None
        except OSError:
            return None
        finally:
            connection.close()

    def watch(self, over: threading.Event) -> None:
        """Asks four times a second, and looks at its memory, until it is over."""
        due = 0.0
        while not over.wait(EVERY):
            generation = self.generation
            if not self.up:
                continue
            seconds = self.ask()
            if seconds is not None:
                self.health.append(seconds)
            elif self.up and generation == self.generation:
                self.lost += 1
            if time.monotonic() >= due and (resident := self.resident()) is not None:
                self.memory.append((time.monotonic(), resident))
                due = time.monotonic() + MEMORY_EVERY

    def failures(self) -> list[str]:
        """What its log says of errors: where each was raised, and the error."""
        lines = (self.folder / f"log-{self.port}").read_text(errors="replace").splitlines()
        found, raised = [], ""
        for line in lines:
            if line.startswith("  File "):
                raised = line.strip()
            elif raised and line[:1].strip():
                found.append(f"{line} ({raised})")
                raised = ""
        return found

    def resident(self) -> float | None:
        """Its memory in MiB; None where the system does not tell."""
        try:
            lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        except OSError:
            return None
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), None)
