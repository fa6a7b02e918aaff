"""Results on disk, found again by what they depend on: bounded, shared by processes, readable without unpickling.

SQLite does what is general about it: a write is there whole or not at all, whoever is killed in the middle, and any
number of processes may write. An entry holds JSON and safetensors (`stored_records.py`) under a checksum.
"""

import hashlib
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import torch

from explainers.stored_records import KNOWN, BrokenRecord, decode, encode

log = logging.getLogger(__name__)

LIMIT = 1 << 30
# What an entry takes on top of its data: its row and the rest of its last page.
ENTRY = 4096
SECONDS_TO_WAIT = 5
# A planted file may not call functions. Nothing waits for the disk: what a power failure breaks fails its checksum.
OPENING = "PRAGMA trusted_schema = OFF; PRAGMA synchronous = OFF"
# What is evicted leaves the file.
TABLE = """
PRAGMA auto_vacuum = FULL;
CREATE TABLE IF NOT EXISTS entry (
    key TEXT PRIMARY KEY, used INTEGER NOT NULL, size INTEGER NOT NULL, checksum BLOB NOT NULL,
    record BLOB NOT NULL, data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS entry_by_use ON entry (used, size)
"""
# The last two: tables that are not ours, an entry larger than any of ours.
BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG)
NEXT_USE = "(SELECT COALESCE(MAX(used), 0) + 1 FROM entry)"


def results_folder() -> Path:
    """Where results are kept: RESULTS_HOME, else `results` in torch's cache."""
    return Path(os.environ.get("RESULTS_HOME") or Path(torch.hub.get_dir()) / "results")


def results_limit() -> int:
    """Bytes that results may take: RESULTS_LIMIT in megabytes, else 1 GiB.

    Raises ValueError for a limit that is no number.
    """
    text = os.environ.get("RESULTS_LIMIT", "")
    if text and not text.isdecimal():
        raise ValueError(f"expected RESULTS_LIMIT in whole megabytes, got '{text}'; set 0 to keep nothing")
    return int(text) * 1_000_000 if text else LIMIT


