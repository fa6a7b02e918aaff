r"""Training a decoder g of one layer h: the mean squared error of g(h(x)) against the picture.

.. math:: \mathrm{Loss}_{dec} = \|x - g(h(x))\|^2

Source: ICML 2022, section 3.2. One recipe for all layers, since reconstructions compare only under one.
"""

import hashlib
import io
import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explainers.decoders.architecture import Decoder
from explainers.decoders.cards import BLOCKS, DecoderCard, half_weights, save_decoder, weights_digest
from explainers.decoders.pictures import DecoderPictures
from explainers.networks.catalogue import Network
from explainers.networks.features import Feature
from explainers.networks.layers import Layer
from explainers.storage.whole_files import read_checked, write_checked


@dataclass(frozen=True)
class DecoderSettings:
    """The recipe: Adam, one cycle up to `peak_lr`, random flips, `steps` batches.

    Raises ValueError for fewer than one step or two pictures a batch.
    """

    blocks: int = BLOCKS
    steps: int = 800
    batch: int = 64
    peak_lr: float = 3e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 2:
            raise ValueError(
                f"expected at least one step of at least two pictures, got {self.steps} steps of {self.batch}"
            )


# Pictures a batch by the side of the network's input: so many keep a step short on a CPU.
BATCHES = ((32, 64), (64, 32), (128, 16))
SMALLEST_BATCH = 8
# A checkpoint is written once so many seconds have passed since the last: what a crash or a cancelled step may cost.
# Those of fully connected layers are large: writing them may take a twentieth of the time.
STORE_EVERY, STORE_SHARE = 3.0, 20
CHECKPOINT_KEYS = {"decoder", "optimizer", "schedule", "step", "loss", "recipe"}


def fitting_batch(network: Network) -> int:
    """Pictures a batch: fewer where they are larger."""
    return next((batch for side, batch in BATCHES if max(network.input_size) <= side), SMALLEST_BATCH)


@dataclass(frozen=True)
class DecoderProgress:
    """`loss` is the running mean squared error, `remaining` is in seconds; the last one has the card.

    `unkept` where what has been learnt so far could not be written down: the disk is full or read-only.
    """

    step: int
    steps: int
    loss: float
    remaining: float
    card: DecoderCard | None = None
    unkept: bool = False


def train_decoder(
    network: Network,
    layer: Layer,
    pictures: DecoderPictures,
    settings: DecoderSettings,
    folder: Path,
    device: torch.device | str = "cpu",
    checkpoint: Path | None = None,
) -> Iterator[DecoderProgress]:
    """Trains and stores a decoder; one item per step, the last with the card. Whoever stops iterating stops it.

    With a `checkpoint` the run is resumed where that file says, and draws what an unbroken run would have drawn; a
    file of another network, recipe or data is passed over, and so is a damaged one. It is written every few seconds,
    when one stops, and is gone when the decoder is there; a disk that refuses it does not end the training. The error
    is measured on the weights as stored. Raises ValueError where there are too few pictures, and OSError where the
    disk refuses the decoder.
    """
    if len(pictures.train) < 2 or not len(pictures.held_out):
        raise ValueError(
            f"expected at least two pictures to train on and one held out, got {len(pictures.train)} and "
            f"{len(pictures.held_out)}; choose a folder with more pictures"
        )
    h = Feature(network.module, layer, torch.device(device))
    run = _Run(network, layer, pictures, settings, device)
    if checkpoint is not None:
        run.resume(checkpoint)
    start, first = time.monotonic(), run.step
    due, unkept = start + STORE_EVERY, False
    try:
        while run.step < settings.steps:
            run.advance(h, pictures.train)
            now = time.monotonic()
            if checkpoint is not None and now >= due:
                unkept = not run.stored(checkpoint)
                due = now + max(STORE_EVERY, STORE_SHARE * (time.monotonic() - now))
            left = (now - start) / (run.step - first) * (settings.steps - run.step)
            yield DecoderProgress(run.step, settings.steps, run.loss, left, unkept=unkept)
    except GeneratorExit:
        # Between two steps the run is whole; one that is broken off in the middle is not.
        if checkpoint is not None:
            run.stored(checkpoint)
        raise
    decoder = run.decoder.cpu().eval().requires_grad_(False)
    decoder.load_state_dict(half_weights(decoder))
    error = held_out_error(decoder.to(device), h, pictures.held_out)
    card = _card(network, layer, pictures, settings, decoder.cpu(), error)
    save_decoder(decoder, card, folder)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    yield DecoderProgress(run.step, settings.steps, run.loss, 0.0, card)


