"""What a lesson measures, as a job of the app's own queue: it waits its turn, shows how far it is, can be cancelled."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import streamlit as st

from app.address import selection
from app.jobs.backend import View, backend
from app.jobs.memory import digest
from app.jobs.runner import Job
from app.parts import progress

POLL = 0.5
# What is measured sooner takes the place of what it replaces without a bar in between.
QUICK = 1.0


class Measured(NamedTuple):
    """Values in the order of what they were measured for, as far as there are any; `progress` 0 to 1."""

    values: tuple[Any, ...]
    progress: float

    @property
    def nbytes(self) -> int:
        """What the store counts.

        >>> Measured((1.0, {"a": 2.0, "b": 3.0}), 1.0).nbytes
        192
        """
        return _bytes(self.values)


def _bytes(value: Any) -> int:
    if isinstance(value, dict):
        value = tuple(value.values())
    return sum(map(_bytes, value)) if isinstance(value, tuple) else getattr(value, "nbytes", 64)


def measured(name: str, arguments: Sequence[tuple], measure: Callable[..., Any], words: str) -> tuple[Any, ...] | None:
    """`measure(*each)` for each of `arguments`, all plain values; None while the line with Cancel stands there instead.

    `name` is the lesson's, `words` say what is being measured.
    """
    store, owner = backend(), selection.owner("learn")
    key = digest("lesson", name, repr(arguments))

    def frames(job: Job) -> Iterator[Measured]:
        values: tuple[Any, ...] = ()
        for each in arguments:
            values += (measure(*each),)
            yield Measured(values, len(values) / len(arguments))

    def ask(wait: float = 0.0) -> View:
        return store.lesson(key, frames, owner, selection.stopped(), wait)

    def cancel() -> None:
        selection.stopped().add(key)
        store.stop(key, owner)

    def again() -> None:
        selection.stopped().discard(key)
        store.retry(key)

    store.release(owner, keep={key})
    view = ask(QUICK)
    if view.state == "done":
        return view.value.values
    line = f"learn_{name}"
    if not view.live:
        failed = view.state == "failed"
        text = view.message if failed else "Cancelled; what was measured stays."
        progress.ended(text, "error" if failed else "block", line, ("Try again" if failed else "Go on", again))
        return None

    def draw() -> None:
        now = ask()
        if not now.live:
            st.rerun()
        progress.running(progress.in_line(words, now.message), now.progress, now.remaining, line, cancel)

    st.fragment(draw, run_every=POLL)()
    return None
