"""What is compared with what, in step with the address bar."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import streamlit as st

from app.address import selection
from app.address.links import texts
from app.address.pixels import read
from app.jobs.backend import networks
from explainers.methods.entropies import CID_NAME, ENTROPIES

METRICS = tuple(ENTROPIES)
CURVES = ("quick", "full")
SCALES = ("pair", "fixed")
PICKED = {"metric": METRICS, "curve": CURVES, "scale": SCALES}


@dataclass(frozen=True)
class Choice:
    """What this page adds to the selection that all pages share, whose network is A.

    `other` is network B (None: one that is suggested); `partner` the layer of B chosen by hand for the layer `of` of A;
    `metric` one of METRICS; `curve` "quick", the closed form, or "full", with the settings of the map; `scale` of the
    two maps "pair", fitted to them, or "fixed", the metric's own; `pin`: row and column of the pixel that stays marked.
    """

    other: str | None = None
    partner: str | None = None
    of: str | None = None
    metric: str = CID_NAME
    curve: str = "quick"
    scale: str = "pair"
    pin: str = ""

    def partner_of(self, layer: str | None) -> str | None:
        """The partner chosen for this layer; one chosen for another does not count."""
        return self.partner if layer == self.of else None

    def to_query(self, layer: str | None) -> dict[str, str]:
        """The address bar's parameters beside those of the selection, of uploads the kind alone.

        >>> Choice("vgg16-birds", "conv1-1", "conv1", "ru").to_query("conv1")
        {'other': 'vgg16-birds', 'partner': 'conv1-1', 'metric': 'ru'}
        """
        values = asdict(self) | {"partner": self.partner_of(layer)}
        plain = asdict(Choice())
        return {
            name: selection.public(value)
            for name, value in values.items()
            if name != "of" and value and value != plain[name]
        }

    def texts(self) -> dict[str, str]:
        """All of it as the address holds it."""
        return texts(asdict(self))

    @staticmethod
    def from_query(query: Mapping[str, str]) -> "Choice":
        """The choice in an address; values that make no sense are left at their defaults.

        >>> Choice.from_query({"other": "vgg16-birds", "metric": "sid"}) == Choice("vgg16-birds")
        True
        """
        known = {entry.name for entry in networks()} | selection.PLACES.keys() - {"upload"}
        other = query["other"] if query.get("other") in known else None
        return Choice(
            other=other and selection.PLACES.get(other, other),
            partner=query.get("partner"),
            of=query.get("layer") if "partner" in query else None,
            pin=query["pin"] if read(query.get("pin", "")) else "",
            **{name: query[name] for name, known in PICKED.items() if query.get(name) in known},
        )


def choice() -> Choice:
    """This session's choice; on the first visit what the address bar says."""
    if "compare" not in st.session_state:
        st.session_state["compare"] = Choice.from_query(selection.arrived("compare"))
    return st.session_state["compare"]


def change(**values: object) -> None:
    st.session_state["compare"] = replace(choice(), **values)
