"""What is looked at on this page, in step with the address bar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import streamlit as st

from app.address import links, selection
from app.address.record import AddressRecord
from app.flow import known
from app.flow.known import Variant
from explainers.methods.entropies import CID_NAME

UNITS = {"nats": "nats", "bits": "bits"}
QUANTITIES = {
    "input": "I(X;T)",
    "label": "I(Y;T)",
    "binned": "Binned",
    "distance": "Distances",
    "cosine": "Cosine",
    "radius": "Radius",
    "purity": "Purity",
    CID_NAME: "CID",
    "training": "Training",
}
# For estimates on snapshots: noise, and numbers of samples. 0: the network's own.
NOISES = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
SAMPLES = (64, 128, 256, 512, 1024, 2048)
ALL = "all"


@dataclass(frozen=True)
class Choice(AddressRecord):
    """An experiment, one of its networks by kind and noise, and what is shown of it.

    `sigma` None: the least noise of its kind; `layer` ALL or a layer's name; `epoch` -1: the last; `width` -1: the
    widest of the bins but one. `deterministic`: the network without noise instead. `noise` and `samples` are those of
    new estimates, `noise` 0 the network's own.

    >>> Choice("spirals", layer="3", epoch=10).to_query()
    {'experiment': 'spirals', 'at': '3', 'epoch': '10'}
    """

    NAMES = MappingProxyType({"kind": "variant", "layer": "at", "show": "curves"})

    experiment: str = "bits"
    kind: str = ""
    sigma: float | None = None
    layer: str = ALL
    epoch: int = -1
    width: float = -1.0
    show: str = "input"
    unit: str = "nats"
    deterministic: bool = False
    noise: float = 0.0
    samples: int = 512

    @staticmethod
    def from_query(query: Mapping[str, str]) -> "Choice":
        """The choice in an address; values that make no sense are left at their defaults.

        >>> Choice.from_query({"experiment": "bits", "sigma": "0.02", "at": "9", "epoch": "3", "unit": "bits"})
        Choice(experiment='bits', kind='', sigma=0.02, layer='all', epoch=3, width=-1.0, show='input', unit='bits', \
deterministic=False, noise=0.0, samples=512)
        """
        chosen: dict[str, Any] = {}

        def take(name: str, options: Sequence[Any]) -> None:
            written = query.get(Choice.NAMES.get(name, name), "")
            if found := [value for value in options if links.same(links.text(value), written)]:
                chosen[name] = found[0]

        take("experiment", known.SHOWN)
        experiment = chosen.get("experiment", Choice.experiment)
        take("kind", list(known.kinds(experiment)))
        kind = chosen.get("kind", next(iter(known.kinds(experiment))))
        take("sigma", known.sigmas(experiment, kind))
        now = Choice(experiment, kind, chosen.get("sigma"))
        take("layer", [ALL, *known.layers(now.variant.recipe)])
        take("epoch", known.epochs(now.variant.recipe))
        take("width", known.widths(experiment))
        take("show", list(QUANTITIES))
        take("unit", list(UNITS))
        take("deterministic", (False, True))
        take("noise", NOISES)
        take("samples", counts(now.variant.recipe))
        return Choice(**chosen)

    @property
    def variant(self) -> Variant:
        """The network that is chosen."""
        kind = self.kind or next(iter(known.kinds(self.experiment)))
        sigmas = known.sigmas(self.experiment, kind)
        return known.variant_of(self.experiment, kind, sigmas[0] if self.sigma is None else self.sigma)

    @property
    def at(self) -> int:
        """The epoch that is shown."""
        return known.epochs(self.variant.recipe)[-1] if self.epoch < 0 else self.epoch

    @property
    def n(self) -> int:
        """How many samples new estimates look at: the number that is chosen, or the most that there are."""
        known_counts = counts(self.variant.recipe)
        return max((count for count in known_counts if count <= self.samples), default=known_counts[0])

    @property
    def bins(self) -> float | None:
        """The width of bins; None where the experiment has none."""
        widths = known.widths(self.experiment)
        return (widths[-2] if self.width < 0 else self.width) if widths else None


def counts(recipe: str) -> tuple[int, ...]:
    """The numbers of samples that there are of a network's problem; all of them where they are few.

    >>> counts("neuron-tanh"), counts("spirals-tanh")[-1]
    ((4,), 1024)
    """
    most = known.inputs(recipe)
    return tuple(count for count in SAMPLES if count <= most) or (most,)


def choice() -> Choice:
    """This session's choice; on the first visit what the address bar says."""
    if "flow_choice" not in st.session_state:
        st.session_state["flow_choice"] = Choice.from_query(selection.arrived("flow"))
    return st.session_state["flow_choice"]


def change(**values: Any) -> None:
    """Replaces the choice by one with other values; what another experiment or network does not have is left out."""
    now = replace(choice(), **values)
    if "experiment" in values:
        now = replace(now, kind="", sigma=None, width=-1.0)
    if "kind" in values:
        now = replace(now, sigma=None)
    recipe = now.variant.recipe
    if now.layer not in (ALL, *known.layers(recipe)):
        now = replace(now, layer=ALL)
    if now.epoch not in known.epochs(recipe):
        now = replace(now, epoch=-1)
    st.session_state["flow_choice"] = now
