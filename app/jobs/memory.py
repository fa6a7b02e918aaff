"""Results in memory, bounded by their size, found again by what they depend on."""

import dataclasses
import threading
from typing import Any

from cachetools import LRUCache, TTLCache
from PIL import Image

MEBIBYTE = 1 << 20


def weight(value: Any) -> int:
    """Bytes of the arrays, tensors and pictures a record holds, and a little for the record itself.

    >>> import numpy
    >>> weight(numpy.zeros(1000))
    8512
    """
    if dataclasses.is_dataclass(value):
        return 512 + sum(weight(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, dict):
        return 512 + sum(map(weight, value.values()))
    if isinstance(value, tuple):
        return 64 + sum(map(weight, value))
    if isinstance(value, Image.Image):
        return 512 + value.width * value.height * len(value.getbands())
    return 64 if isinstance(value, int | float) else 512 + int(getattr(value, "nbytes", 0))


class Recent:
    """What was put in the last `seconds`, at most `count` values; safe to use from several threads.

    >>> recent = Recent(2, 60)
    >>> for key in "abc":
    ...     recent.put(key, key)
    >>> recent.get("a"), recent.get("c"), recent.get("d", "")
    (None, 'c', '')
    """

    def __init__(self, count: int, seconds: float) -> None:
        self._kept: TTLCache = TTLCache(count, ttl=seconds)
        self._lock = threading.Lock()

    def get(self, key: str, default: Any = None) -> Any:
        with self._lock:
            return self._kept.get(key, default)

    def put(self, key: str, value: Any) -> None:
        with self._lock:
            self._kept[key] = value

    def drop(self, key: str) -> None:
        with self._lock:
            self._kept.pop(key, None)


class Store:
    """Least recently used out first, at most `limit` bytes; safe to use from several threads."""

    def __init__(self, limit: int = 256 * MEBIBYTE) -> None:
        self._kept: LRUCache = LRUCache(limit, getsizeof=weight)
        self._lock = threading.Lock()

    def get(self, key: str) -> Any:
        """The value, or None."""
        with self._lock:
            return self._kept.get(key)

    def put(self, key: str, value: Any) -> None:
        """Keeps the value; one larger than the whole store is not kept."""
        if weight(value) <= self._kept.maxsize:
            with self._lock:
                self._kept[key] = value

    def drop(self, key: str) -> None:
        with self._lock:
            self._kept.pop(key, None)

    @property
    def size(self) -> int:
        """Bytes of all values kept."""
        with self._lock:
            return int(self._kept.currsize)