class _Run:
    """A training as far as it has come."""

    def __init__(
        self,
        network: Network,
        layer: Layer,
        pictures: DecoderPictures,
        settings: DecoderSettings,
        device: torch.device | str,
    ) -> None:
        seen = hashlib.sha256(pictures.train.numpy()).hexdigest()
        self.recipe = "\n".join((network.fingerprint, repr(layer), seen, repr(settings)))
        self.settings, self.device, self.step, self.loss = settings, torch.device(device), 0, float("nan")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            decoder = Decoder(layer.shape, network.input_size, settings.blocks, network.mean, network.std)
        self.decoder = decoder.to(self.device).train()
        self.optimizer = torch.optim.Adam(self.decoder.parameters(), settings.peak_lr, betas=(0.9, 0.99))
        # PyTorch divides by zero where a fifth of the steps is one.
        rising = 0.2 if settings.steps != 5 else 0.3
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, settings.peak_lr, total_steps=settings.steps, pct_start=rising
        )

    def advance(self, h: Feature, pictures: Tensor) -> None:
        """One step on a batch that depends on the seed and the step alone."""
        x = self._batch(pictures)
        with torch.no_grad():
            rows = h((x - self.decoder.mean) / self.decoder.std)
        with torch.autocast(self.device.type, torch.bfloat16):
            guess = self.decoder(rows)
        loss = (guess.float() - x).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self.step += 1
        value = loss.item()
        self.loss = value if self.step == 1 else 0.95 * self.loss + 0.05 * value

    def _batch(self, pictures: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + self.step)
        rows = torch.randint(len(pictures), (self.settings.batch,), generator=generator)
        flip = torch.rand(len(rows), generator=generator) < 0.5
        chosen = pictures[rows]
        chosen = torch.where(flip.view(-1, 1, 1, 1), chosen.flip(3), chosen)
        return chosen.to(self.device).float() / 255

    def stored(self, path: Path) -> bool:
        """Writes the run down; whether the disk took it."""
        parts = {"decoder": self.decoder, "optimizer": self.optimizer, "schedule": self.schedule}
        state = {name: part.state_dict() for name, part in parts.items()}
        # Written to memory first: on a full disk torch's own writer raises what nobody can tell from a mistake.
        buffer = io.BytesIO()
        torch.save({**state, "step": self.step, "loss": self.loss, "recipe": self.recipe}, buffer)
        try:
            write_checked(path, buffer.getvalue())
        except OSError:
            return False
        return True

    def resume(self, path: Path) -> None:
        state = read_checkpoint(path, self.device)
        if state is not None and state["recipe"] == self.recipe:
            for name in ("decoder", "optimizer", "schedule"):
                getattr(self, name).load_state_dict(state[name])
            self.step, self.loss = state["step"], state["loss"]


def read_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any] | None:
    """What a stopped training left; None where there is no such file, it is none of ours or it is damaged."""
    data = read_checked(path)
    if data is None:
        return None
    try:
        state = torch.load(io.BytesIO(data), weights_only=True, map_location=device)
    except (RuntimeError, EOFError, pickle.UnpicklingError):
        return None
    return state if isinstance(state, dict) and state.keys() == CHECKPOINT_KEYS else None


@torch.no_grad()
def held_out_error(decoder: Decoder, h: Feature, pictures: Tensor) -> float:
    """Root mean square error of the reconstructions of uint8 pictures (N, 3, H, W), of values in [0, 1]."""
    total = 0.0
    for part in pictures.split(64):
        x = part.to(decoder.mean.device).float() / 255
        guess = decoder(h((x - decoder.mean) / decoder.std))
        total += (guess - x).square().mean(dim=(1, 2, 3)).sum().item()
    return (total / len(pictures)) ** 0.5


def _card(
    network: Network, layer: Layer, pictures: DecoderPictures, settings: DecoderSettings, decoder: Decoder, error: float
) -> DecoderCard:
    return DecoderCard(
        network=network.name,
        fingerprint=network.fingerprint,
        layer=layer.name,
        path=layer.path,
        call=layer.call,
        shape=tuple(layer.shape),
        blocks=settings.blocks,
        size=network.input_size,
        mean=tuple(network.mean),
        std=tuple(network.std),
        data=pictures.data,
        steps=settings.steps,
        batch=settings.batch,
        seed=settings.seed,
        error=error,
        held_out=len(pictures.held_out),
        digest=weights_digest(half_weights(decoder)),
    )
