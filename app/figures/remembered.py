"""Figures of the same content are built once: a page that polls draws most of its figures again as they were.

Plotly takes some ten milliseconds for each, in Python; of sixteen pages that wait for their maps these were two thirds
of the server's time.
"""

import hashlib
import pickle
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, cast

import plotly.graph_objects as go
from cachetools import LRUCache

Given = ParamSpec("Given")
# Bytes of what the figures show, and of what Plotly puts around it in each of them and each of its frames.
LIMIT, AROUND = 32 << 20, 48 << 10
_kept: LRUCache[Any, Any] = LRUCache(LIMIT, getsizeof=lambda found: found[0])
_lock = threading.Lock()


def remembered(make: Callable[Given, go.Figure]) -> Callable[Given, go.Figure]:
    """`make`, called once for equal arguments, which can be pickled; every caller gets a figure of its own."""

    @wraps(make)
    def again(*args: Given.args, **kwargs: Given.kwargs) -> go.Figure:
        # Written and never read: equal bytes are equal arguments.
        content = pickle.dumps((make.__module__, make.__qualname__, args, kwargs), protocol=5)
        key = hashlib.sha256(content).digest()
        with _lock:
            found = _kept.get(key)
        if found is None:
            made = make(*args, **kwargs)
            parts = (
                [trace.to_plotly_json() for trace in made.data],
                made.layout.to_plotly_json(),
                [frame.to_plotly_json() for frame in made.frames],
            )
            found = len(content) + AROUND * (1 + len(parts[2])), parts
            if found[0] <= LIMIT:
                with _lock:
                    _kept[key] = found
        return _copy(*cast(Any, found)[1])

    return again


def _copy(data: list[dict], layout: dict, frames: list[dict]) -> go.Figure:
    """A figure of parts that were looked through when it was made; what is changed later is looked at as ever."""
    figure = go.Figure(data, layout, frames, _validate=False)
    for part in (figure, figure.layout, *figure.data):
        part._validate = True
    return figure
