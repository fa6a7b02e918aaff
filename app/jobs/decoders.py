"""Training a decoder as a job: what is asked for, how far it has come, and where it is kept."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from explainers.datasets.birds.render import edition_for
from explainers.datasets.preparing import Preparing
from explainers.decoders.cards import DecoderCard, file_name, find_decoder, own_decoders, trim_decoders
from explainers.decoders.pictures import BirdSource, DecoderPictures, Source, prepared
from explainers.decoders.training import DecoderProgress, DecoderSettings, fitting_batch, train_decoder
from explainers.methods.request import DECODER_LANE, Shelf, Workbench
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.storage.digest import digest
from explainers.streams import retold
from explainers.train.run import read_checkpoint

# What a visitor may choose from: enough to see something, to trust the map, and as the shipped ones of small networks
# were trained.
STEPS = (100, 300, 800)
# Birds to train on; fewer where they are large, since drawing one takes a tenth of a second and more.
BIRDS, LARGE_BIRDS, LARGE = 400, 200, 128
# So many trainings may wait or run on this server: each holds its pictures.
MOST = 4
UNKEPT = "; the disk is full or read-only, so that what is cancelled now begins anew"
FULL = (
    "expected a disk on which the decoder can be kept, got one that is full or read-only; free some space or set "
    "DECODERS_HOME"
)


@dataclass(frozen=True, eq=False)
class TrainingRequest:
    """Which pictures and how many steps; `replaces` is the digest of the decoder there was, "" for none.

    Raises ValueError for a number of steps that is not one of STEPS.
    """

    source: Source
    steps: int
    replaces: str = ""

    def __post_init__(self) -> None:
        if self.steps not in STEPS:
            raise ValueError(f"expected {STEPS} steps, got {self.steps}; choose one of those")

    def settings(self, network: Network) -> DecoderSettings:
        return DecoderSettings(steps=self.steps, batch=fitting_batch(network))


@dataclass(frozen=True, eq=False)
class DecoderRequest:
    """The decoder of a layer; without a `training` it can only be looked up. Whoever asks for the same joins it."""

    network: Network
    layer: Layer
    training: TrainingRequest | None = None
    refusal_key = ""
    lane: ClassVar[str] = DECODER_LANE

    @property
    def key(self) -> str:
        return digest("decoder", self.network.fingerprint, self.layer.path, str(self.layer.call))

    @property
    def cost(self) -> int:
        """Steps, each of which costs several passes."""
        return self.training.steps if self.training else 1

    def refusal(self) -> None:
        return None

    def stream(self, bench: Workbench) -> Iterator["TrainingFrame"]:
        assert self.training is not None
        return decoder_frames(self.network, self.layer, self.training, bench.device, bench.shelf)


@dataclass(frozen=True)
class TrainingFrame:
    """`text` says what is going on, `progress` is 0..1, `remaining` in seconds; the last one has the card."""

    text: str
    progress: float
    remaining: float | None
    card: DecoderCard | None = None


def birds_for(network: Network) -> BirdSource:
    """The rendered birds that a decoder of this network is trained on."""
    count = LARGE_BIRDS if max(network.input_size) > LARGE else BIRDS
    return BirdSource(count, edition_for(network.classes))


def pictures_key(network: Network, source: Source) -> str:
    """Networks that see pictures alike share the prepared ones."""
    return digest("decoder pictures", source.key, repr(network.preprocessing))


def decoder_frames(
    network: Network, layer: Layer, request: TrainingRequest, device: torch.device, shelf: Shelf
) -> Iterator[TrainingFrame]:
    """Pictures, steps, and last the card; ends at once where somebody else was faster."""
    there = find_decoder(network, layer)
    if there is not None and there.digest != request.replaces:
        return
    place = pictures_key(network, request.source)
    pictures: DecoderPictures | None = shelf.get(place)
    if pictures is None:
        start = time.monotonic()
        work = prepared(network, request.source)
        pictures = yield from retold(work, lambda at: _preparing(at, time.monotonic() - start))
        shelf.put(place, pictures)
    try:
        trim_decoders(own_decoders())
        checkpoint = unfinished(network, layer, request)
        settings = request.settings(network)
        for at in train_decoder(network, layer, pictures, settings, own_decoders(), device, checkpoint):
            yield _training(at)
        trim_decoders(own_decoders())
    except OSError as error:
        raise ValueError(FULL) from error


def unfinished(network: Network, layer: Layer, request: TrainingRequest) -> Path:
    """Where a training of these pictures and steps leaves off when it is stopped."""
    file = Path(file_name(network.fingerprint, layer.name, layer.call, request.settings(network).blocks)).stem
    recipe = digest(request.source.key, repr(request.settings(network)))[:12]
    return own_decoders() / f"unfinished-{file}-{recipe}.pt"


def steps_done(network: Network, layer: Layer, request: TrainingRequest) -> int:
    """How many steps of a stopped training are kept."""
    path = unfinished(network, layer, request)
    state = read_checkpoint(path) if path.is_file() else None
    return 0 if state is None else state["step"]


def _preparing(at: Preparing, seconds: float) -> TrainingFrame:
    text = f"Preparing pictures, {at.count} of {at.total}; training begins after that"
    return TrainingFrame(text, at.share, seconds * (1 / at.share - 1))


def _training(at: DecoderProgress) -> TrainingFrame:
    error = math.sqrt(at.loss)
    unkept = UNKEPT if at.unkept else ""
    text = f"Training the decoder, step {at.step} of {at.steps}, error so far {error:.3f} of 1{unkept}"
    return TrainingFrame(text, at.step / at.steps, at.remaining, at.card)
