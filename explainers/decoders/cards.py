"""Trained decoders on this disk: which layers have one, how good it is, and reading it.

A decoder is one safetensors file whose header is its card. It belongs to one layer of one network's weights:
the card carries their fingerprint.
"""

import hashlib
import json
import os
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from explainers.assets import ASSETS, DamagedFile, check_shipped
from explainers.checkpoints.load import read_header
from explainers.nested import is_sequence
from explainers.networks.architectures.decoder import Decoder
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.storage.whole_files import write_whole

DECODERS = ASSETS / "decoders"
BLOCKS = 6
# What was trained on this machine may take so much of its disk; the oldest give way.
LIMIT = 1 << 30
OURS = re.compile(r"[0-9a-f]{12}-.+\.(safetensors|partial)|unfinished-[0-9a-f]{12}-.+\.(pt|partial)")


@dataclass(frozen=True)
class DecoderCard:
    """What is known of a trained decoder.

    `network`, `fingerprint`, `layer` (its name), `path`, `call` and `shape` say what it decodes; `blocks`, `size`,
    `mean` and `std` how it is built; `data`, `steps`, `batch`, `seed` and `arithmetic` how it was trained; `error` is
    the root mean square error, of values in [0, 1], on `held_out` pictures that it was not trained on; `digest` is
    that of its weights.
    """

    network: str
    fingerprint: str
    layer: str
    path: str
    call: int
    shape: tuple[int, ...]
    blocks: int
    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    data: str
    steps: int
    batch: int
    seed: int
    error: float
    held_out: int
    digest: str
    arithmetic: str = "bfloat16"

    @property
    def key(self) -> str:
        """What a cache of results may stand under."""
        return f"{self.fingerprint}/{self.path}/{self.call}/{self.blocks}/{self.digest}"

    @property
    def file(self) -> str:
        """The name of its file."""
        return file_name(self.fingerprint, self.layer, self.call, self.blocks)

    def build(self) -> Decoder:
        """The decoder, with random weights."""
        return Decoder(self.shape, self.size, self.blocks, self.mean, self.std)


def own_decoders() -> Path:
    """The folder of decoders trained on this machine: DECODERS_HOME, else `decoders` in torch's cache."""
    return Path(os.environ.get("DECODERS_HOME") or Path(torch.hub.get_dir()) / "decoders")


def find_decoder(network: Network, layer: Layer, blocks: int = BLOCKS) -> DecoderCard | None:
    """The card of the decoder of `layer`: one trained on this machine, else the shipped one, else None."""
    for folder in (own_decoders(), DECODERS):
        card = read_card(folder / file_name(network.fingerprint, layer.name, layer.call, blocks))
        if card is not None and card.fingerprint == network.fingerprint and card.shape == layer.shape:
            return card
    return None


def trained_here(card: DecoderCard) -> bool:
    """Whether the decoder of a card was trained on this machine; else it ships."""
    return read_card(own_decoders() / card.file) == card


def trim_decoders(folder: Path, limit: int = LIMIT) -> None:
    """Deletes the oldest decoders and checkpoints of a folder until they take at most `limit` bytes."""
    found: list[tuple[int, int, Path]] = []
    for path in filter(lambda path: OURS.fullmatch(path.name), folder.glob("*")):
        with suppress(FileNotFoundError):
            stat = path.stat()
            found.append((stat.st_mtime_ns, stat.st_size, path))
    total = 0
    for _, size, path in sorted(found, reverse=True):
        total += size
        if total > limit:
            path.unlink(missing_ok=True)


def load_decoder(card: DecoderCard) -> Decoder:
    """The decoder of a card, in evaluation mode and without gradients.

    Raises ValueError where its file is gone or has been replaced by another since the card was read, and DamagedFile
    where it is not what was trained.
    """
    for folder in (own_decoders(), DECODERS):
        path = folder / card.file
        if read_card(path) == card:
            check_shipped(path)
            decoder = card.build()
            decoder.load_state_dict(_weights(path, card))
            return decoder.eval().requires_grad_(False)
    raise ValueError(f"expected the decoder of {card.layer} on this disk, found it gone; train it again")


def _weights(path: Path, card: DecoderCard) -> dict[str, torch.Tensor]:
    with suppress(SafetensorError, OSError, RuntimeError, TypeError):
        weights = load(path.read_bytes())
        if weights_digest(weights) == card.digest:
            return weights
    raise DamagedFile(
        f"expected the decoder of {card.layer} as it was trained, got a damaged file ({card.file}); train it again"
    )


def weights_digest(weights: dict[str, torch.Tensor]) -> str:
    """SHA-256 of weights as they are stored: names and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for key, value in sorted(weights.items()):
        digest.update(key.encode() + value.numpy().tobytes())
    return digest.hexdigest()


def save_decoder(decoder: Decoder, card: DecoderCard, folder: Path) -> Path:
    """Writes weights and card as one file, there whole or not at all. Raises OSError where the disk refuses."""
    text = json.dumps(asdict(card))
    data = save(half_weights(decoder), {"card": text, "sha256": hashlib.sha256(text.encode()).hexdigest()})
    write_whole(folder / card.file, data)
    return folder / card.file


def half_weights(decoder: Decoder) -> dict[str, torch.Tensor]:
    """Convolutions in half precision; the statistics of the normalisations span more than that can hold."""
    return {
        key: value.contiguous().half() if value.dim() == 4 else value.contiguous()
        for key, value in decoder.state_dict().items()
    }


def file_name(fingerprint: str, layer: str, call: int, blocks: int) -> str:
    """One file per network's weights, layer (its name and call) and depth of the decoder.

    >>> file_name("abcdef0123456789", "conv1", 0, 6)
    'abcdef012345-conv1-6.safetensors'
    """
    plain = "".join(c if c.isalnum() or c in "._-" else "-" for c in layer)
    return f"{fingerprint[:12]}-{plain}{f'-{call}' if call else ''}-{blocks}.safetensors"


def read_card(path: Path) -> DecoderCard | None:
    """The card in the header of a file; None where there is no such file or it is not a decoder's."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return _read_card(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=512)
def _read_card(path: Path, changed: int, size: int) -> DecoderCard | None:
    try:
        metadata = read_header(path)
        text = metadata["card"]
        # Cards from before there were sums have none.
        if metadata.get("sha256", digest := hashlib.sha256(text.encode()).hexdigest()) != digest:
            return None
        # Cards from before there was a choice do not name the arithmetic.
        card = {"arithmetic": DecoderCard.arithmetic} | json.loads(text)
        values: dict[str, Any] = {f.name: card[f.name] for f in fields(DecoderCard)}
        values |= {name: tuple(value) for name, value in values.items() if is_sequence(value)}
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None
    return DecoderCard(**values)
