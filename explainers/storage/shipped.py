"""Results that ship: found by the same keys as all others, and never written to.

One file, a zip of a record and a block of tensors for each key (`storage/records.py`), under its digest in
`assets/SHA256SUMS`; whatever is missing or damaged there costs results and nothing else.
"""

import logging
import threading
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from explainers.assets import ASSETS, DamagedFile, check_shipped
from explainers.storage.records import KNOWN, BrokenRecord, decode, encode

log = logging.getLogger(__name__)

FILE = ASSETS / "results" / "first-visit.zip"
RECORD, DATA = "record.json", "data.safetensors"
# The same file each time.
UNDATED = (2022, 7, 17, 0, 0, 0)


class ShippedResults:
    """The results in `path`, which is read when it is first asked for; for any number of threads.

    `known` are the types of records, as in `storage/records.py`. Names that are no keys are those of other files that
    ship with them.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "some.zip"
    >>> write_shipped(path, {"a": (1.5, "b")}, {"a.png": b"PNG"})
    >>> some = ShippedResults(path)
    >>> some.get("a"), some.get("b"), some.keys, some.file("a.png")
    ((1.5, 'b'), None, frozenset({'a'}), b'PNG')
    """

    def __init__(self, path: Path = FILE, known: Mapping[str, tuple[str, int]] = KNOWN) -> None:
        self.path, self.known = path, known
        self._lock = threading.Lock()
        self._names: frozenset[str] | None = None
        self._archive: zipfile.ZipFile | None = None

    @property
    def keys(self) -> frozenset[str]:
        """Of all results."""
        return frozenset(name.partition("/")[0] for name in self._open() if name.endswith(f"/{RECORD}"))

    def get(self, key: str) -> Any:
        """The value, or None."""
        record, data = (self.file(f"{key}/{part}") for part in (RECORD, DATA))
        if record is None or data is None:
            return None
        try:
            return decode(record, data, self.known)
        except BrokenRecord as error:
            log.warning("a result that ships is of another version: %s", error)
            return None

    def file(self, name: str) -> bytes | None:
        """What stands under a name; None where there is nothing."""
        if name not in self._open():
            return None
        with self._lock:
            assert self._archive is not None
            return self._archive.read(name)

    def _open(self) -> frozenset[str]:
        with self._lock:
            if self._names is None:
                self._names = frozenset()
                try:
                    check_shipped(self.path)
                    self._archive = zipfile.ZipFile(BytesIO(self.path.read_bytes()))
                    self._names = frozenset(self._archive.namelist())
                except (OSError, DamagedFile, zipfile.BadZipFile) as error:
                    log.warning("results that ship cannot be read: %s", error)
            return self._names


def write_shipped(
    path: Path,
    results: Mapping[str, Any],
    files: Mapping[str, bytes],
    known: Mapping[str, tuple[str, int]] = KNOWN,
) -> None:
    """Writes what `ShippedResults` reads: results by their keys, and other files by their names.

    Raises TypeError for a result of an unknown type.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = dict(files)
    for key, value in results.items():
        parts[f"{key}/{RECORD}"], parts[f"{key}/{DATA}"] = encode(value, known)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(parts):
            archive.writestr(zipfile.ZipInfo(name, UNDATED), parts[name], zipfile.ZIP_DEFLATED, 9)
