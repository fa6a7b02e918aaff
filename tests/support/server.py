"""A server with the app's own settings, in a process of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.support.places import ROOT


@contextlib.contextmanager
def serving(
    log: Path = Path(os.devnull), program: str = "streamlit", **settings: str
) -> Iterator[tuple[str, subprocess.Popen]]:
    """Its address on a free port, and the process, which is killed at the end; `settings` of its environment.

    `program`: Streamlit itself, or `tests.support.brief_server` for pages of which no map's last digits are asked.
    """
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", program, "run", "app/main.py", "--server.port", str(port)]
    with log.open("wb") as file:
        server = subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=file, stderr=file)
    address = f"http://localhost:{port}"
    try:
        for _ in range(300):
            assert server.poll() is None, "the server ended by itself"
            if healthy(address):
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(0.2)
        else:
            raise AssertionError("the server did not become healthy within a minute")
        yield address, server
    finally:
        server.kill()
        server.wait(30)


def healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
            return answer.read() == b"ok"
    except OSError:
        return False
