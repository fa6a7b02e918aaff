"""Judging any methods in one way: asks for it, shows how far it has come, and has the results drawn."""

from collections.abc import Callable, Mapping

import streamlit as st

from app.address import selection
from app.evaluate.coming import coming
from app.jobs.backend import Backend, View
from app.parts import progress
from explainers.evaluation.judge import expected_passes, judged_pictures
from explainers.evaluation.methods import MapSettings, title
from explainers.evaluation.pictures import Birds, Folder
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

POLL = 1.0


def judged(
    store: Backend,
    network: Network,
    layer: Layer,
    methods: tuple[str, ...],
    data: Birds | Folder,
    ways: Mapping[str, MapSettings],
    shown: str,
    draw: Callable[[dict[str, View]], None],
) -> None:
    """The way `shown` of judging, once it was started; what was started of the others goes on meanwhile."""
    owner = selection.owner("evaluate")
    started: set[str] = st.session_state.setdefault("evaluate_started", set())

    def ask(way: str) -> dict[str, View]:
        views, settings = {}, ways[way]
        for method in methods:
            # Cheap maps first.
            place = expected_passes(method, network, settings) * judged_pictures(settings, len(data))
            view = store.scores(network, layer, method, data, settings, owner, place, start=False)
            if view.state == "missing" and view.key in started:
                view = store.scores(network, layer, method, data, settings, owner, place, start=True)
            views[method] = view
        return views

    def begin() -> None:
        for view in ask(shown).values():
            store.retry(view.key)
            started.add(view.key)

    def stop() -> None:
        for view in ask(shown).values():
            started.discard(view.key)
            store.stop(view.key, owner)

    asked = [view for way in ways for view in ask(way).values()]
    store.release(owner, keep={view.key for view in asked})
    polling = any(view.live for view in asked)

    def refresh() -> None:
        now = {way: ask(way) for way in ways}
        if any(view.live for views in now.values() for view in views.values()) != polling:
            st.rerun()
        status(now[shown], network, judged_pictures(ways[shown], len(data)), ways[shown], begin, stop)
        for method, view in now[shown].items():
            if view.state == "refused":
                st.caption(f"**{title(method)}** is left out: {view.message.rstrip('.')}.")
        if all(view.value is None for view in now[shown].values()):
            passes = expected(now[shown], network, judged_pictures(ways[shown], len(data)), ways[shown])
            if passes:
                coming(store, network, shown, passes)
        draw(now[shown])

    st.fragment(refresh, run_every=POLL if polling else None)()


def expected(views: Mapping[str, View], network: Network, count: int, settings: MapSettings) -> int:
    """Passes through the network that all methods which apply need for `count` pictures."""
    wanted = [method for method, view in views.items() if view.state != "refused"]
    return sum(count * expected_passes(method, network, settings) for method in wanted)


def remaining(views: Mapping[str, View], network: Network, count: int, settings: MapSettings) -> float | None:
    """Seconds left, from the passes that methods still need and what a pass has cost so far."""
    known = [view.value for view in views.values() if view.value is not None]
    spent = sum(value.spent for value in known)
    if not spent:
        return None
    left = sum(
        count * expected_passes(method, network, settings) for method, view in views.items() if view.state == "waiting"
    )
    running = [view.value for view in views.values() if view.live and view.value is not None and view.value.progress]
    return sum(v.elapsed for v in known) / spent * left + sum(v.elapsed * (1 / v.progress - 1) for v in running)


def status(
    views: Mapping[str, View],
    network: Network,
    count: int,
    settings: MapSettings,
    begin: Callable[[], None],
    stop: Callable[[], None],
) -> None:
    """One line: how far it has come, or the button that starts it."""
    wanted = {method: view for method, view in views.items() if view.state != "refused"}
    done = [view for view in wanted.values() if view.state == "done"]
    failed = [view for view in wanted.values() if view.state == "failed"]
    if not wanted:
        progress.ended("Choose at least one method that applies to this network and layer.", "info", "evaluate")
    elif any(view.live for view in wanted.values()):
        share = (len(done) + len(failed) + sum(v.progress for v in wanted.values() if v.live)) / len(wanted)
        text = f"{len(done)} of {len(wanted)} methods ready"
        if now := next((method for method, view in wanted.items() if view.state == "running"), None):
            text += f" · {title(now)}: {made(wanted[now])}"
        progress.running(text, share, remaining(wanted, network, count, settings), "evaluate", stop)
    elif len(done) == len(wanted):
        methods = {1: "The method is", 2: "Both methods are"}.get(len(wanted), f"All {len(wanted)} methods are")
        progress.ended(f"{methods} judged on {count} pictures.", "check_circle", "evaluate")
    else:
        text = f"{len(done)} of {len(wanted)} methods have been judged on these {count} pictures."
        if len(wanted) == 1:
            text = f"The method has not been judged on these {count} pictures."
        if failed:
            text += f" {len(failed)} failed: {failed[0].message}"
        label = "Judge the missing methods" if done else f"Judge {len(wanted)} methods"
        label = "Judge one method" if len(wanted) == 1 else label
        progress.ended(text, "error" if failed else "balance", "evaluate", (label, begin))


def made(view: View) -> str:
    """
    >>> made(View("key", "running"))
    'preparing pictures'
    """
    count = view.value.maps if view.value is not None else 0
    return f"{count} map{'s' * (count > 1)}" if count else "preparing pictures"
