"""Somebody's own pictures to train a decoder on: files, or a zip of a folder."""

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator

import streamlit as st

from app.inputs.sentences import foreign, sentence
from app.sidebar.picture import PICTURE_MEGABYTES
from app.words import counted
from explainers.checkpoints.archives import TooManyEntries, open_archive
from explainers.datasets.pictures import EXTENSIONS
from explainers.decoders.pictures import LEAST, PictureSource
from explainers.evaluation.pictures import read_folder
from explainers.storage.digest import digest

MAX_FILES = 200
# Folders and what systems hide in them are listed as well.
MAX_LISTED = 4 * MAX_FILES
ZIP_MEGABYTES = 100
# A zip of a few kilobytes may unfold to any size.
TOGETHER_MEGABYTES = 200
HELP = (
    f"PNG, JPEG, WebP, BMP, GIF or TIFF, or a zip of a folder of them; {LEAST} to {MAX_FILES} pictures. They stay in "
    "this computer's memory and are sent nowhere."
)


def own_pictures(place: str) -> PictureSource | None:
    """The pictures that this session has uploaded; None until there are enough that can be used."""
    st.file_uploader(
        f"Pictures or a zip ({LEAST} to {MAX_FILES} pictures)",
        type=[*EXTENSIONS, ".zip"],
        accept_multiple_files=True,
        key=f"w_decoder_files_{place}",
        max_upload_size=ZIP_MEGABYTES,
        on_change=_take,
        args=(f"w_decoder_files_{place}",),
        help=HELP,
    )
    if message := st.session_state.get("decoder_error"):
        st.error(message)
        return None
    source: PictureSource | None = st.session_state.get("decoder_source")
    if source is None:
        st.caption("Choose pictures like those that you want to explain: a decoder gives back what it has seen.")
        return None
    note = st.session_state.get("decoder_left_out", 0)
    left_out = f"; {note} could not be read" if note else ""
    st.caption(f"{counted(len(source), 'picture')}, {source.held_out} of them held out to measure the error{left_out}.")
    return source


def _take(key: str) -> None:
    for name in ("decoder_source", "decoder_error", "decoder_left_out"):
        st.session_state.pop(name, None)
    files = st.session_state.get(key) or []
    if not files:
        return
    try:
        data = gather((file.name, file.getvalue()) for file in files)
        key = digest(*(part for pair in data for part in pair))
        folder, problems = read_folder(data, {}, key)
        st.session_state["decoder_source"] = PictureSource(key, folder.images)
        st.session_state["decoder_left_out"] = len(problems)
    except ValueError as error:
        st.session_state["decoder_error"] = foreign(sentence(error))


def gather(files: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Names and bytes of the pictures in files and zips. Raises ValueError, one sentence, as soon as it is too much."""
    found, size = [], 0
    for name, data in files:
        for picture in _pictures(name, data):
            found.append(picture)
            size += len(picture[1])
            if len(found) > MAX_FILES:
                raise ValueError(f"expected at most {MAX_FILES} pictures, got more; choose fewer")
            if size > TOGETHER_MEGABYTES << 20:
                raise ValueError(f"expected at most {TOGETHER_MEGABYTES} MB of pictures, got more; choose fewer")
    return found


def _pictures(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    if name.lower().endswith(".zip"):
        yield from unzip(data)
        return
    # The uploader's own limit is only enforced by the browser.
    if len(data) > PICTURE_MEGABYTES << 20:
        raise ValueError(f"expected pictures of at most {PICTURE_MEGABYTES} MB, got a larger one; choose another")
    yield name, data


def unzip(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of the pictures in a zip, one after the other, hidden files left out; nothing goes to disk.

    Raises ValueError, one sentence, for what is no zip, is damaged or locked, or unfolds to too much.
    """
    if len(data) > ZIP_MEGABYTES << 20:
        raise ValueError(f"expected a zip of at most {ZIP_MEGABYTES} MB, got a larger one; choose fewer pictures")
    try:
        with open_archive(io.BytesIO(data), MAX_LISTED) as archive:
            found = [info for info in archive.infolist() if _is_picture(info)]
            if len(found) > MAX_FILES:
                raise ValueError(f"expected at most {MAX_FILES} pictures, got {len(found)} in a zip; choose fewer")
            for info in found:
                yield info.filename, _unfold(archive, info)
    except TooManyEntries:
        raise ValueError(f"expected at most {MAX_FILES} pictures, got a zip of many more files; choose fewer") from None
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error):
        raise ValueError("expected a zip of pictures, got a damaged or locked one; pack it again") from None


def _unfold(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    # What the header says of the size need not be true.
    with archive.open(info) as file:
        data = file.read((PICTURE_MEGABYTES << 20) + 1)
    if len(data) > PICTURE_MEGABYTES << 20:
        raise ValueError(f"expected pictures of at most {PICTURE_MEGABYTES} MB, got a larger one; choose another")
    return data


def _is_picture(info: zipfile.ZipInfo) -> bool:
    parts = info.filename.replace("\\", "/").split("/")
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return not info.is_dir() and not hidden and parts[-1].lower().endswith(EXTENSIONS)
