"""Figures of the same content are built once: a page that polls draws most of its figures again as they were.

Plotly takes some ten milliseconds for each, in Python; of sixteen pages that wait for their maps these were two thirds
of the server's time.
"""

import hashlib
import pickle
import threading
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import plotly.graph_objects as go
from cachetools import LRUCache

Given = ParamSpec("Given")
Kept = TypeVar("Kept")
# Bytes of what the figures show, and of what Plotly puts around it in each of them and each of its frames.
LIMIT, AROUND = 32 << 20, 48 << 10
_kept: LRUCache[Any, Any] = LRUCache(LIMIT, getsizeof=lambda found: found[0])
_lock = threading.Lock()


def remembered(make: Callable[Given, go.Figure]) -> Callable[Given, go.Figure]:
    """`make`, called once for equal arguments, which can be pickled; every caller gets a figure of its own."""

    @wraps(make)
    def again(*args: Given.args, **kwargs: Given.kwargs) -> go.Figure:
        def parts() -> tuple[tuple[list[dict], dict, list[dict]], int]:
            made = make(*args, **kwargs)
            frames = [frame.to_plotly_json() for frame in made.frames]
            data = [trace.to_plotly_json() for trace in made.data]
            return (data, made.layout.to_plotly_json(), frames), AROUND * (1 + len(frames))

        return looked_through(*recall((make.__module__, make.__qualname__, args, kwargs), parts))

    return again


def recall(content: Any, make: Callable[[], tuple[Kept, int]]) -> Kept:
    """What was made of the same `content`, which can be pickled, and is nobody's to change.

    `make` says as well how many bytes it takes beside the content.
    """
    # Written and never read: equal bytes are equal arguments.
    written = pickle.dumps(content, protocol=5)
    key = hashlib.sha256(written).digest()
    with _lock:
        found = _kept.get(key)
    if found is None:
        made, beside = make()
        found = len(written) + beside, made
        if found[0] <= LIMIT:
            with _lock:
                _kept[key] = found
    return found[1]


def forget() -> None:
    """Drops all that is remembered."""
    with _lock:
        _kept.clear()


def looked_through(data: list[dict], layout: dict, frames: Sequence[dict] = ()) -> go.Figure:
    """A figure of parts of one that Plotly has looked through already; what is changed later is looked at as ever."""
    figure = go.Figure(data, layout, list(frames), _validate=False)
    for part in (figure, figure.layout, *figure.data):
        part._validate = True
    return figure
