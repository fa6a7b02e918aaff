"""Uploaded pictures that their owners have put into a link, for a time that is shown to them."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from app.inputs.pictures import Picture, PictureGoneError
from app.jobs.memory import MEBIBYTE, weight

HOURS = 2
TITLE = "A shared picture"
GONE = "expected a picture that is shared by its link, got one that no longer is; ask for a new link"
FULL = "expected room for another shared picture, and there is none; try again in an hour, or share a smaller one"


@dataclass(frozen=True)
class SharedPicture:
    """A picture without the name of its file; `ends`: when it is forgotten, in seconds since 1970."""

    picture: Picture
    ends: float


class SharedPictures:
    """At most `limit` bytes of them, in memory alone; safe to use from several threads.

    None makes room for another before its time: that was promised to whoever shared it.
    """

    def __init__(self, limit: int = 128 * MEBIBYTE, clock: Callable[[], float] = time.time) -> None:
        self._limit, self._clock, self._lock = limit, clock, threading.Lock()
        self._kept: dict[str, SharedPicture] = {}

    def share(self, picture: Picture) -> tuple[str, float]:
        """The part of a link under which anybody finds the picture, and until when. Raises ValueError, one sentence."""
        with self._lock:
            self._sweep()
            if weight(picture) + sum(weight(one.picture) for one in self._kept.values()) > self._limit:
                raise ValueError(FULL)
            token, ends = secrets.token_urlsafe(12), self._clock() + HOURS * 3600
            self._kept[token] = SharedPicture(replace(picture, title=TITLE), ends)
            return token, ends

    def find(self, token: str) -> SharedPicture:
        """Raises PictureGoneError, one sentence."""
        with self._lock:
            self._sweep()
            if token not in self._kept:
                raise PictureGoneError(GONE)
            return self._kept[token]

    def is_there(self, token: str) -> bool:
        with self._lock:
            self._sweep()
            return token in self._kept

    def withdraw(self, token: str) -> None:
        """From now on nobody finds it; whoever has opened the link keeps what was found."""
        with self._lock:
            self._kept.pop(token, None)

    def _sweep(self) -> None:
        now = self._clock()
        self._kept = {token: one for token, one in self._kept.items() if one.ends > now}
