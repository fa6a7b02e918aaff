"""Evaluate before anything is judged: what will stand on the page, and about how long it takes."""

from app.parts import progress

WILL_COME = {
    "scores": "curves of the network's accuracy while pixels are removed, the **area** under each with its interval, "
    "and the share of the most important pixels inside the **box**",
    "randomisation": "curves of how much each method's maps still look like the trained network's while ever more of "
    "its **weights are random**, and what is left at the end",
    "stability": "how much each method's maps **change** under noise that can hardly be seen, with intervals",
}


def coming(way: str, takes: str) -> None:
    """Draws it; `takes` says how long all chosen methods need together, and is empty where none of them applies."""
    if not takes:
        return
    progress.coming(
        f"Here come {WILL_COME[way]}; then a table of all methods that can be saved as CSV. Methods appear one after "
        f"the other, cheap ones first. On this machine that takes "
        f"**{takes}**; Cancel keeps what is ready.",
        "eval",
    )
