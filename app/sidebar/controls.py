"""The sidebar: widgets -> Selection. Every widget shows the selection and changes nothing else."""

from typing import cast

import streamlit as st

from app.address import selection
from app.address.worlds import fitting, usual
from app.inputs.crop import split
from app.inputs.pictures import SOURCES, PictureGoneError, as_thumbnail, gallery, thumbnail
from app.inputs.sentences import sentence
from app.jobs.backend import NETWORKS_KEPT, OWN, Backend, backend, networks
from app.parts.cells import grid_options
from app.parts.network_status import entry_title
from app.sidebar.drawn_object import object_control
from app.sidebar.picture_crop import crop_control
from app.sidebar.share_control import share_control
from app.sidebar.weights_choice import architecture_control, choice_control, file_of_weights, titled
from app.words import counted, scientific
from explainers.cid.results import METHODS
from explainers.datasets.birds.source import SHOWN_SIDE
from explainers.datasets.pictures import EXTENSIONS, GROUNDS, PictureError
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

UPLOADS_LISTED = 4
# The place of the slider, which gives way to the diagram where there is room.
LAYER = "layer_control"
SETTINGS = ("beta", "grid", "method", "refine", "seed")
PICTURE_MEGABYTES = 20
# Editions of the rendered birds, one of which is offered.
BIRDS = ("bird", "lookalike")
# Sources whose pictures may be larger than what a network sees of them.
CROPPED = ("photo", "upload")
RESET_HELP = "β, grid, solver, refinement and seed as they are on a first visit, which is as in the paper."
THUMBNAILS_HELP = "Each is scaled and cropped as the chosen network wants it. The name of the chosen one stands below."
METHOD_TITLES = {"two-stage": "Two stages (default)", "paper": "The paper's descent"}


def network_control() -> None:
    """Which network; those whose weights are not on this disk say so, and one's own come first."""
    entries = {entry.name: entry for entry in networks()}
    chosen = selection.selection().network
    own = {key: title for key, title in _own().items() if key == chosen or backend().has_network(key)}
    if chosen.startswith(OWN):
        own.setdefault(chosen, "Your own weights")
    if chosen not in entries and chosen not in own:
        chosen = selection.Selection().network
        selection.change(network=chosen, layer=None)

    def title(name: str) -> str:
        if name in own:
            return own[name]
        return entry_title(entries[name])

    heads = [name for name, entry in entries.items() if entry.group not in entries]
    head = entries[chosen].group or chosen if chosen in entries else chosen
    variants = [name for name, entry in entries.items() if entry.group == head]
    st.session_state["w_network"] = head
    st.selectbox(
        "Network",
        [*own, *heads],
        format_func=title,
        key="w_network",
        on_change=_take_network,
        help="The trained network whose layers are examined. Those marked ↓ are not on this disk yet: "
        "choosing one downloads its weights.",
    )
    if not variants:
        return
    st.session_state["w_variant"] = chosen
    st.selectbox(
        "Variant",
        [head, *variants],
        format_func=lambda name: title(name).removeprefix(f"{entries[head].title}, ") if name != head else "as it is",
        key="w_variant",
        on_change=_take_variant,
        help="The same architecture and pictures, trained in another way: pruned, taught by another network, "
        "hardened against attacks or damaged.",
    )


def own_weights_control(store: Backend) -> None:
    """Weights of one's own, for a registered architecture or one that is recognised."""
    with st.expander("Your own weights", key="own_weights"):
        architecture_control("w_architecture", _take_architecture, store)
        file_of_weights("Weights", "w_weights", _take_weights, store)
        chosen = selection.selection().network
        choice_control(store, chosen, "w_weights_choice", lambda given: _take_weights(store, **given))


def network_note(network: Network) -> None:
    """What the network was trained on and how good it is."""
    parts = [counted(len(network.classes), "class", "classes"), counted(len(network.layers), "layer")]
    if network.accuracy is not None:
        parts.append(f"{network.accuracy:.1%} " + ("of pixels right" if network.segments else "right"))
    st.caption(
        " · ".join(parts),
        help=f"Trained on: {network.data}. Share of right answers: {network.accuracy_note}. "
        f"Weights: {network.source.split(':')[0] if '//' not in network.source else 'torchvision'}.",
    )


def picture_control(store: Backend) -> None:
    """Gallery with thumbnails by source, and an upload."""
    chosen = selection.selection().picture
    st.session_state.setdefault("source", chosen.partition("/")[0])
    st.session_state["w_source"] = st.session_state["source"]
    sources = _sources(selection.selection().network, st.session_state["source"])
    st.segmented_control(
        "Picture",
        list(sources),
        format_func=sources.__getitem__,
        key="w_source",
        on_change=_take_source,
        required=True,
        width="stretch",
        help="Birds and cells are drawn and come with an exact mask; photographs have a box around their subject; "
        "your own picture stays in this computer's memory and is sent nowhere.",
    )
    if st.session_state["source"] == "upload":
        _upload_control(store)
        there = {key: picture for key in _uploads() if (picture := store.uploaded(key))}
        titles = {key: picture.title for key, picture in there.items()}
        addresses = [as_thumbnail(picture.image) for picture in there.values()]
    else:
        titles = gallery(st.session_state["source"])
        addresses = [thumbnail(key) for key in titles]
    if titles:
        _thumbnails(titles, addresses, split(chosen)[0])
    if chosen.startswith(st.session_state["source"]):
        _parts_control(store, chosen)


