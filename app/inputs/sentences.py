"""What readers are told of errors: one sentence each, never a path or a trace."""

import logging
import re

from app.inputs.pictures import PictureGoneError
from explainers.datasets.pictures import PictureError
from explainers.networks.catalogue import WeightsUnavailable

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


# What Markdown takes for markup: underscores at the ends of words, colons before a name (of an icon or a colour).
MARKUP = re.compile(r"[\\`*~\[\]<>$]|(?<![^\W_])_|_(?![^\W_])|:(?=\w)")
# What it makes links of wherever it stands; a sign without width within keeps it text.
LINKS = re.compile(r"https?(?=\\?:)|ftp(?=\\?:)|mailto|www(?=\.)|@", re.IGNORECASE)
JOINER = "\u2060"


def foreign(text: str) -> str:
    """A sentence that quotes an uploaded file, shortened, and without links, pictures, icons or markup of Markdown.

    >>> foreign("![a](b) <i> :red[x] _y_ a_b ~~z~~")
    '!\\\\[a\\\\](b) \\\\<i\\\\> \\\\:red\\\\[x\\\\] \\\\_y\\\\_ a_b \\\\~\\\\~z\\\\~\\\\~'
    >>> "http:" in foreign("http://example.org"), "www." in foreign("www.example.org")
    (False, False)
    """
    short = re.sub(r"\S{81,}", lambda word: word[0][:80] + "…", text)[:1000]
    escaped = MARKUP.sub(r"\\\g<0>", " ".join(short.split()))
    return LINKS.sub(rf"\g<0>{JOINER}", escaped)


def _written(text: str) -> str:
    """A sentence that begins with "expected" gets its capital; names of files keep theirs."""
    return text.replace("expected", "Expected", text.startswith("expected")).rstrip(".") + "."
