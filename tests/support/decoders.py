"""A tiny network, and decoders of it that are soon trained."""

from functools import cache
from pathlib import Path

import torch
from torch import nn

from explainers.decoders.cards import DecoderCard
from explainers.decoders.pictures import BirdSource, DecoderPictures, prepare_pictures
from explainers.decoders.training import DecoderSettings, train_decoder
from explainers.networks.catalogue import Network, fingerprint
from explainers.networks.layers import find_layers
from explainers.networks.preprocessing import Preprocessing

SIDE = 16


LAYER = "conv1"


STEPS = (10, 40, 800)


@cache
def tiny() -> Network:
    """A network of one convolution and a head, with random weights, for pictures of 16×16 pixels."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 4)).eval()
    return Network(
        name="tiny",
        family="tests",
        title="Tiny",
        module=module.requires_grad_(False),
        preprocessing=Preprocessing(SIDE, SIDE, (0.5,) * 3, (0.25,) * 3),
        layers=find_layers(module, torch.zeros(1, 3, SIDE, SIDE)),
        classes=("a", "b", "c", "d"),
        data="none",
        accuracy=None,
        accuracy_note="",
        source="a test",
        fingerprint=fingerprint("tiny", module),
    )


@cache
def birds() -> DecoderPictures:
    *_, pictures = prepare_pictures(tiny(), BirdSource(40))
    return pictures


def train(folder: Path, pictures: DecoderPictures | None = None, steps: int = 10, **more) -> DecoderCard:
    settings = DecoderSettings(steps=steps, batch=8)
    *_, last = train_decoder(tiny(), tiny().layer(LAYER), pictures or birds(), settings, folder, **more)
    return last.card
