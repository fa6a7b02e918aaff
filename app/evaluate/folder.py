"""Somebody's own pictures with boxes around their subjects."""

from dataclasses import replace

import streamlit as st

from app.inputs.sentences import foreign, sentence
from app.sidebar.controls import PICTURE_MEGABYTES
from app.words import counted
from explainers.datasets.boxes import read_box_files
from explainers.datasets.pictures import EXTENSIONS
from explainers.evaluation.pictures import Folder, read_folder
from explainers.storage.digest import digest

MAX_FILES = 200
# As large a data set's list of them is read in a second; a million would take a minute in which nobody can cancel.
MAX_BOXES = 100_000
# Sentences of one kind; more would push the rest of the page away.
NOTES = 4
BOXES_HELP = (
    "A CSV with the columns name, x0, y0, x1, y1 or name, x, y, width, height (from the upper left corner, in pixels "
    "of the picture as its file stores it, or in shares of its sides), or name, x_center, y_center, width, height; "
    "COCO's JSON; or YOLO's text files, one for each picture. Where two pictures are called alike, names need their "
    "folders. Without boxes there is no localisation, only descriptive accuracy."
)


def folder_control() -> Folder | None:
    """The pictures that were uploaded; None until some are there that can be used."""
    st.file_uploader(
        f"Pictures (at most {MAX_FILES})",
        type=list(EXTENSIONS),
        accept_multiple_files=True,
        key="w_eval_files",
        max_upload_size=PICTURE_MEGABYTES,
        on_change=_take_folder,
        help="PNG, JPEG, WebP, BMP, GIF or TIFF. They stay in this computer's memory and are sent nowhere.",
    )
    st.file_uploader(
        "Boxes (CSV, COCO JSON or YOLO text), optional",
        type=["csv", "json", "txt"],
        accept_multiple_files=True,
        key="w_eval_boxes",
        max_upload_size=PICTURE_MEGABYTES,
        on_change=_take_folder,
        help=BOXES_HELP,
    )
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
    files = st.session_state.get("w_eval_files") or []
    boxes = st.session_state.get("w_eval_boxes") or []
    try:
        # The uploader's own limit is only enforced by the browser.
        for file in (*files, *boxes):
            if file.size > PICTURE_MEGABYTES * 2**20:
                raise ValueError(f"expected files of at most {PICTURE_MEGABYTES} MB, got a larger one; choose another")
        found = read_box_files([(file.name, file.getvalue()) for file in boxes], MAX_BOXES)
        if not files:
            return
        if len(files) > MAX_FILES:
            raise ValueError(f"expected at most {MAX_FILES} pictures, got {len(files)}; choose fewer")
        data = [(file.name, file.getvalue()) for file in files]
        key = digest(*(part for pair in data for part in pair), repr(sorted(found.items())), repr(found.sizes))
        folder, problems = read_folder(data, found, key)
        folder = replace(folder, notes=tuple(map(foreign, folder.notes)))
    except ValueError as error:
        st.session_state["evaluate_error"] = foreign(sentence(error))
        return
    st.session_state["evaluate_folder"], st.session_state["evaluate_problems"] = folder, tuple(map(foreign, problems))
