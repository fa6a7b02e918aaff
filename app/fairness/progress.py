"""How far the check has come."""

from collections.abc import Callable

from app.address import selection
from app.jobs.backend import Backend, View
from app.parts import progress

COMING = (
    "Here come, one after the other: **the proof** that every answer stays as it was, to the last bit; each method's "
    "**maps before and after** on one scale; the **table** of what moved by which factor, beside what theory says; and "
    "the **curves** from layer to layer. The proof takes about a second, a layer of the curves a few."
)
STAGES = {"maps": "Measuring the maps", "curves": "Measuring layer after layer"}


def absent(view: View) -> str:
    """What stands in the frame of a map that is not there.

    >>> absent(View("key", "running")), absent(View("key", "stopped")), absent(View("key", "failed"))
    ('being computed', 'cancelled', 'failed')
    """
    return {"stopped": "cancelled", "failed": "failed"}.get(view.state, "being computed")


def status(store: Backend, view: View, owner: str) -> None:
    """The line above the results: progress with Cancel, or how it ended."""

    def stop() -> None:
        selection.stopped().add(view.key)
        store.stop(view.key, owner)

    def go_on() -> None:
        selection.stopped().discard(view.key)
        store.retry(view.key)

    _status(view, stop, go_on)
    if view.value is None and view.state != "failed":
        progress.coming(COMING, "fair")


def _status(view: View, stop: Callable[[], None], go_on: Callable[[], None]) -> None:
    if view.live:
        text = "Waiting for its turn" if view.value is None else STAGES[view.value.note]
        progress.running(progress.in_line(text, view.message), view.progress, view.remaining, "fair", stop)
    elif view.state == "stopped":
        progress.ended(f"Cancelled at {view.progress:.0%}.", "cancel", "fair", ("Start again", go_on))
    elif view.state == "failed":
        progress.ended(view.message, "error", "fair", ("Try again", go_on))
    else:
        progress.ended("The check is complete.", "check_circle", "fair")
