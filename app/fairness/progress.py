"""How far the check has come."""

from app.jobs.backend import View
from app.parts import progress
from app.parts.watch import Watch

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


def status(work: Watch, view: View) -> None:
    """The line above the results: progress with Cancel, or how it ended."""
    doing = "Waiting for its turn" if view.value is None else STAGES[view.value.note]
    work.status([view], doing, "The check is complete.", f"Cancelled at {view.progress:.0%}.", "Start again")
    if view.value is None and view.state != "failed":
        progress.coming(COMING, "fair")
