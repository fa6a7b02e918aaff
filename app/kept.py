"""Results in memory, and on disk under it: looked for in that order, put in both."""

import logging
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from app.store import Store
from explainers.store import ResultStore
from explainers.stored_records import KNOWN

log = logging.getLogger(__name__)

RECORDS: Mapping[str, tuple[str, int]] = KNOWN | {
    "Proof": ("app.fairness", 1),
    "Check": ("app.fairness", 1),
    "Randomisation": ("explainers.studies.evaluate_randomised", 1),
    "Stability": ("explainers.studies.evaluate_stability", 1),
}


class Kept:
    """The calls of `Store`; only records of known types go to disk, everything else is soon computed again."""

    def __init__(self, memory: Store, disk: ResultStore) -> None:
        self.memory, self.disk = memory, disk

    @property
    def problem(self) -> str:
        """One sentence while the disk cannot be used, or has just lost what it kept; else empty."""
        return self.disk.notice

    def get(self, key: str) -> Any:
        """The value, or None."""
        if (value := self.memory.get(key)) is not None:
            return value
        value = self.disk.get(key)
        if value is not None:
            self.memory.put(key, value)
        return value

    def put(self, key: str, value: Any) -> None:
        """Keeps the value in memory, and on disk where it is a record of a known type."""
        self.memory.put(key, value)
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
