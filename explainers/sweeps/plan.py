"""What a sweep computes: networks × layers × methods for every picture, in blocks that one machine does at a time."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import torch

from explainers.cid.results import CIDSettings
from explainers.datasets.pictures import PictureError
from explainers.grid import resolve_grid
from explainers.methods.entropies import CID_NAME
from explainers.methods.registry import find_method
from explainers.networks.catalogue import Network, WeightsUnavailable, load_checkpoint, load_network
from explainers.sweeps.items import Item
from explainers.sweeps.row import row_key

LACKING = "the network has no such layer"
# What a column of every row of CID already holds.
COLUMNS = {"concentration": CID_NAME}


@dataclass(frozen=True)
class Plan:
    """Networks by name or weights file, names of layers (None: all), methods, pictures, settings.

    `batch` pictures are computed together: that fills a GPU; on a processor one at a time is faster.
    """

    networks: tuple[str, ...]
    layers: tuple[str, ...] | None
    methods: tuple[str, ...]
    items: tuple[Item, ...] = field(repr=False)
    settings: CIDSettings = field(default_factory=CIDSettings)
    batch: int = 1


@dataclass(frozen=True)
class Cell:
    """A map of every picture of a block: its layer and method, and its row for each of the pictures."""

    layer: str
    method: str
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Problem:
    """What could not be computed, and why, in one sentence; "" where it is so of all layers or methods."""

    picture: str
    network: str
    layer: str
    method: str
    reason: str


@dataclass(frozen=True)
class Block:
    """Pictures that one network sees, with the maps that are missing. `place`: where its rows stand in the table."""

    place: int
    network: str
    items: tuple[Item, ...]
    cells: tuple[Cell, ...]
    settings: CIDSettings

    @property
    def count(self) -> int:
        """How many rows it makes."""
        return sum(len(cell.rows) for cell in self.cells)


def parse_methods(names: Sequence[str]) -> tuple[str, ...]:
    """Names of methods; "concentration" stands for CID, whose rows have it. Raises ValueError for an unknown one.

    >>> parse_methods(["cid", "concentration", "ru"])
    ('cid', 'ru')
    """
    found = tuple(dict.fromkeys(COLUMNS.get(name.strip(), name.strip()) for name in names if name.strip()))
    if not found:
        raise ValueError("expected names of methods, got none; give some, as in cid,ru")
    for name in found:
        find_method(name)
    return found


@cache
def swept_network(name: str, device: str = "cpu") -> Network:
    """The network of that name, or of the weights file at that path, which is its name.

    Raises ValueError where there is none, or where its weights are damaged or not to be had. All networks of a sweep
    stay loaded: every picture is shown to every one of them.
    """
    if Path(name).suffix and Path(name).is_file():
        # Two files of one architecture are two networks.
        return replace(load_checkpoint(None, Path(name), device=device, title=Path(name).name), name=name)
    try:
        return load_network(name, device)
    except WeightsUnavailable as problem:
        raise ValueError(str(problem)) from problem


def wanted(plan: Plan, network: Network) -> tuple[list[tuple[str, str]], list[Problem]]:
    """Pairs (layer, method) that there are maps of, in the order of execution, and the refusals, layers it lacks first.

    Methods that do not look at a layer stand at the last one alone.
    """
    layers = [layer for layer in network.layers if plan.layers is None or layer.name in plan.layers]
    cells: list[tuple[str, str]] = []
    here = {layer.name for layer in layers}
    refused = [Problem("", network.name, name, "", LACKING) for name in plan.layers or () if name not in here]
    for layer in layers:
        for name in plan.methods:
            method = find_method(name)
            if not method.uses_layer and layer is not layers[-1]:
                continue
            if reason := method.refuse(network, layer):
                refused.append(Problem("", network.name, layer.name, name, reason))
            else:
                cells.append((layer.name, name))
    return cells, refused


def check_layers(plan: Plan, networks: Sequence[Network]) -> None:
    """Raises ValueError for a layer that no network has."""
    known = {layer.name for network in networks for layer in network.layers}
    for name in plan.layers or ():
        if name not in known:
            raise ValueError(f"expected layers of the networks ({', '.join(sorted(known))}), got '{name}'")


def check_methods(plan: Plan, networks: Sequence[Network]) -> None:
    """Raises ValueError where none of the methods has a map of any layer of any network."""
    found = [wanted(plan, network) for network in networks]
    if not any(cells for cells, _ in found):
        reason = next(one.reason for _, refused in found for one in refused if one.reason != LACKING)
        raise ValueError(
            f"expected a method with maps of the layers that were chosen, got none; choose others: {reason}"
        )


def check_grid(plan: Plan, networks: Sequence[Network]) -> None:
    """Raises ValueError for cells that do not divide the pictures of every network into squares."""
    for network in networks:
        try:
            resolve_grid(plan.settings.grid, *network.input_size)
        except ValueError as error:
            raise ValueError(f"{network.name}: {error}") from None


def blocks(plan: Plan, done: Collection[str], device: str = "cpu") -> Iterator[Block | Problem]:
    """The blocks that have rows which are not yet `done`, picture by picture, and pictures that cannot be read.

    Rows that there are already are left out, so that nothing is computed twice; a block whose rows are all there is
    none.
    """
    place = 0
    for start in range(0, len(plan.items), plan.batch):
        items: list[tuple[Item, str]] = []
        for item in plan.items[start : start + plan.batch]:
            try:
                items.append((item, item.identity()))
            except PictureError as error:
                yield Problem(item.name, "", "", "", str(error))
        for name in plan.networks:
            network = swept_network(name, device)
            pairs, _ = wanted(plan, network)
            # Pictures that lack the same maps go together.
            groups: dict[tuple[tuple[str, str], ...], list[tuple[Item, str]]] = {}
            for item, identity in items:
                lacking = tuple(pair for pair in pairs if _row(plan, network, pair, identity) not in done)
                groups.setdefault(lacking, []).append((item, identity))
            for lacking, members in groups.items():
                if lacking:
                    cells = tuple(
                        Cell(*pair, tuple(_row(plan, network, pair, identity) for _, identity in members))
                        for pair in lacking
                    )
                    yield Block(place, name, tuple(item for item, _ in members), cells, plan.settings)
                place += 1


def _row(plan: Plan, network: Network, pair: tuple[str, str], identity: str) -> str:
    return row_key(network, network.layer(pair[0]), pair[1], plan.settings, identity)


def default_device() -> str:
    """The GPU where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"
