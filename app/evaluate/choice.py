"""What is to be judged: methods, pictures with boxes, and how pixels are removed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import streamlit as st

from app.address import selection
from app.address.links import listed
from app.address.record import AddressRecord
from app.evaluate.folder import folder_control
from app.parts import link_notice
from app.parts.bound import segments, steps, switch, taker
from explainers import CIDSettings
from explainers.evaluation.measures import REPLACEMENTS
from explainers.evaluation.methods import CID_NAME, MapSettings, method_notes, title
from explainers.evaluation.pictures import Birds, Folder
from explainers.evaluation.randomised import RandomisationSettings
from explainers.evaluation.scores import EvaluationSettings
from explainers.evaluation.stability import StabilitySettings

COUNTS = (12, 24, 50, 100, 200)
CHECKED = (4, 8, 16, 32)
WAYS = {"scores": "Accuracy and boxes", "randomisation": "Randomised weights", "stability": "Small changes"}
WAYS_HELP = (
    "Accuracy and boxes: do maps find what the network needs, and what a person would point at? Randomised weights: do "
    "they depend on what the network has learnt? Small changes: do they stay when the picture hardly changes?"
)
CHECKED_HELP = "Every picture needs several maps of each method: nine as weights are randomised, or six changed."
COUNT_HELP = "More pictures: narrower intervals, and proportionally more time."
SHOWN = {"mean": "Mean", "blur": "Blur", "noise": "Noise"}
SOURCES = {"birds": "Rendered birds", "folder": "Your own"}
BIRDS_NOTE = (
    "Birds that no network has seen in training, each with the exact box around it. Networks trained on these "
    "birds are asked for the species; every other network for what it answers to the whole picture."
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
class Choice(AddressRecord):
    """What the reader has chosen on this page.

    >>> Choice(methods=("cid", "lrp"), replacement="blur", refine=True).to_query()
    {'methods': 'cid lrp', 'removed': 'blur', 'refined': 'True'}
    """

    NAMES = MappingProxyType({"source": "data", "replacement": "removed", "refine": "refined", "way": "judged"})

    methods: tuple[str, ...] = (CID_NAME, "grad_cam", "lrp", "saliency", "input_x_gradient", "random")
    source: str = "birds"
    count: int = 24
    replacement: str = "mean"
    magnitude: bool = False
    refine: bool = False
    way: str = "scores"
    checked: int = 8

    @staticmethod
    def from_query(query: Mapping[str, str]) -> "Choice":
        """The choice in an address; values that make no sense are left at their defaults, methods are all taken.

        >>> Choice.from_query({"methods": "", "count": "50", "removed": "none"}) == Choice(methods=(), count=50)
        True
        """
        options = {
            "source": SOURCES,
            "count": COUNTS,
            "replacement": REPLACEMENTS,
            "magnitude": (False, True),
            "refine": (False, True),
            "way": WAYS,
            "checked": CHECKED,
        }
        asked = {name: query.get(Choice.NAMES.get(name, name)) for name in options}
        chosen = {name: value for name, known in options.items() for value in known if str(value) == asked[name]}
        if "methods" in query:
            chosen["methods"] = tuple(dict.fromkeys(query["methods"].split()))
        return Choice(**chosen)

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
    """This session's choice; on the first visit what the address bar says."""
    if "evaluate_choice" not in st.session_state:
        st.session_state["evaluate_choice"] = Choice.from_query(selection.arrived("evaluate"))
    return st.session_state["evaluate_choice"]


def change(**values: object) -> None:
    st.session_state["evaluate_choice"] = replace(choice(), **values)


def check_link() -> None:
    """Leaves out the methods that there are not."""
    kept, wrong = listed("evaluate", "methods", choice().methods, method_notes().__contains__)
    link_notice.blame(*wrong)
    if wrong:
        change(methods=kept or Choice().methods)


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
        on_change=_take_methods,
        help="The maps to be judged. Those of a layer look at the layer chosen on the left.",
    )
    with st.expander("What each method shows", key="eval_notes"):
        st.markdown("\n".join(f"- **{title(name)}.** {note}" for name, note in notes.items()))


def way_control() -> None:
    """How methods are judged, and on how many of the pictures."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="eval_ways"):
        _segmented("way", "Judged by", WAYS, WAYS_HELP)
        if choice().way != "scores":
            counts = {count: str(count) for count in CHECKED}
            _segmented("checked", "on so many of the pictures", counts, CHECKED_HELP)


def removal_control() -> None:
    """Replacement, signs and refinement."""
    away = choice().way != "scores"
    _segmented("replacement", "Removed pixels show", SHOWN, REPLACEMENT_HELP, wide=True, disabled=away)
    now = choice()
    switch("w_eval_magnitude", "Signed maps by magnitude", now.magnitude, taker(change, "magnitude"), MAGNITUDE_HELP)
    switch("w_eval_refine", "Refine CID and RU", now.refine, taker(change, "refine"), REFINE_HELP)


def data_control() -> Birds | Folder | None:
    """The pictures; None until somebody's own ones are there."""
    _segmented("source", "Pictures", SOURCES, BIRDS_NOTE, wide=True)
    if choice().source == "birds":
        counts = {count: str(count) for count in COUNTS}
        steps("w_eval_count", "Number of pictures", counts, choice().count, taker(change, "count"), COUNT_HELP)
        return Birds(choice().count)
    return folder_control()


def _segmented(
    name: str, label: str, titles: Mapping[Any, str], words: str, wide: bool = False, disabled: bool = False
) -> None:
    segments(f"w_eval_{name}", label, titles, getattr(choice(), name), taker(change, name), words, wide, disabled)


def _take_methods() -> None:
    change(methods=tuple(st.session_state["w_eval_methods"]))