class ResultStore:
    """Least recently used out first, at most `limit` bytes of entries; for any number of threads and processes.

    `problem` is one sentence while the disk cannot be used, else empty; nothing else tells of it. A limit of 0 keeps
    nothing and touches no disk. `known` are the types of records, as in `stored_records.py`.

    >>> import tempfile
    >>> store = ResultStore(Path(tempfile.mkdtemp()), limit=1_000_000)
    >>> store.put("a", (1.5, torch.arange(3)))
    >>> store.get("a"), store.get("b")
    ((1.5, tensor([0, 1, 2])), None)
    """

    def __init__(
        self, folder: Path | None = None, limit: int | None = None, known: Mapping[str, tuple[str, int]] = KNOWN
    ) -> None:
        self.folder, self.known = folder or results_folder(), known
        self.limit = results_limit() if limit is None else limit
        self.problem = ""

    @property
    def file(self) -> Path:
        return self.folder / "results.sqlite"

    def get(self, key: str) -> Any:
        """The value, or None; an entry that is broken is dropped."""
        with self._safely():
            if self._there():
                with self._open() as database:
                    return self._get(database, key)
        return None

    def put(self, key: str, value: Any) -> None:
        """Keeps the value, if it is no larger than the whole store; the oldest make room.

        Raises TypeError for a value of an unknown type.
        """
        record, data = encode(value, self.known)
        size = ENTRY + len(record) + len(data)
        if size > self.limit:
            return
        with self._safely(), self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("DELETE FROM entry WHERE key = ?", (key,))
            self._evict(database, self.limit - size)
            database.execute(
                f"INSERT INTO entry VALUES (?, {NEXT_USE}, ?, ?, ?, ?)",
                (key, size, checksum(key, record, data), record, data),
            )
            database.execute("COMMIT")
            self.problem = ""

    def drop(self, key: str) -> None:
        """Forgets the value."""
        with self._safely():
            if self._there():
                with self._open() as database:
                    database.execute("DELETE FROM entry WHERE key = ?", (key,))

    def clear(self) -> None:
        """Forgets everything."""
        with self._safely():
            self._remove()

    def sizes(self) -> dict[str, int]:
        """Bytes of every entry, the least recently used first."""
        with self._safely():
            if self._there():
                with self._open() as database:
                    return dict(database.execute("SELECT key, size FROM entry ORDER BY used"))
        return {}

    def _get(self, database: sqlite3.Connection, key: str) -> Any:
        query = "SELECT checksum, record, data FROM entry WHERE key = ?"
        row = database.execute(query, (key,)).fetchone()
        if row is None:
            return None
        promised, record, data = row
        try:
            if promised != checksum(key, record, data):
                raise BrokenRecord("another checksum")
            value = decode(record, data, self.known)
        except (BrokenRecord, TypeError):
            database.execute("DELETE FROM entry WHERE key = ?", (key,))
            return None
        # Whoever cannot write may still read.
        with self._safely():
            database.execute(f"UPDATE entry SET used = {NEXT_USE} WHERE key = ?", (key,))
        return value

    def _evict(self, database: sqlite3.Connection, room: int) -> None:
        """Drops the least recently used until the entries take at most `room` bytes."""
        taken = database.execute("SELECT COALESCE(SUM(size), 0) FROM entry").fetchone()[0]
        if taken > room:
            oldest = database.execute("SELECT used, size FROM entry ORDER BY used").fetchall()
            for used, size in oldest:
                database.execute("DELETE FROM entry WHERE used = ?", (used,))
                taken -= size
                if taken <= room:
                    return

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection for one use: it cannot outlive a folder that is deleted, nor pass between threads."""
        self.folder.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.file, timeout=SECONDS_TO_WAIT, isolation_level=None)
        with closing(connection) as database:
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(self.limit, 1 << 20))
            # A damaged key must not end a reading of all keys.
            database.text_factory = lambda text: text.decode(errors="replace")
            database.executescript(OPENING)
            if not database.execute("PRAGMA table_info(entry)").fetchall():
                database.executescript(TABLE)
            yield database

    @contextmanager
    def _safely(self) -> Iterator[None]:
        """What the disk refuses ends the attempt and is told once."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in BROKEN:
                # Nothing in it can be told from what is broken: begin anew. Another process that is just writing
                # into the old file loses an entry; a wrong one would fail its checksum.
                self._remove()
            else:
                self._tell(error)

    def _tell(self, error: Exception) -> None:
        problem = f"Results are not kept on disk: {reason(error)}."
        if problem != self.problem:
            log.warning("results in %s: %s", self.folder, error)
        self.problem = problem

    def _there(self) -> bool:
        # No file is made for a look.
        return bool(self.limit) and self.file.is_file()

    def _remove(self) -> None:
        for name in (self.file, self.file.with_name(f"{self.file.name}-journal")):
            name.unlink(missing_ok=True)


def checksum(key: str, record: bytes, data: bytes) -> bytes:
    """SHA-256 of an entry, its key included."""
    sha = hashlib.sha256()
    for part in (key.encode(), record, data):
        sha.update(len(part).to_bytes(8, "big"))
        sha.update(part)
    return sha.digest()


def reason(error: Exception) -> str:
    """Why the disk could not be used, without the path that an OSError carries.

    >>> reason(sqlite3.OperationalError("database or disk is full"))
    'the disk is full'
    """
    text = (error.strerror if isinstance(error, OSError) else str(error)) or "it could not be used"
    known = {
        "full": "the disk is full",
        "No space": "the disk is full",
        "readonly": "the folder cannot be written to",
        "Read-only": "the folder cannot be written to",
        "denied": "the folder cannot be written to",
        "unable to open": "the folder cannot be written to",
        "locked": "another process holds them",
    }
    return next((words for part, words in known.items() if part in text), "the folder cannot be used")
