"""Results in memory, on disk under it, and those that ship: looked for in that order; no page waits for the disk."""

import logging
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from app.jobs.memory import Recent, Store
from app.jobs.reading import Reader
from explainers.storage.records import KNOWN
from explainers.storage.results import ResultStore
from explainers.storage.shipped import ShippedResults

log = logging.getLogger(__name__)

RECORDS: Mapping[str, tuple[str, int]] = dict(KNOWN) | {
    "Proof": ("explainers.fairness.check", 1),
    "Check": ("explainers.fairness.check", 2),
    "Randomisation": ("explainers.evaluation.randomised", 2),
    "Stability": ("explainers.evaluation.stability", 2),
    "Agreement": ("explainers.sweeps.agreement", 1),
    "Point": ("explainers.sweeps.point", 1),
    "Row": ("explainers.sweeps.row", 1),
    "Measured": ("app.learn.lessons.measured", 1),
    "Anew": ("explainers.information_flow.anew", 1),
    "Estimated": ("explainers.information_flow.anew", 1),
}


# What `Kept.find` gives while the disk has not answered.
PENDING = object()
# What the disk has not is not asked for again for so long: other servers put results there too.
ABSENT = 10.0


class Kept:
    """The calls of `Store`; only records of known types go to disk, everything else is soon computed again."""

    def __init__(self, memory: Store, disk: ResultStore, shipped: ShippedResults | None = None) -> None:
        self.memory, self.disk, self.shipped = memory, disk, shipped
        self._absent = Recent(4096, ABSENT)
        self._reader = Reader(self._read)

    @property
    def problem(self) -> str:
        """One sentence while the disk cannot be used, or has just lost what it kept; else empty."""
        return self.disk.notice

    def get(self, key: str) -> Any:
        """The value, where it is in memory, or None."""
        return self.memory.get(key)

    def find(self, key: str, session: str) -> Any:
        """The value, from memory, disk or what ships; None where there is none, PENDING until the disk has answered.

        It is waited for as long as the patience of `session` lasts, and asked about again by the next call. After two
        seconds without an answer there is none.
        """
        if (value := self.memory.get(key)) is not None or self._absent.get(key):
            return value
        if not self.disk.limit:
            return self._found(key, None)
        question = self._reader.ask(key, session)
        if question.answered.is_set():
            return question.answer
        return None if question.given_up else PENDING

    def put(self, key: str, value: Any) -> None:
        """Keeps the value in memory, and on disk where it is a record of a known type."""
        self.memory.put(key, value)
        self._absent.drop(key)
        if is_dataclass(value) and type(value).__name__ in RECORDS:
            try:
                self.disk.put(key, value)
            except TypeError:
                # A record that holds what cannot be written is a mistake of ours; its reader has it all the same.
                log.exception("a result cannot be written")

    def drop(self, key: str) -> None:
        """Forgets the value, on disk too."""
        self.memory.drop(key)
        self.disk.drop(key)

    def close(self) -> None:
        """Ends the thread that reads."""
        self._reader.close()

    def _read(self, key: str) -> Any:
        return self._found(key, self.disk.get(key))

    def _found(self, key: str, value: Any) -> Any:
        """What the disk has, else what ships; remembered."""
        if value is None and self.shipped is not None:
            value = self.shipped.get(key)
        if value is None:
            self._absent.put(key, True)
        else:
            self.memory.put(key, value)
        return value
