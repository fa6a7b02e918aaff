"""Curves of pictures: what ships is drawn at once, everything else is asked for and drawn as it comes."""

from collections.abc import Sequence

import streamlit as st

from app.address import selection
from app.figures.networks import styles_of
from app.jobs.backend import OWN, Backend, View, networks
from app.layers.choice import METHODS, choice
from app.layers.command import OWN_BOXES, OWN_FILE, OWN_FOLDER, command
from app.layers.controls import fitting_networks
from app.layers.draw import draw
from app.layers.lines import Chart, Shown, frame_of, setting_of
from app.layers.own import own_pictures
from app.layers.points import Wanted, wanted
from app.layers.unlike import Compared, Unlike
from app.parts import progress
from app.parts.own_networks import own_titles
from app.parts.watch import Asked, Start, Watch
from app.words import counted
from explainers import CIDSettings
from explainers.methods.registry import find_method
from explainers.networks.catalogue import Network
from explainers.storage.versions import METHOD_VERSIONS
from explainers.sweeps.agreement import AgreementRequest
from explainers.sweeps.items import BirdItem, FileItem, Item

LOADING = View("", "loading")
NO_ROOM = "**{}** is left out: the networks before it fill the memory for networks. Choose fewer of them."


def curves(backend: Backend) -> None:
    """Status, chart, table and pictures; asking keeps the work alive while the page is open."""
    now, chosen = selection.selection(), choice()
    own = own_pictures() if chosen.source == "own" else ()
    if own is None:
        let_go(backend)
        progress.ended("Choose the files of your pictures on the left.", "upload_file", "layers_page")
        return
    items: Sequence[Item] = own or [BirdItem(index) for index in range(chosen.count)]
    pictures = counted(len(own), "own picture") if own else f"birds:{chosen.count}"
    settings, method = chosen.settings(now.beta, now.seed), METHODS[chosen.metric]
    names, left_out = fitting_networks(backend)
    here: dict[str, Network] = {}
    notes: list[str] = []
    what = Wanted()
    asked_of: tuple[str, ...] | None = None

    def build() -> list[Asked | View]:
        nonlocal here, notes, what, asked_of
        here, notes, coming = _networks(backend, names)
        if asked_of != tuple(here):
            what, asked_of = wanted(backend, list(here.values()), method, items, settings), tuple(here)
        return [*(part.asked for part in what.parts), *[LOADING] * coming, *unlike.watch.ask()]

    def compared(spot: Compared) -> AgreementRequest | None:
        network = next((one for one in here.values() if one.fingerprint == spot.fingerprint), None)
        chosen_ones = tuple(item for item in items if item.name in spot.pictures)
        if network is None or spot.setting >= len(settings) or not chosen_ones:
            return None
        return AgreementRequest(network, network.layer(spot.layer), method, chosen_ones, settings[spot.setting])

    unlike = Unlike(compared)
    work = Watch("layers page", build, "layers_page", waits=True)
    work.release()

    def refresh(views: list[View]) -> None:
        unlike.polled = any(view.live for view in views)
        views = views[: len(what.parts)]
        rows = what.found(backend, views)
        _status(work, what, views, len(rows))
        for note in (*notes, *(NO_ROOM.format(title(name)) for name in left_out)):
            st.caption(f":material/info: {note}")
        for network in what.lacking:
            st.caption(f":material/info: **{network.title}** is not in the chart: {find_method(method).nowhere}.")
        if not rows:
            _coming(work, what, views)
        elif here:
            shown = networks_at_work(here, method)
            version = METHOD_VERSIONS[method]
            setting = tuple(setting_of(one, version) for one in settings)
            chart = Chart(frame_of(rows), shown, setting, chosen.metric, {item.name: item for item in own})
            draw(chart, pictures, str(backend.device), commands(names, items, settings), unlike)

    work.draw(refresh)


def title(name: str) -> str:
    """How a network is called, by the app's name of it."""
    titles = {entry.name: entry.title for entry in networks()}
    return own_titles().get(name) or titles.get(name, "Your own weights")


def let_go(backend: Backend) -> None:
    """Nothing of this page is waited for any more."""
    for name in ("layers page", "layers unlike"):
        backend.release(selection.owner(name))


def commands(names: Sequence[str], items: Sequence[Item], settings: Sequence[CIDSettings]) -> str:
    """The sweep that makes the same rows."""
    plain = [OWN_FILE if name.startswith(OWN) else name for name in names]
    own = [item for item in items if isinstance(item, FileItem)]
    boxes = f" --boxes {OWN_BOXES}" if any(item.box is not None for item in own) else ""
    return command(plain, f"{OWN_FOLDER}{boxes}" if own else f"birds:{len(items)}", choice().metric, settings)


def networks_at_work(here: dict[str, Network], method: str) -> dict[str, Shown]:
    """What the chart needs to know of the networks, by their fingerprints."""
    styles = styles_of(list(here), [entry.name for entry in networks()])
    found: dict[str, Shown] = {}
    for name, network in here.items():
        layers = find_method(method).layers(network)
        depths = tuple(layer.depth / max(len(network.layers) - 1, 1) for layer in layers)
        names = tuple(layer.name for layer in layers)
        found[network.fingerprint] = Shown(name, title(name), network.family, styles[name], names, depths)
    return found


def _networks(backend: Backend, names: Sequence[str]) -> tuple[dict[str, Network], list[str], int]:
    """Those that are there, a sentence on each that is not, and how many are on their way."""
    here: dict[str, Network] = {}
    notes: list[str] = []
    coming = 0
    for name in names:
        view = backend.network(name, selection.owner(f"layers {name}"))
        if view.state == "done":
            here[name] = view.value
        elif view.live:
            coming += 1
            notes.append(f"**{title(name)}** is being loaded: {view.message or 'in a moment'}, {view.progress:.0%}.")
        else:
            notes.append(f"**{title(name)}** is left out. {view.message}")
    return here, notes, coming


def _status(work: Watch, what: Wanted, views: Sequence[View], ready: int) -> None:
    """One line: how far it has come, or the button that starts it."""
    if not what.count:
        progress.ended("Choose a network that has points for this metric.", "info", "layers_page")
        return
    doing = f"{ready:,} of {counted(what.count, 'map')} ready"
    for part, view in zip(what.parts, views, strict=True):
        if view.state == "running":
            doing += f" · {part.request.network.title.split(',')[0]}, {part.request.layer.name}"
            break
    text = f"{ready:,} of {counted(what.count, 'map')} are there for these networks, pictures and settings."
    if ready and (seconds := work.foreseen(views)):
        text += f" The others take {seconds} on this machine."
    label = "Compute the missing maps" if ready else f"Compute {counted(what.count, 'map')}"
    finished = f"All {counted(what.count, 'map')} are there." if what.count > 1 else "The map is there."
    work.status(views, doing, finished, start=Start(text, label, "stacked_line_chart"))


def _coming(work: Watch, what: Wanted, views: Sequence[View]) -> None:
    if what.count:
        seconds = work.foreseen(views) or "a while"
        progress.coming(
            "Here comes a chart with a curve for each network, from its first layer to its last: at each layer the "
            "mean over the pictures with its **interval**. Then a table of all points, the pictures behind each of "
            "them, and the **command** that makes the same table for as many pictures as you like. Every layer comes "
            "with one picture first, then the intervals close in. On this machine it takes "
            f"**{seconds}**; Cancel keeps what is ready.",
            "layers_page",
        )