def _sources(network: str, source: str) -> dict[str, str]:
    """Of the editions of the birds there is the one that is shown, else the one that the network knows."""
    known = usual(network).partition("/")[0]
    birds = next((one for one in (source, known) if one in BIRDS), BIRDS[0])
    return {
        name: SOURCES[BIRDS[0]] if name == birds else title
        for name, title in SOURCES.items()
        if name == birds or name not in BIRDS
    }


def _parts_control(store: Backend, chosen: str) -> None:
    """Which part of the picture is used, and what in it is the object."""
    try:
        whole = store.whole(chosen, SHOWN_SIDE)
    except PictureGoneError:
        return  # the page says so

    def take(key: str) -> None:
        selection.change(picture=key)

    def key() -> str:
        return selection.selection().picture

    if chosen.startswith(CROPPED):
        network = store.kept(selection.selection().network)
        crop_control(key, whole, network and network.preprocessing, take)
    object_control(key, whole, take)


def layer_control(network: Network) -> Layer:
    """The layer as a slider in order of execution; returns the chosen one."""
    layers = {layer.name: layer for layer in network.layers}
    chosen = selection.selection().layer
    if chosen not in layers:
        chosen = middle(network).name
        selection.change(layer=chosen)
    st.session_state["w_layer"] = chosen
    layer = layers[chosen]
    with st.container(key=LAYER):
        st.select_slider(
            "Layer",
            list(layers),
            format_func=lambda name: f"{name} · {shape(layers[name])}",
            key="w_layer",
            on_change=_take,
            args=("layer",),
            help="From the first layer the picture passes to the last. The map shows what the feature at this "
            "point of the network still uses of each pixel. Behind the name: the feature's shape "
            "(channels × height × width, or its length).",
        )
        st.caption(f"Layer {layer.depth + 1} of {len(layers)}: {layer.kind}, {shape(layer)} values.")
    return layer


def settings_control(size: tuple[int, int]) -> None:
    """β, grid, solver, refinement and seed, with the paper's values as defaults; `size` is the picture's."""
    grids = grid_options(*size)
    if selection.selection().grid not in grids:
        selection.change(grid=None)
    chosen, plain = selection.selection(), selection.Selection()
    changed = any(getattr(chosen, name) != getattr(plain, name) for name in SETTINGS)
    with st.expander("Advanced settings" + (" (changed)" if changed else ""), key="advanced"):
        _bound("beta")
        st.select_slider(
            "Strength β",
            selection.BETAS,
            format_func=scientific,
            key="w_beta",
            on_change=_take,
            args=("beta",),
            help="How far the feature may move: noise is added to the pixels until the feature has moved by "
            "β times its sensitivity. Larger β, more noise. The paper uses 1.5·10⁻⁴.",
        )
        st.session_state["w_grid"] = chosen.grid or 0
        st.selectbox(
            "Grid",
            list(grids),
            format_func=grids.__getitem__,
            key="w_grid",
            on_change=_take_grid,
            help="Pixels of one cell share one noise level. Fewer cells: faster and less noisy, but coarser.",
        )
        _bound("method")
        st.selectbox(
            "Solver",
            METHODS,
            format_func=METHOD_TITLES.__getitem__,
            key="w_method",
            on_change=_take,
            args=("method",),
            help="Two stages: a closed form, then corrections until the constraint holds; quicker and closer to the "
            "best map. The paper's descent: the 100 steps published with the method, as a reference; the constraint "
            "it reaches is shown below the map.",
        )
        _bound("refine")
        st.toggle(
            "Refine",
            key="w_refine",
            disabled=chosen.method == "paper",
            on_change=_take,
            args=("refine",),
            help="On: the map is corrected against samples until the constraint holds. Off: only the closed "
            "form, which is exact where the layer is linear, and quick.",
        )
        _bound("seed")
        st.number_input(
            "Seed",
            0,
            selection.LIMIT_SEED,
            key="w_seed",
            on_change=_take,
            args=("seed",),
            help="Start of the random numbers. The same seed gives the same map; another seed shows how much "
            "of the map is chance.",
        )
        st.button("Back to the paper's values", disabled=not changed, on_click=_reset, key="reset", help=RESET_HELP)


