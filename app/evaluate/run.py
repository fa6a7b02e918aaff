"""Judging any methods in one way: asks for it, shows how far it has come, and has the results drawn."""

from collections.abc import Callable, Mapping

import streamlit as st

from app.evaluate.coming import coming
from app.jobs.backend import Backend, View
from app.parts import progress
from app.parts.watch import Asked, Start, Watch
from app.words import counted
from explainers.evaluation.judge import judged_pictures
from explainers.evaluation.methods import MapSettings, title
from explainers.evaluation.pictures import Birds, Folder
from explainers.evaluation.request import JudgementRequest
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer


def judged(
    backend: Backend,
    network: Network,
    layer: Layer,
    methods: tuple[str, ...],
    data: Birds | Folder,
    ways: Mapping[str, MapSettings],
    shown: str,
    draw: Callable[[dict[str, View]], None],
) -> None:
    """The way `shown` of judging, once it was started; what was started of the others goes on meanwhile."""
    settings, count = ways[shown], judged_pictures(ways[shown], len(data))
    requests = [JudgementRequest(network, layer, method, data, way) for way in ways.values() for method in methods]
    # Cheap maps first.
    asked = [Asked(request, (2, request.cost)) for request in requests]
    work = Watch("evaluate", lambda: asked, "evaluate", waits=True)
    work.release()

    def refresh(views: list[View]) -> None:
        at = zip(requests, views, strict=True)
        now = {request.method: view for request, view in at if request.settings is settings}
        status(work, now, count)
        for method, view in now.items():
            if view.state == "refused":
                st.caption(f"**{title(method)}** is left out: {view.message.rstrip('.')}.")
        if all(view.value is None for view in now.values()):
            coming(shown, work.foreseen([view for view in now.values() if view.state != "refused"]))
        draw(now)

    work.draw(refresh)


def status(work: Watch, views: Mapping[str, View], count: int) -> None:
    """One line: how far it has come, or the button that starts it."""
    wanted = {method: view for method, view in views.items() if view.state != "refused"}
    if not wanted:
        progress.ended("Choose at least one method that applies to this network and layer.", "info", "evaluate")
        return
    done = sum(view.state == "done" for view in wanted.values())
    doing = f"{done} of {len(wanted)} methods ready"
    if now := next((method for method, view in wanted.items() if view.state == "running"), None):
        doing += f" · {title(now)}: {made(wanted[now])}"
    methods = {1: "The method is", 2: "Both methods are"}.get(len(wanted), f"All {len(wanted)} methods are")
    finished = f"{methods} judged on {count} pictures."
    text = f"{done} of {len(wanted)} methods have been judged on these {count} pictures."
    label = "Judge the missing methods" if done else f"Judge {len(wanted)} methods"
    if len(wanted) == 1:
        text, label = f"The method has not been judged on these {count} pictures.", "Judge one method"
    work.status(list(wanted.values()), doing, finished, start=Start(text, label, "balance"))


def made(view: View) -> str:
    """
    >>> made(View("key", "running"))
    'preparing pictures'
    """
    count = view.value.maps if view.value is not None else 0
    return counted(count, "map") if count else "preparing pictures"
