"""Files of somebody's own pictures, and of the boxes around their subjects, as they come from the browser."""

from collections.abc import Callable

import streamlit as st

from app.sidebar.picture import PICTURE_MEGABYTES
from explainers.datasets.boxes import Boxes, read_box_files
from explainers.datasets.pictures import EXTENSIONS

MAX_FILES = 200
# As large a data set's list of them is read in a second; a million would take a minute in which nobody can cancel.
MAX_BOXES = 100_000
# Sentences of one kind; more would push the rest of the page away.
NOTES = 4
FILES_HELP = "PNG, JPEG, WebP, BMP, GIF or TIFF. They stay in this computer's memory and are sent nowhere."
BOXES_HELP = (
    "A CSV with the columns name, x0, y0, x1, y1 or name, x, y, width, height (from the upper left corner, in pixels "
    "of the picture as its file stores it, or in shares of its sides), or name, x_center, y_center, width, height; "
    "COCO's JSON; or YOLO's text files, one for each picture. Where two pictures are called alike, names need their "
    "folders. "
)


def uploaders(page: str, take: Callable[[], None], without: str) -> None:
    """Both controls of a page; `take` runs when files have come or gone, `without` says what lacks without boxes."""
    st.file_uploader(
        f"Pictures (at most {MAX_FILES})",
        type=list(EXTENSIONS),
        accept_multiple_files=True,
        key=f"w_{page}_files",
        max_upload_size=PICTURE_MEGABYTES,
        on_change=take,
        help=FILES_HELP,
    )
    st.file_uploader(
        "Boxes (CSV, COCO JSON or YOLO text), optional",
        type=["csv", "json", "txt"],
        accept_multiple_files=True,
        key=f"w_{page}_boxes",
        max_upload_size=PICTURE_MEGABYTES,
        on_change=take,
        help=BOXES_HELP + without,
    )


def uploaded(page: str) -> tuple[list[tuple[str, bytes]], Boxes]:
    """Names and bytes of the pictures, and the boxes. Raises ValueError, one sentence."""
    files = st.session_state.get(f"w_{page}_files") or []
    boxes = st.session_state.get(f"w_{page}_boxes") or []
    # The uploader's own limit is only enforced by the browser.
    for file in (*files, *boxes):
        if file.size > PICTURE_MEGABYTES * 2**20:
            raise ValueError(f"expected files of at most {PICTURE_MEGABYTES} MB, got a larger one; choose another")
    found = read_box_files([(file.name, file.getvalue()) for file in boxes], MAX_BOXES)
    if len(files) > MAX_FILES:
        raise ValueError(f"expected at most {MAX_FILES} pictures, got {len(files)}; choose fewer")
    return [(file.name, file.getvalue()) for file in files], found
