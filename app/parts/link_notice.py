"""What is wrong with the link that a visit began with: said above the page until something else is chosen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.address import links, selection
from app.address.worlds import usual
from app.inputs.crop import part, split
from app.inputs.outline import split_outline, with_outline
from app.inputs.pictures import THUMBNAIL, PictureGoneError, is_bird
from app.inputs.sentences import sentence
from app.jobs.backend import NOT_KEPT, OWN, Backend, networks
from app.jobs.owners import owns
from app.parts import shared_link
from app.parts.cells import grid_options
from explainers.networks.catalogue import Network

# One picture is shown where another has gone.
INSTEAD = " Until then another picture is shown."
OWN_PICTURE = (
    "This link was to a picture of somebody's own, which stays with the visit that brought it: upload it again, or ask "
    "for a link that takes it along."
)
# The same of those in a list.
LOST = {
    "pictures": "Somebody's own pictures are left out of this link's list: they stay with the visit that brought "
    "them. Upload them again and choose them in the list.",
    "networks": "Somebody's own networks are left out of this link's list: their weights stay with the visit that "
    "brought them. Bring the files again and choose them in the list.",
}


def check(page: str, backend: Backend, own: Mapping[str, str]) -> None:
    """Before anything is drawn: takes the usual network and picture where the chosen ones are not here.

    On the first page of a visit, remembers what is wrong with its link; `own` is what the page has understood of it.
    """
    if lost := shared_link.arrive(page, backend):
        st.session_state["picture_gone"] = lost + INSTEAD
    shared_link.follow(backend)
    link, now = selection.arrived(page), selection.selection()
    if not now.network.startswith(OWN) and now.network not in [entry.name for entry in networks()]:
        selection.change(network=selection.Selection().network)
    if gone := _gone(backend, now.picture):
        _other_picture()
        if "link_clauses" in st.session_state:
            st.session_state["picture_gone"] = gone + INSTEAD
            st.session_state["link_settled"] = None
        elif link.get("picture") in selection.PLACES:
            st.session_state.setdefault("picture_gone", OWN_PICTURE + INSTEAD)
    if "link_clauses" not in st.session_state:
        # Of what was uploaded a link says that alone; the page says where that is gone.
        asked = {name: value for name, value in link.items() if value not in selection.PLACES}
        blame(*links.problems(page, asked, links.texts(asdict(selection.selection())) | dict(own)))


def check_network(page: str, network: Network, size: tuple[int, int]) -> None:
    """Leaves out the layer and the grid that this network and a picture of `size` (height, width) do not have."""
    now = selection.selection()
    if now.layer is not None and now.layer not in [layer.name for layer in network.layers]:
        blame(links.clause(page, "layer", now.layer))
        selection.change(layer=None)
    if now.grid is not None and now.grid not in grid_options(*size):
        blame(links.clause(page, "grid", str(now.grid)))
        selection.change(grid=None)


def blame(*clauses: str) -> None:
    """Remembers what else is wrong with the link, until all of it is understood."""
    if "link_settled" not in st.session_state:
        st.session_state.setdefault("link_clauses", {}).update(dict.fromkeys(clauses))


def without_lost(name: str, wanted: Sequence[str], there: Callable[[str], bool]) -> tuple[str, ...]:
    """A list, `pictures` or `networks`, without the uploads in it that are not here any more, which is said."""
    lost = [item for item in wanted if item.startswith(selection.PRIVATE) and not there(item)]
    if lost:
        st.session_state.setdefault("lists_lost", {})[name] = LOST[name]
        st.session_state["link_settled"] = None
    return tuple(item for item in wanted if item not in lost)


def draw(place: DeltaGenerator, now: object = None) -> None:
    """The notice; `now` is what is chosen once all of the link is understood, and another `now` ends the notice."""
    if now is not None and st.session_state.get("link_settled") is None:
        st.session_state["link_settled"] = now
    if now is not None and st.session_state["link_settled"] != now:
        st.session_state["link_clauses"] = {}
        for lost in ("picture_gone", "lists_lost"):
            st.session_state.pop(lost, None)
    clauses, gone = st.session_state.get("link_clauses", {}), st.session_state.get("picture_gone", "")
    lists = st.session_state.get("lists_lost", {})
    if clauses or gone or lists:
        words = " ".join(filter(None, (links.sentence(list(clauses)) if clauses else "", gone, *lists.values())))
        place.warning(words, icon=":material/link_off:")


def is_there(backend: Backend, key: str) -> bool:
    """Whether a picture, or a part of one, can be shown."""
    return not _gone(backend, key)


def _gone(backend: Backend, key: str) -> str:
    """Why the picture cannot be shown; empty where it can."""
    if is_bird(key):
        return ""
    if key in st.session_state.setdefault("pictures_there", set()) and not key.startswith(selection.PRIVATE):
        return ""
    try:
        if key.startswith(selection.PRIVATE) and not owns(selection.owner("upload"), key):
            raise PictureGoneError(NOT_KEPT)
        part(with_outline(backend.whole(key, THUMBNAIL), split_outline(key)[1]), split(key)[1])
    except PictureGoneError as error:
        return sentence(error)
    st.session_state["pictures_there"].add(key)
    return ""


def _other_picture() -> None:
    picture = usual(selection.selection().network)
    st.session_state["source"] = picture.partition("/")[0]
    selection.change(picture=picture)
