"""What is to be judged: methods, pictures with boxes, and how pixels are removed."""

from dataclasses import dataclass, replace

import streamlit as st

from app.backend import sentence
from app.controls import PICTURE_MEGABYTES
from app.store import digest
from explainers import CIDSettings
from explainers.datasets.boxes import read_boxes
from explainers.evaluation import REPLACEMENTS
from explainers.studies.evaluate_methods import CID_NAME, MapSettings, method_notes, title
from explainers.studies.evaluate_randomised import RandomisationSettings
from explainers.studies.evaluate_scores import EvaluationSettings
from explainers.studies.evaluate_stability import StabilitySettings
from explainers.studies.evaluation_data import Birds, Folder, read_folder

COUNTS = (12, 24, 50, 100, 200)
MAX_FILES = 200
CHECKED = (4, 8, 16, 32)
WAYS = {"scores": "Accuracy and boxes", "randomisation": "Randomised weights", "stability": "Small changes"}
WAYS_HELP = (
    "Accuracy and boxes: do maps find what the network needs, and what a person would point at? Randomised weights: do "
    "they depend on what the network has learnt? Small changes: do they stay when the picture hardly changes?"
)
SOURCES = {"birds": "Rendered birds", "folder": "Your own"}
BIRDS_NOTE = (
    "Birds that no network has seen in training, each with the exact box around it. Networks trained on these "
    "birds are asked for the species; every other network for what it answers to the whole picture."
)
BOXES_HELP = (
    "A CSV with the columns name, x0, y0, x1, y1 or name, x, y, width, height (pixels of the picture, from its upper "
    "left corner), or COCO's JSON. Without boxes there is no localisation, only descriptive accuracy."
)
REPLACEMENT_HELP = (
    "What a removed pixel shows instead: the picture's mean colour; the picture, blurred until shapes are gone; or "
    "noise with the picture's mean and spread. Scores of different replacements cannot be compared."
)
MAGNITUDE_HELP = (
    "Some maps have signs: above zero speaks for the class, below zero against it. Off: what speaks against the class "
    "counts as least important. On: pixels are ranked by the size of the value alone."
)
REFINE_HELP = (
    "Off: the closed form of CID and RU, quick, exact where the layer is linear. On: corrected until the constraint "
    "holds, which takes many times as long; scores use the order of the pixels only."
)


@dataclass(frozen=True)
class Choice:
    """What the reader has chosen on this page."""

    methods: tuple[str, ...] = (CID_NAME, "grad_cam", "lrp", "saliency", "input_x_gradient", "random")
    source: str = "birds"
    count: int = 24
    replacement: str = "mean"
    magnitude: bool = False
    refine: bool = False
    way: str = "scores"
    checked: int = 8

    def settings(self, beta: float, seed: int) -> dict[str, MapSettings]:
        """Those of each way of judging."""
        cid = CIDSettings(beta=beta, refine=self.refine, seed=seed)
        common = {"magnitude": self.magnitude, "seed": seed, "cid": cid}
        return {
            "scores": EvaluationSettings(replacement=self.replacement, **common),
            "randomisation": RandomisationSettings(pictures=self.checked, **common),
            "stability": StabilitySettings(pictures=self.checked, **common),
        }


def choice() -> Choice:
    """This session's choice."""
    return st.session_state.setdefault("evaluate_choice", Choice())


def methods_control() -> None:
    """Which methods, each explained in a sentence below."""
    notes = method_notes()
    st.session_state["w_eval_methods"] = [name for name in notes if name in choice().methods]
    st.pills(
        "Methods",
        list(notes),
        format_func=title,
        selection_mode="multi",
        key="w_eval_methods",
        on_change=_take,
        args=("methods",),
        help="The maps to be judged. Those of a layer look at the layer chosen on the left.",
    )
    with st.expander("What each method shows", key="eval_notes"):
        st.markdown("\n".join(f"- **{title(name)}.** {note}" for name, note in notes.items()))


