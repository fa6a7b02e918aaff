r"""Training a decoder g of one layer h: the mean squared error of g(h(x)) against the picture.

.. math:: \mathrm{Loss}_{dec} = \|x - g(h(x))\|^2

Source: ICML 2022, section 3.2. One recipe for all layers, since reconstructions compare only under one.
"""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from explainers.architectures.decoder import Decoder
from explainers.decoder_data import DecoderPictures
from explainers.decoders import BLOCKS, DecoderCard, half_weights, save_decoder
from explainers.features import Feature
from explainers.layers import Layer
from explainers.networks import Network


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


@dataclass(frozen=True)
class DecoderProgress:
    """`loss` is the running mean squared error, `remaining` is in seconds; the last one has the card."""

    step: int
    steps: int
    loss: float
    remaining: float
    card: DecoderCard | None = None


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

    With a `checkpoint` the run is resumed where that file says, and draws what an unbroken run would have drawn.
    The error is measured on the weights as stored. Raises ValueError where there are too few pictures.
    """
    if len(pictures.train) < 2 or not len(pictures.held_out):
        raise ValueError(
            f"expected at least two pictures to train on and one held out, got {len(pictures.train)} and "
            f"{len(pictures.held_out)}; choose a folder with more pictures"
        )
    h = Feature(network.module, layer, torch.device(device))
    run = _Run(network, layer, settings, device)
    if checkpoint is not None:
        run.resume(checkpoint)
    start, first = time.monotonic(), run.step
    while run.step < settings.steps:
        run.advance(h, pictures.train)
        if checkpoint is not None and run.step % 100 == 0:
            run.store(checkpoint)
        left = (time.monotonic() - start) / (run.step - first) * (settings.steps - run.step)
        yield DecoderProgress(run.step, settings.steps, run.loss, left)
    decoder = run.decoder.cpu().eval().requires_grad_(False)
    decoder.load_state_dict(half_weights(decoder))
    error = held_out_error(decoder.to(device), h, pictures.held_out)
    card = _card(network, layer, pictures, settings, decoder.cpu(), error)
    save_decoder(decoder, card, folder)
    yield DecoderProgress(run.step, settings.steps, run.loss, 0.0, card)


class _Run:
    """A training as far as it has come."""

    def __init__(self, network: Network, layer: Layer, settings: DecoderSettings, device: torch.device | str) -> None:
        self.settings, self.device, self.step, self.loss = settings, torch.device(device), 0, float("nan")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            decoder = Decoder(layer.shape, network.input_size, settings.blocks, network.mean, network.std)
        self.decoder = decoder.to(self.device).train()
        self.optimizer = torch.optim.Adam(self.decoder.parameters(), settings.peak_lr, betas=(0.9, 0.99))
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, settings.peak_lr, total_steps=settings.steps, pct_start=0.2
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

    def store(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        parts = {"decoder": self.decoder, "optimizer": self.optimizer, "schedule": self.schedule}
        state = {name: part.state_dict() for name, part in parts.items()}
        torch.save({**state, "step": self.step, "loss": self.loss}, partial)
        partial.replace(path)

    def resume(self, path: Path) -> None:
        if path.is_file():
            state = torch.load(path, weights_only=True, map_location=self.device)
            for name in ("decoder", "optimizer", "schedule"):
                getattr(self, name).load_state_dict(state[name])
            self.step, self.loss = state["step"], state["loss"]


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
    digest = hashlib.sha256()
    for key, value in sorted(half_weights(decoder).items()):
        digest.update(key.encode() + value.numpy().tobytes())
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
        digest=digest.hexdigest(),
    )
