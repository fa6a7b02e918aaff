"""What is compared with what, in step with the address bar; and what is wrong with a link."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import streamlit as st

from app import state
from app.backend import networks
from app.crop import split
from app.pictures import THUMBNAIL, PictureGoneError, find_picture
from app.sentences import foreign
from explainers.results import METHODS as SOLVERS

METRICS = ("cid", "ru")
CURVES = ("quick", "full")
SCALES = ("pair", "fixed")
NUMBERS = {"beta": "the strength β", "grid": "the grid", "seed": "the seed"}
PICKED = {"metric": METRICS, "curve": CURVES, "scale": SCALES}
OPTIONS = {
    "metric": ("metric", METRICS),
    "curve": ("kind of curve", CURVES),
    "scale": ("scale", SCALES),
    "method": ("solver", SOLVERS),
    "refine": ("refinement", ("True", "False")),
}
LONGEST = 40


@dataclass(frozen=True)
class Choice:
    """What this page adds to the selection that all pages share, whose network is A.

    `other` is network B (None: one that is suggested); `partner` the layer of B chosen by hand for the layer `of` of A;
    `metric` "cid" or "ru"; `curve` "quick", the closed form, or "full", with the settings of the map; `scale` of the
    two maps "pair", fitted to them, or "fixed", the metric's own.
    """

    other: str | None = None
    partner: str | None = None
    of: str | None = None
    metric: str = "cid"
    curve: str = "quick"
    scale: str = "pair"

    def partner_of(self, layer: str | None) -> str | None:
        """The partner chosen for this layer; one chosen for another does not count."""
        return self.partner if layer == self.of else None

    def to_query(self, layer: str | None) -> dict[str, str]:
        """The address bar's parameters beside those of the selection, without uploads.

        >>> Choice("vgg16-birds", "conv1-1", "conv1", "ru").to_query("conv1")
        {'other': 'vgg16-birds', 'partner': 'conv1-1', 'metric': 'ru'}
        """
        values = asdict(self) | {"partner": self.partner_of(layer)}
        plain = asdict(Choice())
        return {
            name: value
            for name, value in values.items()
            if name != "of" and value != plain[name] and not value.startswith(state.PRIVATE)
        }

    @staticmethod
    def from_query(query: Mapping[str, str]) -> "Choice":
        """The choice in an address; values that make no sense are left at their defaults.

        >>> Choice.from_query({"other": "vgg16-birds", "metric": "sid"}) == Choice("vgg16-birds")
        True
        """
        known = {entry.name for entry in networks()}
        return Choice(
            other=query["other"] if query.get("other") in known else None,
            partner=query.get("partner"),
            of=query.get("layer") if "partner" in query else None,
            **{name: query[name] for name, known in PICKED.items() if query.get(name) in known},
        )


def choice() -> Choice:
    """This session's choice; on the first visit what the address bar says, with what is wrong with it as a fault."""
    if "compare" not in st.session_state:
        query = st.query_params.to_dict()
        st.session_state["compare"] = Choice.from_query(query)
        for text in faults(query):
            add_fault(text)
        if state.selection().picture != state.Selection().picture and _picture_fault(query):
            state.change(picture=state.Selection().picture)
    return st.session_state["compare"]


def change(**values: object) -> None:
    st.session_state["compare"] = replace(choice(), **values)


def faults(query: Mapping[str, str]) -> list[str]:
    """What an address asks for that there is not, a clause each; its layers are looked at once their networks are here.

    >>> faults({"network": "vgg16-birds", "metric": "cid", "beta": "0.001"}), faults({"seed": "-1"})
    ([], ["the seed '-1'"])
    """
    known, kept = [entry.name for entry in networks()], state.Selection.from_query(query)
    wrong = [
        f"network {letter} '{_brief(query[name])}'"
        for name, letter in (("network", "A"), ("other", "B"))
        if query.get(name, known[0]) not in known
    ]
    wrong += [
        f"{words} '{_brief(query[name])}'"
        for name, words in NUMBERS.items()
        if name in query and not _is_number(query[name], getattr(kept, name))
    ]
    wrong += [
        f"the {words} '{_brief(query[name])}'"
        for name, (words, options) in OPTIONS.items()
        if query.get(name, options[0]) not in options
    ]
    return wrong + _picture_fault(query)


def _is_number(text: str, kept: float | None) -> bool:
    try:
        return float(text) == kept
    except ValueError:
        return False


def _picture_fault(query: Mapping[str, str]) -> list[str]:
    key = query.get("picture", state.Selection().picture)
    if key.startswith("upload/"):
        return ["a picture that somebody uploaded"]
    try:
        find_picture(split(key)[0], THUMBNAIL)
    except PictureGoneError:
        return [f"the picture '{_brief(key)}'"]
    return []


def _brief(text: str) -> str:
    """A quotation from the address as plain text, shortened."""
    return foreign(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")


def add_fault(text: str) -> None:
    """Remembers what is wrong with the link."""
    st.session_state.setdefault("compare_faults", {})[text] = None


def add_missing_layer(name: str, letter: str, title: str) -> None:
    """Remembers that a network has no layer that the link names."""
    add_fault(f"the layer '{_brief(name)}' of {letter}, {title}")


def link_notice(settled: bool) -> str:
    """One sentence on what is wrong with the link; empty once the reader has changed something.

    `settled`: the address bar already says what is shown instead.
    """
    found = list(st.session_state.get("compare_faults", ()))
    address = st.query_params.to_dict()
    if settled and found and st.session_state.setdefault("compare_fallback", address) != address:
        st.session_state["compare_faults"] = {}
        return ""
    asked = f"This link asks for {', '.join(found)}, which is not offered here; "
    return asked + "the usual choice stands in its place." if found else ""
