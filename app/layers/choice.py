"""Which curves are drawn, in step with the address bar."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import streamlit as st

from app.address import links, selection
from app.address.links import listed
from app.address.record import AddressRecord
from app.address.worlds import fitting
from app.jobs.backend import Backend, networks
from app.jobs.owners import owns
from app.parts import link_notice
from explainers import CIDSettings
from explainers.methods.entropies import CID_NAME, RU_NAME

MOST_NETWORKS = 8
# Each number of pictures takes in those before it, so that going on repeats nothing.
COUNTS = (1, 4, 12)
METRICS = {CID_NAME: "CID", RU_NAME: "RU", "concentration": "Concentration"}
# The method of a metric, and the column of a sweep's table that is drawn.
METHODS = {CID_NAME: CID_NAME, RU_NAME: RU_NAME, "concentration": CID_NAME}
COLUMNS = {CID_NAME: "mean", RU_NAME: "mean", "concentration": "concentration"}
QUANTITIES = {
    CID_NAME: "mean CID (nats per input variable)",
    RU_NAME: "mean RU (nats per input variable)",
    "concentration": "concentration of CID (nats)",
}
AXES = {"layer": "Layer", "depth": "Depth"}
SOURCES = {"birds": "Rendered birds", "own": "Your own", "table": "A sweep's table"}
# Small ones that go with whatever is chosen on the other pages.
COMPANIONS = ("resnet20-cifar10", "alexnet-birds", "resnet32-cifar10")
SUGGESTED = 3


@dataclass(frozen=True)
class Choice(AddressRecord):
    """What this page adds to the selection that all pages share, whose β and seed it takes.

    `networks` empty: those that are suggested; `metric` one of METRICS, of the first `count` pictures; `axis` one of
    AXES; `source` one of SOURCES; `refine`: refined maps, or their closed form; `second`: another β, or None.
    """

    NAMES = MappingProxyType({"axis": "x", "source": "data", "refine": "refined"})

    networks: tuple[str, ...] = ()
    metric: str = CID_NAME
    source: str = "birds"
    count: int = 4
    axis: str = "layer"
    refine: bool = True
    second: float | None = None

    def to_query(self) -> dict[str, str]:
        """What differs from the defaults; of what was uploaded, that it was.

        >>> Choice(("vgg16-birds", "own/1"), axis="depth", second=1e-3).to_query()
        {'networks': 'vgg16-birds own', 'x': 'depth', 'second': '0.001'}
        """
        return AddressRecord.to_query(replace(self, networks=tuple(map(selection.public, self.networks))))

    @staticmethod
    def from_query(query: Mapping[str, str]) -> "Choice":
        """The choice in an address; values that make no sense are left at their defaults, networks are all taken.

        >>> Choice.from_query({"metric": "ru", "count": "4711", "refined": "False", "second": "0.001"})
        Choice(networks=(), metric='ru', source='birds', count=4, axis='layer', refine=False, second=0.001)
        """
        options = {
            "metric": METRICS,
            "source": SOURCES,
            "count": COUNTS,
            "axis": AXES,
            "refine": (False, True),
        }
        asked = {name: query.get(Choice.NAMES.get(name, name), "") for name in options}
        chosen = {name: value for name, known in options.items() for value in known if links.text(value) == asked[name]}
        # However it is written.
        written = [beta for beta in selection.BETAS if links.same(f"{beta:g}", query.get("second", ""))]
        chosen["second"] = written[0] if written else None
        chosen["networks"] = selection.listed(query.get("networks", "").split())
        return Choice(**chosen)

    def settings(self, beta: float, seed: int) -> tuple[CIDSettings, ...]:
        """Those of each curve of a network."""
        betas = (beta,) if self.second in (None, beta) else (beta, self.second)
        return tuple(CIDSettings(beta=one, refine=self.refine, seed=seed) for one in betas)


def choice() -> Choice:
    """This session's choice; on the first visit what the address bar says."""
    if "layers_choice" not in st.session_state:
        st.session_state["layers_choice"] = Choice.from_query(selection.arrived("layers"))
    return st.session_state["layers_choice"]


def change(**values: object) -> None:
    """Replaces the choice by one with other values."""
    st.session_state["layers_choice"] = replace(choice(), **values)


def check_link(backend: Backend) -> None:
    """Leaves out the networks that there are not."""
    known = {entry.name for entry in networks()}

    def there(name: str) -> bool:
        return name in known or (backend.has_network(name) and owns(selection.owner("layers page"), name))

    wanted = link_notice.without_lost("networks", choice().networks, there)
    kept, wrong = listed("layers", "networks", wanted, there, MOST_NETWORKS)
    link_notice.blame(*wrong)
    if kept != choice().networks:
        change(networks=kept)


def shown_networks() -> tuple[str, ...]:
    """Those that are chosen, or else suggested: the one of the other pages where birds are for it, and small ones."""
    if choice().networks:
        return choice().networks
    own, bird = selection.selection().network, "bird/1"
    first = [own] if fitting(bird, own) == bird else []
    return tuple(dict.fromkeys([*first, *COMPANIONS]))[:SUGGESTED]
