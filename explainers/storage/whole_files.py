"""Files that are there whole or not at all, and whose damage is seen: a SHA-256, then the content."""

import hashlib
import os
import uuid
from contextlib import suppress
from pathlib import Path

LENGTH = hashlib.sha256().digest_size


def write_whole(path: Path, data: bytes, lasting: bool = False) -> None:
    """Puts `data` in the place of the file, if any. Raises OSError where the disk refuses; then nothing is left.

    `lasting`: a power cut does not take it away again once this has returned; that takes some milliseconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    try:
        partial.write_bytes(data)
        if lasting:
            flush(partial)
        os.replace(partial, path)
        if lasting:
            flush(path.parent)
    finally:
        with suppress(OSError):
            partial.unlink()


def flush(path: Path) -> None:
    """Returns once the disk has what was written to the file, or the names in the folder, where it can tell."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_checked(path: Path, data: bytes) -> None:
    """As `write_whole`, with a checksum before the content."""
    write_whole(path, hashlib.sha256(data).digest() + data)


def read_checked(path: Path) -> bytes | None:
    """What `write_checked` wrote; None where there is no such file, or it is damaged.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "file"
    >>> write_checked(path, b"content")
    >>> read_checked(path)
    b'content'
    >>> path.write_bytes(path.read_bytes()[:-1])
    38
    >>> read_checked(path) is None
    True
    """
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, data = content[:LENGTH], content[LENGTH:]
    return data if hashlib.sha256(data).digest() == digest else None