def middle(network: Network) -> Layer:
    """The layer a reader starts with, three quarters through: deep enough to have discarded something.

    Raises IndexError for a network without layers.
    """
    return network.layers[(3 * len(network.layers)) // 4]


def shape(layer: Layer) -> str:
    return "×".join(str(n) for n in layer.shape)


def _thumbnails(titles: dict[str, str], addresses: list[str], chosen: str) -> None:
    # One group of radio buttons; pictures are their backgrounds, so screen readers still find names.
    rules = "".join(
        f'.st-key-w_picture [role="radiogroup"] button:nth-of-type({place}){{background-image:url({address})}}'
        for place, address in enumerate(addresses, start=1)
    )
    st.html(f"<style>{rules}</style>")
    st.session_state["w_picture"] = chosen if chosen in titles else None
    st.pills(
        "Choose a picture",
        list(titles),
        format_func=titles.__getitem__,
        key="w_picture",
        on_change=_take_picture,
        label_visibility="collapsed",
        width="stretch",
        help=THUMBNAILS_HELP,
    )
    st.caption(f"Chosen: {titles[chosen]}." if chosen in titles else "Choose one of these pictures.")


def _upload_control(store: Backend) -> None:
    st.file_uploader(
        "Upload a picture",
        type=list(EXTENSIONS),
        key="w_upload",
        max_upload_size=PICTURE_MEGABYTES,
        on_change=_take_upload,
        args=(store,),
        label_visibility="collapsed",
        help=f"PNG, JPEG, WebP, BMP, GIF or TIFF, up to {PICTURE_MEGABYTES} MB. It is scaled to the network's size.",
    )
    st.session_state["w_ground"] = st.session_state.setdefault("ground", "white")
    st.segmented_control(
        "Ground under transparent parts",
        list(GROUNDS),
        format_func=str.capitalize,
        key="w_ground",
        on_change=_take_ground,
        args=(store,),
        required=True,
        help="A network knows no transparency: what shines through has to have a colour.",
    )
    if message := st.session_state.get("upload_error"):
        st.error(message)
    # Of the picture that is shown, as long as it is.
    shown = store.uploaded(split(selection.selection().picture)[0])
    for note in shown.notes if shown else ():
        st.caption(f"Note: {note}.")
    if shown:
        share_control(store, shown)


def _own() -> dict[str, str]:
    """Keys and titles of the weights that this session has brought, the newest first."""
    return st.session_state.setdefault("own_networks", {})


def _uploads() -> tuple[str, ...]:
    return st.session_state.setdefault("uploads", ())


def _bound(name: str) -> None:
    st.session_state[f"w_{name}"] = getattr(selection.selection(), name)


def _take(name: str) -> None:
    selection.change(**{name: st.session_state[f"w_{name}"]})


def _take_network() -> None:
    network = st.session_state["w_network"]
    picture = fitting(selection.selection().picture, network)
    if picture != selection.selection().picture:
        st.session_state["source"] = picture.partition("/")[0]
    selection.change(network=network, layer=None, grid=None, picture=picture)


def _take_variant() -> None:
    """The layer stays: variants are compared there."""
    selection.change(network=st.session_state["w_variant"])


def _take_architecture(store: Backend) -> None:
    st.session_state["architecture"] = st.session_state["w_architecture"]
    # A file that did not fit gets its next try at once; one that did is left alone.
    chosen = selection.selection().network
    if chosen.startswith(OWN) and not store.has_network(chosen):
        _take_weights(store)


def _take_weights(store: Backend, architecture: str | None = None, weights: str | None = None) -> None:
    file = st.session_state["w_weights"]
    if file is None:
        return
    architecture = cast(str, st.session_state["architecture"] if architecture is None else architecture)
    key = store.add_network(architecture, file.getvalue(), selection.owner("network"), weights)
    others = [(name, title) for name, title in _own().items() if name != key]
    newest = [(key, titled(file.name, architecture, weights)), *others]
    st.session_state["own_networks"] = dict(newest[:NETWORKS_KEPT])
    selection.change(network=key, layer=None, grid=None)


def _take_grid() -> None:
    selection.change(grid=st.session_state["w_grid"] or None)


def _take_source() -> None:
    st.session_state["source"] = st.session_state["w_source"]
    st.session_state.pop("upload_error", None)


def _take_picture() -> None:
    # A second click on the chosen picture would take it away; it stays.
    if st.session_state["w_picture"] is not None:
        selection.change(picture=st.session_state["w_picture"])


def _take_ground(store: Backend) -> None:
    st.session_state["ground"] = st.session_state["w_ground"]
    _take_upload(store)


def _take_upload(store: Backend) -> None:
    file = st.session_state["w_upload"]
    st.session_state.pop("upload_error", None)
    if file is None:
        return
    try:
        # The browser keeps to the limit; the server has only the one for weights.
        if file.size > PICTURE_MEGABYTES << 20:
            raise PictureError(f"expected a picture of at most {PICTURE_MEGABYTES} MB, got {file.size >> 20} MB")
        picture = store.add_upload(
            file.getvalue(), file.name, selection.owner("upload"), st.session_state.get("ground", "white")
        )
    except PictureError as error:
        st.session_state["upload_error"] = sentence(error)
        return
    others = tuple(key for key in _uploads() if key != picture.key)
    st.session_state["uploads"] = (picture.key, *others)[:UPLOADS_LISTED]
    selection.change(picture=picture.key)


def _reset() -> None:
    plain = selection.Selection()
    selection.change(**{name: getattr(plain, name) for name in SETTINGS})
