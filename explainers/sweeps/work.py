"""The work on one block, on whatever machine: a pure function from the block to its rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
import torch
from torch import Tensor

from explainers.cid.results import CIDResult
from explainers.datasets.pictures import PictureError
from explainers.methods.method import MapResult
from explainers.methods.network_input import NetworkInput
from explainers.methods.request import MapRequest, Workbench, answer
from explainers.networks.catalogue import Network
from explainers.storage.results import ResultStore
from explainers.sweeps.items import Item
from explainers.sweeps.plan import Block, Cell, Problem, swept_network
from explainers.sweeps.row import Answer, Row, answer_of, row_of


@dataclass(frozen=True)
class Done:
    """What came of a block: rows in the order of its cells, problems, and maps (rows, columns) by row where wanted."""

    block: Block
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]
    maps: dict[str, np.ndarray] = field(default_factory=dict[str, np.ndarray], repr=False)


@dataclass(frozen=True)
class Bench:
    """With what blocks are worked on; `store`: where maps may be found that the app has computed.

    Every worker computes with `threads` threads: another number rounds differently.
    """

    device: str = "cpu"
    threads: int = 1
    keep_maps: bool = False
    store: bool = True


@dataclass(frozen=True)
class _Seen:
    """A picture as the network sees it, which place it has in the block, and what the network says of it."""

    place: int
    seen: NetworkInput
    said: Answer


def work(block: Block, bench: Bench) -> Done:
    """All rows of a block that there can be; what fails is a problem, and the rest goes on."""
    before = torch.get_num_threads()
    torch.set_num_threads(bench.threads)
    try:
        network = swept_network(block.network, bench.device)
        problems: list[Problem] = []
        pictures: list[_Seen] = []
        for place, item in enumerate(block.items):
            try:
                pictures.append(_look(network, item, place))
            except PictureError as error:
                problems.append(Problem(item.name, network.name, "", "", str(error)))
        rows: list[Row] = []
        maps: dict[str, np.ndarray] = {}
        store = ResultStore() if bench.store else None
        for cell in block.cells:
            for request, one, result in _answers(network, cell, block, pictures, bench, store):
                if isinstance(result, Problem):
                    problems.append(result)
                    continue
                row = cell.rows[one.place]
                rows.append(row_of(request, result, one.seen, one.said, row))
                if bench.keep_maps:
                    maps[row] = result.values.astype(np.float16)
        return Done(block, tuple(rows), tuple(problems), maps)
    finally:
        torch.set_num_threads(before)


def _look(network: Network, item: Item, place: int) -> _Seen:
    seen = replace(item.seen_by(network), key=item.name)
    return _Seen(place, seen, answer_of(network, seen.x, item.labels))


def _answers(
    network: Network, cell: Cell, block: Block, pictures: Sequence[_Seen], bench: Bench, store: ResultStore | None
) -> Iterator[tuple[MapRequest, _Seen, MapResult | Problem]]:
    """The map of every picture of one cell, found in the store, computed alone, or all together."""
    layer = network.layer(cell.layer)
    open_ones: list[tuple[MapRequest, _Seen]] = []
    for one in pictures:
        request = one.seen.request(network, layer, cell.method, block.settings)
        kept = store.get(request.key) if store else None
        if kept is None:
            open_ones.append((request, one))
        else:
            yield request, one, kept
    together = len(open_ones) > 1 and open_ones[0][0].kind.entropy
    try:
        if together:
            x = torch.stack([request.x for request, _ in open_ones]).to(bench.device)
            result = open_ones[0][0].kind.explain(network, layer, x, None, block.settings)
            assert isinstance(result, CIDResult)
            for place, (request, one) in enumerate(open_ones):
                yield request, one, one_of(result, place)
            return
    except (ValueError, MemoryError):
        # One of them: each alone says which.
        pass
    for request, one in open_ones:
        try:
            yield request, one, answer(request, Workbench(torch.device(bench.device)))
        except (ValueError, MemoryError) as error:
            name = one.seen.key
            yield request, one, Problem(name, network.name, layer.name, cell.method, str(error) or "no memory")


def one_of(result: CIDResult, place: int) -> CIDResult:
    """The result of one picture of a batch, its share of the seconds with it."""
    count = len(result.entropy)
    values = {one.name: getattr(result, one.name) for one in fields(result)}
    alone = {name: value[place : place + 1] for name, value in values.items() if isinstance(value, Tensor)}
    return replace(result, **alone, seconds=result.seconds / count)
