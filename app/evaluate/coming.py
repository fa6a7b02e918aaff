"""Evaluate before anything is judged: what will stand on the page, and about how long it takes."""

from app.jobs.backend import Backend
from app.jobs.costs import pass_seconds
from app.parts import progress
from app.words import about
from explainers.networks.catalogue import Network

WILL_COME = {
    "scores": "curves of the network's accuracy while pixels are removed, the **area** under each with its interval, "
    "and the share of the most important pixels inside the **box**",
    "randomisation": "curves of how much each method's maps still look like the trained network's while ever more of "
    "its **weights are random**, and what is left at the end",
    "stability": "how much each method's maps **change** under noise that can hardly be seen, with intervals",
}


def coming(store: Backend, network: Network, way: str, passes: int) -> None:
    """Draws it; `passes` through the network are about what all chosen methods need together."""
    progress.coming(
        f"Here come {WILL_COME[way]}; then a table of all methods that can be saved as CSV. Methods appear one after "
        f"the other, cheap ones first. On this machine that takes "
        f"**{about(passes * pass_seconds(store, network))}**; Cancel keeps what is ready.",
        "eval",
    )
