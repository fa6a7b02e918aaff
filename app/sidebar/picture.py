"""The picture: a gallery by source, an upload, which part of it is used and what in it is the object."""

from functools import partial

import streamlit as st

from app.address import selection
from app.address.worlds import usual
from app.inputs.crop import split
from app.inputs.pictures import SOURCES, THUMBNAIL, PictureGoneError, as_thumbnail, gallery, thumbnail
from app.inputs.sentences import sentence
from app.jobs.backend import Backend
from app.parts.uploads import bring, uploads
from app.sidebar.drawn_object import object_control
from app.sidebar.picture_crop import crop_control
from app.sidebar.share_control import share_control
from explainers.datasets.birds.source import SHOWN_SIDE, shown_side
from explainers.datasets.pictures import EXTENSIONS, GROUNDS, PictureError

PICTURE_MEGABYTES = 20
# Editions of the rendered birds, one of which is offered.
BIRDS = ("bird", "lookalike")
# Sources whose pictures may be larger than what a network sees of them.
CROPPED = ("photo", "upload")
THUMBNAILS_HELP = "Each is scaled and cropped as the chosen network wants it. The name of the chosen one stands below."


def picture_control(backend: Backend) -> None:
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
        "your own picture stays in this server's memory, for you alone unless you put it into the link.",
    )
    if st.session_state["source"] == "upload":
        _upload_control(backend)
        there = {key: picture for key in uploads() if (picture := backend.uploaded(key))}
        titles = {key: picture.title for key, picture in there.items()}
        addresses = [as_thumbnail(picture.image) for picture in there.values()]
    else:
        titles = gallery(st.session_state["source"])
        addresses = [thumbnail(key) for key in titles]
    if titles:
        _thumbnails(titles, addresses, split(chosen)[0])
    if chosen.startswith(st.session_state["source"]):
        _parts_control(backend, chosen)


def _sources(network: str, source: str) -> dict[str, str]:
    """Of the editions of the birds there is the one that is shown, else the one that the network knows."""
    known = usual(network).partition("/")[0]
    birds = next((one for one in (source, known) if one in BIRDS), BIRDS[0])
    return {
        name: SOURCES[BIRDS[0]] if name == birds else title
        for name, title in SOURCES.items()
        if name == birds or name not in BIRDS
    }


def _parts_control(backend: Backend, chosen: str) -> None:
    """Which part of the picture is used, and what in it is the object."""
    network = backend.kept(selection.selection().network)
    try:
        # As it is drawn for the network, or for the gallery: to draw it anew takes a quarter of a second.
        whole = backend.whole(chosen, shown_side(network.input_size[0]) if network else THUMBNAIL)
    except PictureGoneError:
        return  # the page says so

    def take(key: str) -> None:
        selection.change(picture=key)

    def key() -> str:
        return selection.selection().picture

    if chosen.startswith(CROPPED):
        crop_control(key, whole, network and network.preprocessing, take)
    object_control(key, whole, partial(backend.whole, chosen, SHOWN_SIDE), take)


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


def _upload_control(backend: Backend) -> None:
    st.file_uploader(
        "Upload a picture",
        type=list(EXTENSIONS),
        key="w_upload",
        max_upload_size=PICTURE_MEGABYTES,
        on_change=_take_upload,
        args=(backend,),
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
        args=(backend,),
        required=True,
        help="A network knows no transparency: what shines through has to have a colour.",
    )
    if message := st.session_state.get("upload_error"):
        st.error(message)
    # Of the picture that is shown, as long as it is.
    shown = backend.uploaded(split(selection.selection().picture)[0])
    for note in shown.notes if shown else ():
        st.caption(f"Note: {note}.")
    if shown:
        share_control(backend, shown)


def _take_source() -> None:
    st.session_state["source"] = st.session_state["w_source"]
    st.session_state.pop("upload_error", None)


def _take_picture() -> None:
    # A second click on the chosen picture would take it away; it stays.
    if st.session_state["w_picture"] is not None:
        selection.change(picture=st.session_state["w_picture"])


def _take_ground(backend: Backend) -> None:
    st.session_state["ground"] = st.session_state["w_ground"]
    _take_upload(backend)


def _take_upload(backend: Backend) -> None:
    file = st.session_state["w_upload"]
    st.session_state.pop("upload_error", None)
    if file is None:
        return
    try:
        # The browser keeps to the limit; the server has only the one for weights.
        if file.size > PICTURE_MEGABYTES << 20:
            raise PictureError(f"expected a picture of at most {PICTURE_MEGABYTES} MB, got {file.size >> 20} MB")
        picture = backend.add_upload(
            file.getvalue(), file.name, selection.owner("upload"), st.session_state.get("ground", "white")
        )
    except PictureError as error:
        st.session_state["upload_error"] = sentence(error)
        return
    bring(picture.key)
    selection.change(picture=picture.key)
