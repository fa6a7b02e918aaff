"""Results on disk, found again by what they depend on: bounded, shared by processes, readable without unpickling.

SQLite does what is general about it: a write is there whole or not at all, whoever is killed in the middle, and any
number of processes may write. An entry holds JSON and safetensors (`storage/records.py`) under a checksum.
"""

import hashlib
import logging
import os
import platform
import sqlite3
import time
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import torch

from explainers.storage.records import KNOWN, BrokenRecord, decode, encode

log = logging.getLogger(__name__)

LIMIT = 1 << 30
# What an entry takes on top of its data: its row and the rest of its last page.
ENTRY = 4096
# For somebody else's lock: a page may wait for a moment, the thread of the work for longer. A lock that lasts is left
# alone for a while.
WAIT_TO_READ, WAIT_TO_WRITE, BACK_OFF = 0.2, 2.0, 10.0
# For so long a notice says that what was kept is lost, and a folder keeps the largest limit that it was given.
TOLD, REMEMBERED = 600.0, 7 * 86400.0
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
# Limits that servers have given to the folder, and when they last did.
BOUNDS = "CREATE TABLE IF NOT EXISTS bound (bytes INTEGER PRIMARY KEY, seen REAL NOT NULL)"
# What computed an entry. In a table of its own, so that servers of before share the file.
MADE = "CREATE TABLE IF NOT EXISTS made (key TEXT PRIMARY KEY, numerics TEXT NOT NULL)"
LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
# What the disk refuses. Whatever else goes wrong is damage: garbled names and tables, others' tables, lengths beyond
# sense; Python's part of SQLite raises almost anything for it.
REFUSED = (
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR),
    *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_NOLFS),
)
LOST = "Results that were kept on disk are lost: their file was damaged, and a new one has been begun."
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

    `problem` is one sentence while the disk cannot be used, else empty; `notice` is that, or for ten minutes after
    damage what it cost; nothing else tells of it. Where several servers share a folder, the largest limit counts that
    it was given in a week. A limit of 0 keeps nothing and touches no disk. `known` are the types of records, as in
    `storage/records.py`.

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
        self._lost, self._locked = -TOLD, -BACK_OFF

    @property
    def notice(self) -> str:
        """One sentence while the disk cannot be used, or soon after it lost what it kept; else empty."""
        return self.problem or (LOST if time.monotonic() - self._lost < TOLD else "")

    @property
    def file(self) -> Path:
        """Where the results stand."""
        return self.folder / "results.sqlite"

    def get(self, key: str) -> Any:
        """The value, or None; an entry that is broken is dropped."""
        with self._safely():
            if self._there():
                with self._open(WAIT_TO_READ) as database:
                    return self._get(database, key)
        return None

    def put(self, key: str, value: Any) -> None:
        """Keeps the value, if it is no larger than the whole store; the oldest make room.

        Raises TypeError for a value of an unknown type.
        """
        record, data = encode(value, self.known)
        size = ENTRY + len(record) + len(data)
        if size > self.limit or self._waits():
            return
        with self._safely(), self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("DELETE FROM entry WHERE key = ?", (key,))
            self._evict(database, self._bound(database) - size)
            database.execute(
                f"INSERT INTO entry VALUES (?, {NEXT_USE}, ?, ?, ?, ?)",
                (key, size, checksum(key, record, data), record, data),
            )
            database.execute(MADE)
            database.execute("INSERT OR REPLACE INTO made VALUES (?, ?)", (key, numerics()))
            database.execute("DELETE FROM made WHERE key NOT IN (SELECT key FROM entry)")
            database.execute("COMMIT")
            self.problem = ""

    def made_by(self, key: str) -> str:
        """What computed the value: `numerics()` of then; empty where that is not known."""
        with self._safely():
            if self._there():
                with self._open(WAIT_TO_READ) as database:
                    database.execute(MADE)
                    row = database.execute("SELECT numerics FROM made WHERE key = ?", (key,)).fetchone()
                    return row[0] if row else ""
        return ""

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

    def _bound(self, database: sqlite3.Connection) -> int:
        """The largest limit that the folder was given lately, this one's own among them."""
        now = time.time()
        database.execute(BOUNDS)
        database.execute("INSERT OR REPLACE INTO bound VALUES (?, ?)", (self.limit, now))
        database.execute("DELETE FROM bound WHERE seen < ?", (now - REMEMBERED,))
        return database.execute("SELECT MAX(bytes) FROM bound").fetchone()[0]

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
    def _open(self, wait: float = WAIT_TO_WRITE) -> Generator[sqlite3.Connection, None, None]:
        """A connection for one use: it cannot outlive a folder that is deleted, nor pass between threads."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # For this user alone: results hold what visitors brought. SQLite gives its journal the same rights.
        os.close(os.open(self.file, os.O_CREAT | os.O_RDONLY, 0o600))
        connection = sqlite3.connect(self.file, timeout=wait, isolation_level=None)
        with closing(connection) as database:
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(self.limit, LIMIT))
            # A damaged key must not end a reading of all keys.
            database.text_factory = _text
            database.executescript(OPENING)
            if not database.execute("PRAGMA table_info(entry)").fetchall():
                database.executescript(TABLE)
            yield database

    @contextmanager
    def _safely(self) -> Generator[None, None, None]:
        """What the disk refuses ends the attempt and is told once; after any damage the store begins anew."""
        try:
            yield
        except (OSError, MemoryError) as error:
            self._tell(error)
        except Exception as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in LOCKED:
                self._locked = time.monotonic()
            if code in (*LOCKED, *REFUSED):
                self._tell(error)
            else:
                self._begin_anew(error)

    def _begin_anew(self, error: Exception) -> None:
        """Nothing in the file can be told from what is broken.

        Another process that is just writing into the old file loses an entry; a wrong one would fail its checksum.
        """
        log.warning("results in %s are damaged: %s", self.folder, error)
        self._lost = time.monotonic()
        try:
            self._remove()
        except OSError as refused:
            self._tell(refused)

    def _waits(self) -> bool:
        """Whether somebody held a lock a moment ago, so that nothing is tried yet."""
        return time.monotonic() - self._locked < BACK_OFF

    def _tell(self, error: Exception) -> None:
        problem = f"Results are not kept on disk: {reason(error)}."
        if problem != self.problem:
            log.warning("results in %s: %s", self.folder, error)
        self.problem = problem

    def _there(self) -> bool:
        # No file is made for a look.
        return bool(self.limit) and not self._waits() and self.file.is_file()

    def _remove(self) -> None:
        for name in (self.file, self.file.with_name(f"{self.file.name}-journal")):
            name.unlink(missing_ok=True)


def numerics() -> str:
    """What the last digits of a result depend on and its key does not hold.

    Other processors, numbers of threads and versions add in another order: the same result to some 3e-7.
    """
    capability = torch.backends.cpu.get_cpu_capability()
    return f"torch {torch.__version__}, {platform.machine()} {capability}, {torch.get_num_threads()} threads"


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


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
