"""Somebody's own pictures on this page: brought as files, kept in this session, computed as the birds are."""

import streamlit as st

from app.address import selection
from app.inputs.pictures import as_thumbnail
from app.inputs.sentences import foreign, sentence
from app.jobs.backend import the_backend
from app.parts.uploads import bring
from app.sidebar.own_files import NOTES, uploaded, uploaders
from app.words import counted
from explainers.sweeps.items import FileItem
from explainers.sweeps.pictures import Found, brought

WITHOUT_BOXES = "Without boxes there is no concentration, only the mean."


def own_control() -> None:
    """The files; what was read of them stays in this session."""
    uploaders("layers", _take, WITHOUT_BOXES)
    if message := st.session_state.get("layers_own_error"):
        st.error(message)
        return
    found = own_pictures()
    if found is None:
        st.caption("Choose the files of your pictures; with a box around each subject there is concentration, too.")
        return
    with_box = sum(item.box is not None for item in found)
    st.caption(f"{counted(len(found), 'picture')}, {with_box} with a box.")
    told: Found = st.session_state["layers_own"]
    for name, reason in told.left_out[:NOTES]:
        st.warning(foreign(f"{name}: {reason}."))
    for note in told.notes[:NOTES]:
        st.caption(foreign(note))


def own_pictures() -> tuple[FileItem, ...] | None:
    """Those that this session has brought; None before that."""
    found: Found | None = st.session_state.get("layers_own")
    return None if found is None else tuple(item for item in found.items if isinstance(item, FileItem))


def small(item: FileItem) -> str:
    """A small square picture as a data address, made once in a session."""
    made: dict[str, str] = st.session_state.setdefault("layers_own_small", {})
    if item.stands_for not in made:
        made[item.stands_for] = as_thumbnail(item.opened().image)
    return made[item.stands_for]


def upload(item: FileItem) -> str:
    """The picture under the key by which this session's other pages know it."""
    assert isinstance(item.source, bytes)
    key = the_backend().add_upload(item.source, item.name, selection.owner("upload")).key
    bring(key)
    return key


def _take() -> None:
    for key in ("layers_own", "layers_own_error", "layers_own_small"):
        st.session_state.pop(key, None)
    try:
        files, boxes = uploaded("layers")
        if files:
            st.session_state["layers_own"] = brought(files, boxes)
    except ValueError as error:
        st.session_state["layers_own_error"] = foreign(sentence(error))
