"""Printing that goes on, and lets work go on, when nobody reads any more."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO


class Heedless:
    """A stream whose reader may go away (`| head`), or that never was (`2>&-`): what is written then is lost."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream: TextIO = stream or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115

    def write(self, text: str) -> int:
        """How many characters were taken."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._lead_nowhere()
            return len(text)

    def flush(self) -> None:
        """As of the stream."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._lead_nowhere()

    def _lead_nowhere(self) -> None:
        """Also what the stream still holds back has no reader when Python ends."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def heedless() -> Generator[None]:
    """Within it, whatever is printed goes to such streams; at its end all of it is out."""
    out, errors = Heedless(sys.stdout), Heedless(sys.stderr)
    with redirect_stdout(out), redirect_stderr(errors):  # pyright: ignore[reportArgumentType]
        try:
            yield
        finally:
            out.flush()
            errors.flush()
