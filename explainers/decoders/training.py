r"""Training a decoder g of one layer h: the mean squared error of g(h(x)) against the picture.

.. math:: \mathrm{Loss}_{dec} = \|x - g(h(x))\|^2

Source: ICML 2022, section 3.2. One recipe for all layers, since reconstructions compare only under one.
"""

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from explainers.decoders.cards import BLOCKS, DecoderCard, half_weights, save_decoder, weights_digest
from explainers.decoders.pictures import DecoderPictures
from explainers.devices import computes_bfloat16
from explainers.networks.architectures.decoder import Decoder
from explainers.networks.catalogue import Network
from explainers.networks.features import Feature
from explainers.networks.layers import Layer
from explainers.randomness import drawn_apart
from explainers.train.run import Progress, Run, read_checkpoint


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


# What the recipe of a run says that does not compute in bfloat16; those of before there was a choice all did.
FLOAT32 = "\nfloat32"
# Pictures a batch by the side of the network's input: so many keep a step short on a CPU.
BATCHES = ((32, 64), (64, 32), (128, 16))
SMALLEST_BATCH = 8


def fitting_batch(network: Network) -> int:
    """Pictures a batch: fewer where they are larger."""
    return next((batch for side, batch in BATCHES if max(network.input_size) <= side), SMALLEST_BATCH)


@dataclass(frozen=True)
class DecoderProgress(Progress):
    """The loss is the mean squared error; the last one has the card."""

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

    With a `checkpoint` the run is resumed where that file says, and draws what an unbroken run would have drawn; a
    file of another network, recipe or data is passed over, and so is a damaged one. It is written every few seconds,
    when one stops, and is gone when the decoder is there; a disk that refuses it does not end the training. The
    arithmetic is bfloat16 where the device has it, else float32, and stays that in which the run began. The error is
    measured on the weights as stored. Raises ValueError where there are too few pictures, and OSError where the
    disk refuses the decoder.
    """
    if len(pictures.train) < 2 or not len(pictures.held_out):
        raise ValueError(
            f"expected at least two pictures to train on and one held out, got {len(pictures.train)} and "
            f"{len(pictures.held_out)}; choose a folder with more pictures"
        )
    device = torch.device(device)
    h = Feature(network.module, layer, device)
    decoder = _new(network, layer, settings).to(device)
    optimizer = torch.optim.Adam(decoder.parameters(), settings.peak_lr, betas=(0.9, 0.99))
    seen = hashlib.sha256(pictures.train.numpy().data).hexdigest()
    recipe = "\n".join((network.fingerprint, repr(layer), seen, repr(settings)))
    half_width = _half_width(recipe, device, checkpoint)
    run = Run(decoder, optimizer, settings.steps, 0.2, recipe if half_width else recipe + FLOAT32)
    if checkpoint is not None:
        run.resume(checkpoint)

    def loss(step: int) -> Tensor:
        x = batch(pictures.train, settings, step).to(device).float() / 255
        with torch.no_grad():
            rows = h((x - decoder.mean) / decoder.std)
        with torch.autocast(device.type, torch.bfloat16, enabled=half_width):
            guess = decoder(rows)
        return (guess.float() - x).square().mean()

    with closing(run.train(loss)) as steps:
        for at in steps:
            yield DecoderProgress(**vars(at))
    decoder.cpu().eval().requires_grad_(False)
    decoder.load_state_dict(half_weights(decoder))
    error = held_out_error(decoder.to(device), h, pictures.held_out)
    card = _card(network, layer, pictures, settings, decoder.cpu(), half_width, error)
    save_decoder(decoder, card, folder)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    yield DecoderProgress(run.step, settings.steps, run.loss, 0.0, card=card)


def _half_width(recipe: str, device: torch.device, checkpoint: Path | None) -> bool:
    """Whether the run is one in bfloat16: as its checkpoint was begun, else as suits the device."""
    begun = None if checkpoint is None else read_checkpoint(checkpoint)
    told = None if begun is None else begun["recipe"]
    return told == recipe if told in (recipe, recipe + FLOAT32) else computes_bfloat16(device)


def _new(network: Network, layer: Layer, settings: DecoderSettings) -> Decoder:
    with drawn_apart():
        torch.default_generator.manual_seed(settings.seed)
        return Decoder(layer.shape, network.input_size, settings.blocks, network.mean, network.std)


def batch(pictures: Tensor, settings: DecoderSettings, step: int) -> Tensor:
    """Pictures (B, 3, H, W) of one step, half of them mirrored; they depend on the seed and the step alone."""
    generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
    rows = torch.randint(len(pictures), (settings.batch,), generator=generator)
    flip = torch.rand(len(rows), generator=generator) < 0.5
    chosen = pictures[rows]
    return torch.where(flip.view(-1, 1, 1, 1), chosen.flip(3), chosen)


@torch.no_grad()
def held_out_error(decoder: Decoder, h: Feature, pictures: Tensor) -> float:
    """Root mean square error of the reconstructions of uint8 pictures (N, 3, H, W), of values in [0, 1]."""
    total = 0.0
    for part in torch.split(pictures, 64):
        x = part.to(decoder.mean.device).float() / 255
        guess = decoder(h((x - decoder.mean) / decoder.std))
        total += (guess - x).square().mean(dim=(1, 2, 3)).sum().item()
    return (total / len(pictures)) ** 0.5


def _card(
    network: Network,
    layer: Layer,
    pictures: DecoderPictures,
    settings: DecoderSettings,
    decoder: Decoder,
    half_width: bool,
    error: float,
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
        mean=network.mean,
        std=network.std,
        data=pictures.data,
        steps=settings.steps,
        batch=settings.batch,
        seed=settings.seed,
        error=error,
        held_out=len(pictures.held_out),
        digest=weights_digest(half_weights(decoder)),
        arithmetic="bfloat16" if half_width else "float32",
    )
