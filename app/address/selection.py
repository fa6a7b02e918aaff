"""What the reader looks at: one frozen Selection per session, kept in step with the address bar."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import streamlit as st

from app.address import history
from app.address.standing import standing
from app.address.worlds import usual
from explainers.cid.results import METHODS

BETA = 1.5e-4
# Six steps a decade from 1e-6 to 1e-1; the paper's value is one of them.
BETAS = (*(float(f"{step}e{decade}") for decade in range(-6, -1) for step in (1, 1.5, 2, 3, 5, 7)), 0.1)
LIMIT_SEED = 9999
# Keys of what was uploaded begin so; they stay out of the address bar, which has a word in their place.
PRIVATE = ("upload/", "own/")
PLACES = {"upload": "upload/", "own": "own/"}
# Lists that may hold uploads.
LISTS = ("pictures", "networks")


@dataclass(frozen=True)
class Selection:
    """A network, a picture, a layer (None: one in the middle) and the settings of the solver.

    `network` is a name of the catalogue or "own/<digest>"; `picture` is "bird/<index>", "photo/<name>" or
    "upload/<digest>"; `grid` counts cells per side; `method` is one of `explainers.cid.results.METHODS`.
    """

    network: str = "alexnet-birds"
    picture: str = "bird/1"
    layer: str | None = None
    beta: float = BETA
    grid: int | None = None
    refine: bool = True
    method: str = METHODS[0]
    seed: int = 0

    def to_query(self) -> dict[str, str]:
        """The address bar's parameters: what differs from the defaults, of uploads, which stay private, the kind alone.

        >>> Selection(beta=1e-3, layer="conv1").to_query()
        {'layer': 'conv1', 'beta': '0.001'}
        >>> Selection(network="own/12", picture="upload/34").to_query()
        {'network': 'own', 'picture': 'upload'}
        >>> Selection(network="unet-membranes", picture="tissue/0").to_query()
        {'network': 'unet-membranes'}
        """
        plain = asdict(Selection()) | {"picture": usual(self.network)}
        return {
            name: f"{value:g}" if isinstance(value, float) else public(str(value))
            for name, value in asdict(self).items()
            if value != plain[name]
        }

    @staticmethod
    def from_query(query: Mapping[str, str]) -> "Selection":
        """A selection from the address bar; values that make no sense are left at their defaults.

        Without a picture, one that the network knows.

        >>> Selection.from_query({"network": "unet-membranes"}).picture
        'tissue/0'
        >>> Selection.from_query({"beta": "0.001", "seed": "a"}) == Selection(beta=1e-3)
        True
        """
        chosen: dict[str, Any] = {n: query[n] for n in ("network", "picture", "layer") if n in query}
        chosen |= {name: PLACES.get(chosen[name], chosen[name]) for name in ("network", "picture") if name in chosen}
        chosen.setdefault("picture", usual(chosen.get("network", Selection().network)))
        beta = _number(query.get("beta"), float)
        if beta in BETAS:
            chosen["beta"] = beta
        grid = _number(query.get("grid"), int)
        if grid is not None and 0 < grid <= 512:
            chosen["grid"] = grid
        seed = _number(query.get("seed"), int)
        if seed is not None and 0 <= seed <= LIMIT_SEED:
            chosen["seed"] = seed
        if query.get("refine") == "False":
            chosen["refine"] = False
        if query.get("method") in METHODS:
            chosen["method"] = query["method"]
        return Selection(**chosen)


def public(key: str) -> str:
    """A key as the address holds it: of an upload, that it was one.

    >>> public("bird/1"), public("upload/34")
    ('bird/1', 'upload')
    """
    return key.partition("/")[0] if key.startswith(PRIVATE) else key


def listed(items: Sequence[str]) -> tuple[str, ...]:
    """A list of an address: each once, and of an upload the beginning of its key, which says no more.

    >>> listed(["bird/1", "upload", "bird/1"])
    ('bird/1', 'upload/')
    """
    return tuple(dict.fromkeys(PLACES.get(item, item) for item in items))


def _number(text: str | None, kind: type) -> float | int | None:
    try:
        return None if text is None else kind(text)
    except ValueError:
        return None


def arrived(page: str) -> dict[str, str]:
    """The parts of the address that this visit began with; none on a page that it has come to since."""
    first, query = st.session_state.setdefault("arrived", (page, st.query_params.to_dict()))
    return query if first == page else {}


def selection() -> Selection:
    """This session's selection; on the first visit what the address bar says."""
    if "selection" not in st.session_state:
        st.session_state["selection"] = Selection.from_query(st.query_params)
    return st.session_state["selection"]


def change(**values: object) -> None:
    """Replaces the session's selection by one with other values."""
    st.session_state["selection"] = replace(selection(), **values)


def write_address(page: Mapping[str, str] = MappingProxyType({})) -> None:
    """Makes the address bar say what is selected, on all pages and on this one."""
    history.write(selection().to_query() | dict(page) | standing())


def owner(slot: str) -> str:
    """The name under which this session asks for work of one kind."""
    return f"{st.session_state.setdefault('session', uuid4().hex)}/{slot}"


def stopped() -> set[str]:
    """Keys of the maps that this session has cancelled and not asked for again."""
    return st.session_state.setdefault("stopped", set())
