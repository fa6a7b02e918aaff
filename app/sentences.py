"""What readers are told of errors: one sentence each, never a path or a trace."""

import logging
import re

from app.pictures import PictureGoneError
from explainers.datasets.pictures import PictureError
from explainers.networks import WeightsUnavailable

log = logging.getLogger(__name__)


def sentence(error: BaseException | None) -> str:
    """What the reader is told of an error: its own sentence where it has one for readers; never a path."""
    if isinstance(error, WeightsUnavailable):
        return _written(error.reason)
    if isinstance(error, PictureError | PictureGoneError | MemoryError):
        return _written(str(error))
    if isinstance(error, ValueError) and str(error).startswith("expected"):
        return _written(str(error))
    log.error("unexpected failure", exc_info=error)
    return "This computation failed unexpectedly; the reason is in the log of the server."


def foreign(text: str) -> str:
    """A sentence that quotes an uploaded file, shortened, and without links, pictures or markup of Markdown.

    >>> foreign("![a](b) <i>")
    '!\\\\[a\\\\](b) \\\\<i\\\\>'
    """
    short = re.sub(r"\S{81,}", lambda word: word[0][:80] + "…", text)[:1000]
    return re.sub(r"[\\`*\[\]<>$]", r"\\\g<0>", " ".join(short.split()))


def _written(text: str) -> str:
    """A sentence that begins with "expected" gets its capital; names of files keep theirs."""
    return text.replace("expected", "Expected", text.startswith("expected")).rstrip(".") + "."
