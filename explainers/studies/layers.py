"""Figure 5: what a layer discards, from the first to the last, of every network."""

from functools import partial

import pandas as pd

from explainers.cid.results import CIDSettings
from explainers.methods.entropies import RU_NAME
from explainers.studies.base.effects import against, between, difference, mean_of, values
from explainers.studies.base.study import Axis, Claim, Leg, Study
from explainers.studies.base.verdicts import Effect

RESNETS = {
    "resnet20-cifar10": ("ResNet-20", ("conv1", "layer1.2", "layer2.2", "layer3.2", "fc")),
    "resnet32-cifar10": ("ResNet-32", ("conv1", "layer1.4", "layer2.4", "layer3.4", "fc")),
    "resnet44-cifar10": ("ResNet-44", ("conv1", "layer1.6", "layer2.6", "layer3.6", "fc")),
}
BIRDS = {
    "alexnet-birds": ("AlexNet", ("conv1", "conv2", "conv5", "fc6", "fc8")),
    "vgg16-birds": ("VGG-16", ("conv1-2", "conv2-2", "conv3-3", "conv4-3", "conv5-3", "fc8")),
}
NETWORKS = RESNETS | BIRDS
# Ends of a stage, which networks of different depth have in common.
STAGES = tuple(layer for _, layers in RESNETS.values() for layer in layers)
# The auto-encoders with the residual networks as encoders.
AUTOENCODERS = ("autoencoder20-cifar10", "autoencoder32-cifar10", "autoencoder44-cifar10")


def deeper(long: pd.DataFrame, quantity: str) -> Effect:
    """How far ResNet-44 lies above ResNet-20, mean over the ends of their stages."""
    return between(quantity, "ResNet-44", "ResNet-20")(long)


def rising(long: pd.DataFrame, quantity: str, series: tuple[str, ...]) -> Effect:
    """Last layer minus first, mean over the networks."""
    ends = {title: (layers[0], layers[-1]) for title, layers in NETWORKS.values()}
    parts = [
        values(long, quantity=quantity, series=name, at=ends[name][1])
        - values(long, quantity=quantity, series=name, at=ends[name][0])
        for name in series
    ]
    return mean_of(parts)


def low_layers(long: pd.DataFrame) -> Effect:
    """How much less VGG-16 is concentrated than AlexNet in the first layer."""
    first = values(long, quantity="concentration", series="AlexNet", at="conv1")
    return difference(first, values(long, quantity="concentration", series="VGG-16", at="conv1-2"))


def last_step(long: pd.DataFrame) -> Effect:
    """CID's rise over the fully connected layers minus that over all convolutions, mean over both bird networks."""
    parts: list[pd.DataFrame] = []
    for series, first, middle in (("AlexNet", "conv1", "conv5"), ("VGG-16", "conv1-2", "conv5-3")):
        start, knee, end = (values(long, quantity="CID", series=series, at=at) for at in (first, middle, "fc8"))
        parts.append((end - knee) - (knee - start))
    return mean_of(parts)


STUDY = Study(
    name="layers",
    title="Layer by layer",
    question="How much of the input does each layer discard, and is it the background?",
    figure="Fig. 5",
    claims=(
        Claim(
            "deeper-cid",
            "A deep network discards more input information (CID) than a shallow one.",
            "Section 4, Fig. 5 (a)",
            "CID of ResNet-44 minus that of ResNet-20, mean over the ends of their stages",
            "nats",
            partial(deeper, quantity="CID"),
            0.01,
        ),
        Claim(
            "deeper-ru",
            "A deep network has higher RU than a shallow one.",
            "Section 4, Fig. 5 (b)",
            "RU of ResNet-44 minus that of ResNet-20, mean over the ends of their stages",
            "nats",
            partial(deeper, quantity="RU"),
            0.01,
        ),
        Claim(
            "rises",
            "Information is discarded layer by layer: CID rises from the first layer to the last.",
            "Fig. 5 (a)",
            "CID of the last layer minus that of the first, mean over five networks",
            "nats",
            partial(rising, quantity="CID", series=tuple(title for title, _ in NETWORKS.values())),
            0.01,
            printed="from about −3.0 to −2.8 (the axis)",
        ),
        Claim(
            "concentrates",
            "High layers are more concentrated on the foreground than low layers.",
            "Fig. 5 (c)",
            "concentration of the last layer minus that of the first, mean over AlexNet and VGG-16",
            "nats",
            partial(rising, quantity="concentration", series=("AlexNet", "VGG-16")),
            0.01,
        ),
        Claim(
            "vgg-low",
            "In low layers VGG nets attend more to the background than AlexNet.",
            "Section 4, Fig. 5 (c)",
            "concentration of AlexNet's first layer minus that of VGG-16's",
            "nats",
            low_layers,
            0.01,
        ),
        Claim(
            "vgg-high",
            "In high layers VGG nets are more concentrated on the object than AlexNet.",
            "Section 4, Fig. 5 (c)",
            "concentration of VGG-16's last layer minus that of AlexNet's",
            "nats",
            between("concentration", "VGG-16", "AlexNet", "fc8"),
            0.01,
        ),
        Claim(
            "sharp",
            "Curves become sharp at the last few layers: fully connected layers discard quickly.",
            "Section 4, Fig. 5",
            "CID's rise from the last convolution to the last layer minus its rise over all convolutions, mean over "
            "AlexNet and VGG-16",
            "nats",
            last_step,
            0.01,
        ),
        Claim(
            "autoencoders",
            "Classification and reconstruction have similar CID.",
            "Section 4, Fig. 5 (a)",
            "CID of ResNet-20 minus that of the auto-encoder with its encoder, mean over the ends of the stages",
            "nats",
            against("CID", ["Auto-encoder 20"], "ResNet-20", -1),
            0.1,
            same=True,
        ),
    ),
    axes=(
        Axis("CID", "mean CID (nats per input variable)"),
        Axis("RU", "mean RU (nats per input variable)"),
        Axis("concentration", "concentration (nats)"),
    ),
    legs=(
        *(Leg(name, layers, series=title, pictures=12) for name, (title, layers) in RESNETS.items()),
        *(Leg(name, layers, series=title, pictures=8) for name, (title, layers) in BIRDS.items()),
        *(
            Leg(name, layers, (RU_NAME,), CIDSettings(refine=False), 8, title)
            for name, (title, layers) in RESNETS.items()
        ),
        *(
            Leg(name, RESNETS[f"resnet{depth}-cifar10"][1][:-1], series=f"Auto-encoder {depth}", pictures=12)
            for name, depth in zip(AUTOENCODERS, (20, 32, 44), strict=True)
        ),
    ),
    arrange=lambda long: long.assign(x=long["depth"]),
    differs=(
        "Rendered birds instead of CUB-200-2011, whole pictures with masks instead of crops with boxes, networks "
        "narrowed; the residual networks were trained on CIFAR-10 and see the same birds."
    ),
    note="Refined maps of CID, one cell for each pixel; RU with the noise of CID's closed form, which its mean hardly "
    "depends on, and decoders trained by one recipe, though not to convergence.",
)