def way_control() -> None:
    """How methods are judged, and on how many of the pictures."""
    _bound("way")
    with st.container(horizontal=True, vertical_alignment="bottom", key="eval_ways"):
        st.segmented_control(
            "Judged by",
            list(WAYS),
            format_func=WAYS.__getitem__,
            key="w_eval_way",
            on_change=_take,
            args=("way",),
            required=True,
            help=WAYS_HELP,
        )
        if choice().way != "scores":
            _bound("checked")
            st.segmented_control(
                "on so many of the pictures",
                CHECKED,
                key="w_eval_checked",
                on_change=_take,
                args=("checked",),
                required=True,
                help="Every picture needs several maps of each method: nine as weights are randomised, or six changed.",
            )


def removal_control() -> None:
    """Replacement, signs and refinement."""
    _bound("replacement")
    st.segmented_control(
        "Removed pixels show",
        list(REPLACEMENTS),
        format_func={"mean": "Mean", "blur": "Blur", "noise": "Noise"}.__getitem__,
        key="w_eval_replacement",
        on_change=_take,
        args=("replacement",),
        required=True,
        disabled=choice().way != "scores",
        width="stretch",
        help=REPLACEMENT_HELP,
    )
    _bound("magnitude")
    st.toggle(
        "Signed maps by magnitude", key="w_eval_magnitude", on_change=_take, args=("magnitude",), help=MAGNITUDE_HELP
    )
    _bound("refine")
    st.toggle("Refine CID and RU", key="w_eval_refine", on_change=_take, args=("refine",), help=REFINE_HELP)


def data_control() -> Birds | Folder | None:
    """The pictures; None until somebody's own ones are there."""
    _bound("source")
    st.segmented_control(
        "Pictures",
        list(SOURCES),
        format_func=SOURCES.__getitem__,
        key="w_eval_source",
        on_change=_take,
        args=("source",),
        required=True,
        width="stretch",
        help=BIRDS_NOTE,
    )
    if choice().source == "birds":
        _bound("count")
        st.select_slider(
            "Number of pictures",
            COUNTS,
            key="w_eval_count",
            on_change=_take,
            args=("count",),
            help="More pictures: narrower intervals, and proportionally more time.",
        )
        return Birds(choice().count)
    return _folder_control()


def _folder_control() -> Folder | None:
    st.file_uploader(
        f"Pictures (at most {MAX_FILES})",
        accept_multiple_files=True,
        key="w_eval_files",
        max_upload_size=PICTURE_MEGABYTES,
        on_change=_take_folder,
        help="PNG, JPEG, WebP, BMP, GIF or TIFF. They stay in this computer's memory and are sent nowhere.",
    )
    st.file_uploader(
        "Boxes (CSV or COCO JSON), optional",
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
    st.caption(f"{len(folder)} pictures, {with_box} with a box.")
    for problem in st.session_state.get("evaluate_problems", ())[:3]:
        st.warning(problem)
    return folder


def _take_folder() -> None:
    for key in ("evaluate_folder", "evaluate_error", "evaluate_problems"):
        st.session_state.pop(key, None)
    files = st.session_state.get("w_eval_files") or []
    boxes = st.session_state.get("w_eval_boxes")
    try:
        # The uploader's own limit is only enforced by the browser.
        for file in (*files, *([boxes] if boxes else [])):
            if file.size > PICTURE_MEGABYTES * 2**20:
                raise ValueError(f"expected files of at most {PICTURE_MEGABYTES} MB, got a larger one; choose another")
        found = read_boxes(boxes.getvalue()) if boxes is not None else {}
        if not files:
            return
        if len(files) > MAX_FILES:
            raise ValueError(f"expected at most {MAX_FILES} pictures, got {len(files)}; choose fewer")
        data = [(file.name, file.getvalue()) for file in files]
        key = digest(*(part for pair in data for part in pair), repr(sorted(found.items())))
        folder, problems = read_folder(data, found, key)
    except ValueError as error:
        st.session_state["evaluate_error"] = sentence(error)
        return
    st.session_state["evaluate_folder"], st.session_state["evaluate_problems"] = folder, problems


def _bound(name: str) -> None:
    st.session_state[f"w_eval_{name}"] = getattr(choice(), name)


def _take(name: str) -> None:
    value = st.session_state[f"w_eval_{name}"]
    st.session_state["evaluate_choice"] = replace(choice(), **{name: tuple(value) if name == "methods" else value})
