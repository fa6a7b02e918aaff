"""A picture of one's own that travels with the link, where its owner has asked for that."""

from dataclasses import replace

import streamlit as st

from app.address import selection
from app.address.standing import SHARED, stand, standing
from app.inputs.crop import split
from app.inputs.pictures import Picture, PictureGoneError
from app.inputs.sentences import sentence
from app.jobs.backend import Backend
from app.jobs.owners import mark
from app.parts.uploads import bring

UPLOAD = "upload/"


def arrive(page: str, backend: Backend) -> str:
    """Takes the shared picture of the link that a visit began with, once; why not, or nothing.

    From then on it is like an upload of this session's own, under the same link as long as that holds.
    """
    wanted = selection.arrived(page).get(SHARED, "")
    if not wanted or st.session_state.get("shared_taken") == wanted:
        return ""
    st.session_state["shared_taken"] = wanted
    token, _ = split(wanted)
    try:
        found = backend.shared.find(token)
    except PictureGoneError as error:
        stand(SHARED, None)
        return sentence(error)
    # The digest of the file stands behind the mark of whoever brought it.
    owner = mark(selection.owner("upload"))
    key = UPLOAD + owner + found.picture.key.removeprefix(UPLOAD)[len(owner) :]
    backend.uploads.put(key, replace(found.picture, key=key))
    bring(key)
    links()[key] = (token, found.ends)
    st.session_state["source"] = "upload"
    # What stands behind the token: the part that is used, and the object that was drawn.
    selection.change(picture=key + wanted[len(token) :])
    follow(backend)
    return ""


def follow(backend: Backend) -> None:
    """Keeps the address in step: it holds the picture that is looked at if that is shared, and no other."""
    picture = selection.selection().picture
    key, _ = split(picture)
    token, _ = links().get(key, ("", 0.0))
    if token and not backend.shared.is_there(token):
        del links()[key]
        token = ""
    now = token and token + picture[len(key) :]
    if standing().get(SHARED, "") != now:
        stand(SHARED, now)


def links() -> dict[str, tuple[str, float]]:
    """Of this session's shared pictures, by key: the part of the link, and until when it holds."""
    return st.session_state.setdefault("shared", {})


def share(backend: Backend, picture: Picture) -> None:
    """Raises ValueError, one sentence."""
    links()[picture.key] = backend.shared.share(picture)
    follow(backend)


def withdraw(backend: Backend, key: str) -> None:
    token, _ = links().pop(key)
    backend.shared.withdraw(token)
    follow(backend)
