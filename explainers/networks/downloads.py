"""Weights from the network into torch's own cache: checked, with progress, and never half there."""

import contextlib
import hashlib
import http.client
import re
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import urlparse

import torch

from explainers.assets import sha256
from explainers.networks.download_digests import DIGESTS

Progress = Callable[[float, str], None]
SECONDS_WITHOUT_ANSWER = 10
CHUNK = 1 << 20
# The largest weights of the catalogue, VGG-19's, are 575 MB.
MAX_BYTES = 1 << 30
# torchvision's convention: the file's name ends in the first digits of its SHA-256. For files that are not in DIGESTS.
HASH = re.compile(r"-([0-9a-f]{8,})\.")


class WeightsUnavailable(RuntimeError):
    """A network's weights are neither here nor to be had; one sentence that says what can be done.

    `reason` alone is its first half; `advice`, for whoever runs the program, names folders.
    """

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__("; ".join(filter(None, (reason, advice))))
        self.reason = reason


def cache_folder() -> Path:
    """Where torch keeps weights that were downloaded; it need not be there."""
    return Path(torch.hub.get_dir(), "checkpoints")


def cached_file(url: str) -> Path:
    """Where torch keeps the file of `url`; it need not be there."""
    return cache_folder() / file_name(url)


@cache
def file_name(url: str) -> str:
    """What the file of `url` is called."""
    return Path(urlparse(url).path).name


def fetch(url: str, progress: Progress | None = None) -> Path:
    """The file of `url` in torch's cache, downloaded where it is missing, its content checked either way.

    `progress(share, text)` is called in this thread; what it raises ends the download and leaves nothing behind.

    Raises WeightsUnavailable where there is no connection, the content is not what its name promises, or the
    file has more than 1 GiB.
    """
    target = cached_file(url)
    if target.is_file():
        _check(target.name, sha256(target))
        return target
    partial = target.with_name(f"{target.name}.{uuid.uuid4().hex}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _check(target.name, _download(url, partial, progress or (lambda share, text: None)))
        partial.replace(target)
    except (OSError, urllib.error.URLError, http.client.HTTPException) as error:
        raise WeightsUnavailable(f"{target.name} could not be downloaded ({_reason(error)})") from error
    finally:
        # Where the folder itself cannot be written there is nothing to remove, and the reason is told above.
        with contextlib.suppress(OSError):
            partial.unlink()
    return target


def _download(url: str, partial: Path, progress: Progress) -> str:
    """SHA-256 of what was written to `partial`."""
    request = urllib.request.Request(url, headers={"User-Agent": "torch.hub"})
    digest, done = hashlib.sha256(), 0
    with urllib.request.urlopen(request, timeout=SECONDS_WITHOUT_ANSWER) as answer, partial.open("wb") as file:
        size = int(answer.headers.get("Content-Length") or 0)
        _check_length(url, size)
        while chunk := answer.read(CHUNK):
            file.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            _check_length(url, done)
            total = f" of {size / 1e6:.0f}" if size else ""
            progress(done / size if size else 0.0, f"downloading {cached_file(url).name}: {done / 1e6:.0f}{total} MB")
    return digest.hexdigest()


def _check_length(url: str, size: int) -> None:
    if size > MAX_BYTES:
        raise WeightsUnavailable(
            f"{cached_file(url).name} is refused: it has more than the {MAX_BYTES >> 20} MiB that weights may have"
        )


def _check(name: str, digest: str) -> None:
    named = HASH.search(name)
    promised = DIGESTS.get(name) or (named.group(1) if named else "")
    if not digest.startswith(promised):
        raise WeightsUnavailable(f"{name} is damaged: its content does not match its checksum")


def _reason(error: OSError | http.client.HTTPException) -> str:
    """What went wrong, without the path that an OSError carries."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code}"
    if isinstance(error, http.client.HTTPException):
        return "the connection broke off"
    if isinstance(error, urllib.error.URLError | TimeoutError | ConnectionError):
        return "no connection"
    return (error.strerror or "the file could not be written").lower()
