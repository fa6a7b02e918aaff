"""Zip files of strangers: what is listed in them is bounded before it is read."""

import io
import zipfile
from typing import BinaryIO

# An entry of the directory takes 46 bytes and its name.
BYTES_PER_ENTRY = 128


class TooManyEntries(ValueError):
    """The directory of an archive is longer than that of as many files as are expected."""


class _Guard(io.RawIOBase):
    """A file that gives out at most `most` bytes at a time; `zipfile` reads a whole directory at once."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self.file, self.most = file, most

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.file.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        self.file.seek(offset, whence)
        return self.file.tell()

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(self.most + 1 if size < 0 else min(size, self.most + 1))
        if len(data) > self.most:
            raise TooManyEntries
        return data


def open_archive(file: BinaryIO, entries: int) -> zipfile.ZipFile:
    """The archive in `file`, whose directory is as long as that of `entries` files at most.

    Only entries that are stored or deflated may be read from it: of those `read(n)` takes memory for n bytes, of the
    other kinds any amount. Raises TooManyEntries for a longer directory, and zipfile.BadZipFile for what is no archive
    or holds entries of other kinds.

    >>> buffer = io.BytesIO()
    >>> with zipfile.ZipFile(buffer, "w") as archive:
    ...     archive.writestr("a.txt", "text")
    >>> open_archive(buffer, 10).namelist()
    ['a.txt']
    """
    # The record at the end of an archive, with its comment, is looked for in 64 KiB.
    guard = _Guard(file, max(entries * BYTES_PER_ENTRY, 1 << 17))
    archive = zipfile.ZipFile(guard)
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in archive.infolist()):
        raise zipfile.BadZipFile("neither stored nor deflated")
    guard.most = 1 << 62
    return archive
