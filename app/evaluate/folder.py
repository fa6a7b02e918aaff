"""Somebody's own pictures with boxes around their subjects."""

from dataclasses import replace

import streamlit as st

from app.inputs.sentences import foreign, sentence
from app.sidebar.own_files import NOTES, uploaded, uploaders
from app.words import counted
from explainers.evaluation.pictures import Folder, read_folder
from explainers.storage.digest import digest

WITHOUT_BOXES = "Without boxes there is no localisation, only descriptive accuracy."


def folder_control() -> Folder | None:
    """The pictures that were uploaded; None until some are there that can be used."""
    uploaders("eval", _take_folder, WITHOUT_BOXES)
    if message := st.session_state.get("evaluate_error"):
        st.error(message)
        return None
    folder: Folder | None = st.session_state.get("evaluate_folder")
    if folder is None:
        st.caption("Choose the files of your pictures, and a file with a box for each of them.")
        return None
    with_box = sum(box is not None for box in folder.boxes)
    st.caption(f"{counted(len(folder), 'picture')}, {with_box} with a box.")
    for problem in st.session_state.get("evaluate_problems", ())[:NOTES]:
        st.warning(problem)
    for note in folder.notes[:NOTES]:
        st.caption(note)
    return folder


def _take_folder() -> None:
    for key in ("evaluate_folder", "evaluate_error", "evaluate_problems"):
        st.session_state.pop(key, None)
    try:
        data, found = uploaded("eval")
        if not data:
            return
        key = digest(*(part for pair in data for part in pair), repr(sorted(found.items())), repr(found.sizes))
        folder, problems = read_folder(data, found, key)
        folder = replace(folder, notes=tuple(map(foreign, folder.notes)))
    except ValueError as error:
        st.session_state["evaluate_error"] = foreign(sentence(error))
        return
    st.session_state["evaluate_folder"], st.session_state["evaluate_problems"] = folder, tuple(map(foreign, problems))
