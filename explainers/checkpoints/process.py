"""Strangers' weights, read in a process of their own with limits on its memory and time.

Whatever a file makes its reader do, the server only waits for it; what comes back is safetensors.
"""

import io
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from explainers.checkpoints.errors import CheckpointError
from explainers.checkpoints.torch_files import as_safetensors

SECONDS = 60
# Beside what was sent: Python itself, and the list of 20,000 tensors.
MEBIBYTES = 384
POLL = 0.1
# Only what reads: without the package's own `__init__`, which brings torch, it starts in a tenth of a second.
PROGRAM = """
import sys, types
package = types.ModuleType("explainers")
package.__path__ = [sys.argv[1]]
sys.modules["explainers"] = package
from explainers.checkpoints.process import convert
convert()
"""
WHOLE, REFUSED = 0, 3
TOO_MUCH = (
    "expected weights that can be read within a minute and with little more memory than their size, got a file that "
    "cannot; save the state dict alone"
)


def convert_apart(data: bytes, wanted: Callable[[], None] = lambda: None) -> bytes:
    """A file of `torch.save` as safetensors, converted by another process.

    `wanted` is called while that lasts; what it raises ends it. Raises CheckpointError, one sentence, as
    `as_safetensors` does, and where the file needs more than a minute or much more memory than its size.
    """
    command = [sys.executable, "-I", "-c", PROGRAM, str(Path(__file__).parent.parent)]
    ends = time.monotonic() + SECONDS
    answer: list[bytes] = []
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        # A daemon, so that it keeps no server from stopping.
        talk = threading.Thread(target=lambda: answer.append(process.communicate(data)[0]), daemon=True)
        talk.start()
        try:
            while talk.is_alive():
                talk.join(POLL)
                wanted()
                if time.monotonic() > ends:
                    raise CheckpointError(TOO_MUCH)
        finally:
            process.kill()
            talk.join()
    if process.returncode == REFUSED:
        raise CheckpointError(answer[0].decode())
    if process.returncode != WHOLE:
        raise CheckpointError(TOO_MUCH)
    return answer[0]


def convert() -> None:
    """What the other process does: a file on its standard input, the answer on its output, and a code at its end."""
    data = sys.stdin.buffer.read()
    _limit(2 * len(data) + (MEBIBYTES << 20))
    try:
        for piece in as_safetensors(io.BytesIO(data)):
            sys.stdout.buffer.write(piece)
    except CheckpointError as error:
        # Where something was written already, the parent takes neither it nor this for an answer of the other kind.
        sys.stdout.buffer.write(str(error).encode())
        sys.stdout.flush()
        sys.exit(REFUSED)


def _limit(memory: int) -> None:
    # Windows has no such limits; that of time holds there as well.
    with suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
