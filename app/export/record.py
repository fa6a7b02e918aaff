"""All that a file about one map may need: what was asked, with what, and what came out."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from app.inputs.columns import Column
from app.inputs.crop import split
from app.inputs.outline import split_outline
from explainers.decoders.cards import DecoderCard, find_decoder
from explainers.methods.method import MapMethod, MapResult
from explainers.networks.catalogue import OWN_WEIGHTS
from explainers.storage.versions import method_version

LIBRARY = "information-discarding-explorer"


@cache
def versions() -> dict[str, str]:
    """Of the library and of torch."""
    return {name: version(name) for name in (LIBRARY, "torch")}


def as_json(about: Mapping[str, object]) -> str:
    """What a reader needs to make something again."""
    return json.dumps(about, ensure_ascii=False, indent=2)


@dataclass(frozen=True, eq=False)
class Taken:
    """One map with everything that is needed to make it again.

    - `layer`, `path`, `call`: "" and 0 where the method looks at the whole network. `source`: of the weights.
    - `picture`: the gallery's key, or "upload/<SHA-256>"; `part` of it as left,top,right,bottom in shares of its sides,
      "" for the whole.
    - `outline`: what a reader has drawn around the object, corners in shares of the sides; "" where nothing.
    - `target`, `class_name`: the class that is explained, None and "" where none is; `explains` says what that is,
      "class" or, of a picture that is given back, "channel".
    - `settings`: of the method, by name. `versions`: of the library, the method and torch.
    - `values` (rows, columns) float32 in `unit`, +inf where the layer does not use the cell; of CID one per cell.
    - `image` (H, W, 3) uint8: the picture as the network sees it; `x` (3, H, W) float32: in network units.
    - `numbers`: what the result says about itself, by name; `NUMBERS` of `app.export.table` has their units.
    - `decoder`, `reconstruction` (H, W, 3) uint8: of RU alone.
    """

    method: str
    method_title: str
    unit: str
    signed: bool
    reference: str
    network: str
    network_title: str
    fingerprint: str
    source: str
    layer: str
    path: str
    call: int
    picture: str
    picture_title: str
    part: str
    outline: str
    target: int | None
    class_name: str
    settings: Mapping[str, Any]
    device: str
    versions: Mapping[str, str]
    values: np.ndarray = field(repr=False)
    image: np.ndarray = field(repr=False)
    x: np.ndarray = field(repr=False)
    numbers: Mapping[str, float | int] = field(default_factory=dict)
    explains: str = "class"
    decoder: DecoderCard | None = None
    reconstruction: np.ndarray | None = field(default=None, repr=False)

    @property
    def uploaded(self) -> bool:
        return self.picture.startswith("upload/")

    @property
    def own_weights(self) -> bool:
        return self.network.endswith(OWN_WEIGHTS)


def taken(method: MapMethod, column: Column, found: MapResult, seed: int, device: str) -> Taken:
    """The record of a finished map `found`."""
    network, network_input = column.network, column.network_input
    key, part = split(network_input.key)
    target = None if found.target is None else int(found.target[0])
    return Taken(
        method=method.name,
        method_title=method.title,
        unit=method.unit,
        signed=method.signed,
        reference=method.reference,
        network=network.name,
        network_title=network.title,
        fingerprint=network.fingerprint,
        source=network.source,
        layer=column.layer.name if method.uses_layer else "",
        path=column.layer.path if method.uses_layer else "",
        call=column.layer.call if method.uses_layer else 0,
        picture=key,
        picture_title=network_input.title,
        part=part,
        outline=split_outline(network_input.key)[1],
        target=target,
        class_name="" if target is None else network.classes[target],
        settings=method.settings_of(found, seed),
        device=device,
        versions={"library": _version(), "method": method_version(method.name), "torch": torch.__version__},
        values=np.asarray(found.values, np.float32),
        image=network_input.picture,
        x=network_input.x.cpu().numpy(),
        numbers=found.numbers,
        explains="channel" if network.reconstructs else "class",
        decoder=find_decoder(network, column.layer) if method.needs_decoder else None,
        reconstruction=None if found.reconstruction is None else _bytes(found.reconstruction[0]),
    )


@cache
def _version() -> str:
    return version(LIBRARY)


def _bytes(picture: torch.Tensor) -> np.ndarray:
    return (picture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()


def described(cell: Taken) -> dict[str, Any]:
    """Everything but the arrays, as JSON takes it.

    Infinite and undefined numbers become None: JSON has no word for them.
    """
    left_out = ("values", "image", "x", "reconstruction", "decoder")
    plain = {name: getattr(cell, name) for name in cell.__dataclass_fields__ if name not in left_out}
    plain["numbers"] = {n: v if np.isfinite(v) else None for n, v in cell.numbers.items()}
    return plain | {"decoder": None if cell.decoder is None else asdict(cell.decoder)}
