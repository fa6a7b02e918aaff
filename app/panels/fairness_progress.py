"""How far the check has come."""

from app import state
from app.backend import Backend, View
from app.panels import progress

STAGES = {"maps": "Measuring the maps", "curves": "Measuring layer after layer"}


def status(store: Backend, view: View, owner: str) -> None:
    """The line above the results: progress with Cancel, or how it ended."""

    def stop() -> None:
        state.stopped().add(view.key)
        store.stop(view.key, owner)

    def go_on() -> None:
        state.stopped().discard(view.key)
        store.retry(view.key)

    if view.live:
        text = "Waiting for its turn" if view.value is None else STAGES[view.value.note]
        progress.running(progress.in_line(text, view.message), view.progress, view.remaining, "fair", stop)
    elif view.state == "stopped":
        progress.ended(f"Cancelled at {view.progress:.0%}.", "cancel", "fair", ("Start again", go_on))
    elif view.state == "failed":
        progress.ended(view.message, "error", "fair", ("Try again", go_on))
    else:
        progress.ended("The check is complete.", "check_circle", "fair")
