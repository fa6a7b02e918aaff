"""One row of a sweep: one picture, network, layer and method, with every setting and what came out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Protocol, get_args

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from explainers.cid.concentration import concentration
from explainers.cid.results import CIDSettings
from explainers.methods.method import MapResult
from explainers.methods.network_input import NetworkInput
from explainers.methods.registry import find_method
from explainers.methods.request import MapRequest, weights_of
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.storage.digest import digest
from explainers.storage.versions import BASELINES_VERSION, METHOD_VERSIONS, method_version


@dataclass(frozen=True)
class Row:
    """NaN and None stand for what the method does not say.

    - `row`: SHA-256 of all that the row depends on, without looking at the picture; `key`: what the map is kept under.
    - `network`, its `fingerprint`; `layer`, its `place` among `layers` in the order of execution and its `depth`, the
      share of the way through, 0 to 1; `method` and its `version`.
    - `picture`: its name; `picture_sha256` of its tensor; `label`: its class where the network knows it, or else the
      first of its names; `answer`: the network's; `right`: whether they agree, None where that cannot be told.
    - `foreground`: "mask", "box" or none. `mean` and `concentration` in nats for CID and RU; of the other methods the
      mean of the map. `constraint`, `loss` and their errors as in `CIDResult`.
    """

    row: str
    key: str
    network: str
    fingerprint: str
    layer: str
    place: int
    layers: int
    depth: float
    method: str
    version: int
    unit: str
    picture: str
    picture_sha256: str
    label: str | None
    answer: str | None
    right: bool | None
    foreground: str | None
    beta: float
    grid: int | None
    refine: bool
    solver: str
    probes: int
    seed: int
    mean: float | None
    mean_error: float | None
    concentration: float | None
    constraint: float | None
    constraint_error: float | None
    loss: float | None
    loss_error: float | None
    unbounded: int | None
    converged: bool | None
    forward_passes: float
    backward_passes: float
    seconds: float


_KINDS: dict[object, pa.DataType] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def schema_of(kind: type) -> pa.Schema:
    """The columns of a table whose rows are records of `kind`, as fields of its dataclass."""
    return pa.schema([pa.field(one.name, _KINDS[(get_args(one.type) or (one.type,))[0]]) for one in fields(kind)])


SCHEMA = schema_of(Row)
_SAID = ("mean", "mean_error", "constraint", "constraint_error", "loss", "loss_error", "unbounded", "converged")


class Record(Protocol):
    """A dataclass that is a row of some table, found by `row`."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def row(self) -> str:
        """What tells it from the others."""
        ...


def as_table(rows: Sequence[Record], schema: pa.Schema = SCHEMA) -> pa.Table:
    """The rows as Arrow's table."""
    return pa.Table.from_pylist([asdict(row) for row in rows], schema=schema)


def sight(network: Network) -> tuple[str, str]:
    """For keys: how pictures reach the network, and what it calls its classes; its weights say neither."""
    return repr(network.preprocessing), repr(network.classes)


def row_key(
    network: Network, layer: Layer, method: str, settings: CIDSettings, identity: str, device: str | None = None
) -> str:
    """What a row depends on, `identity` standing for the picture: known before the picture is drawn or read.

    `device` is the kind on which it is computed, "cpu" or "cuda"; None: the one that the network is on.
    """
    fingerprint, here = weights_of(network)
    looked_at = find_method(method).looked_at(network, layer)
    place = layer.path, str(layer.call)
    weights = fingerprint, device or here
    about = (*weights, *sight(network), *place, *looked_at)
    return digest("row", method_version(method), *about, repr(settings), identity)


@dataclass(frozen=True)
class Answer:
    """What a network says of a picture: its class, and whether that is right, where it can be told."""

    label: str | None
    answer: str | None
    right: bool | None


def answer_of(network: Network, x: Tensor, labels: Sequence[str]) -> Answer:
    """Of a picture (3, H, W) in network units whose class goes by any of the names `labels`."""
    known = next((label for label in labels if label in network.classes), None)
    label = known or next(iter(labels), None)
    if network.segments:
        return Answer(label, None, None)
    device = next(network.module.parameters()).device
    with torch.no_grad():
        said = network.classes[int(network.module(x[None].to(device)).argmax())]
    return Answer(label, said, None if known is None else said == known)


def row_of(request: MapRequest, result: MapResult, seen: NetworkInput, said: Answer, row: str) -> Row:
    """The row of a map of one picture."""
    network, layer, settings = request.network, request.layer, request.settings
    numbers: dict[str, Any] = {name: result.numbers.get(name) for name in _SAID}
    if numbers["mean"] is None:
        numbers["mean"] = float(result.map.double().mean())
    return Row(
        row=row,
        key=request.key,
        network=network.name,
        fingerprint=network.fingerprint,
        layer=layer.name,
        place=network.layers.index(layer),
        layers=len(network.layers),
        depth=network.layers.index(layer) / max(len(network.layers) - 1, 1),
        method=request.method,
        version=METHOD_VERSIONS.get(request.method, BASELINES_VERSION),
        unit=request.kind.unit,
        picture=seen.key,
        picture_sha256=seen.digest,
        label=said.label,
        answer=said.answer,
        right=said.right,
        foreground="mask" if seen.mask is not None else "box" if seen.box is not None else None,
        beta=settings.beta,
        grid=settings.grid,
        refine=settings.refine,
        solver=settings.method,
        probes=settings.probes,
        seed=settings.seed,
        **numbers,
        concentration=_concentration(result.map, seen.foreground) if request.kind.entropy else None,
        forward_passes=float(result.forward_passes),
        backward_passes=float(result.backward_passes),
        seconds=float(result.seconds),
    )


def _concentration(entropy: Tensor, foreground: np.ndarray | None) -> float | None:
    """None where there is no foreground, or no pixel that is used on one of the sides."""
    if foreground is None:
        return None
    try:
        return float(concentration(entropy, mask=foreground))
    except ValueError:
        return None
