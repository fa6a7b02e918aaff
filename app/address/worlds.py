"""Networks and pictures that belong together: what a network has learnt from, and what of the gallery is like that."""

from dataclasses import dataclass
from functools import lru_cache

from explainers.networks.catalogue import Network, network_catalogue

BIRD, LOOKALIKE, TISSUE, UPLOAD = "bird/1", "lookalike/1", "tissue/0", "upload/"


@dataclass(frozen=True)
class World:
    """What its networks have learnt from, in words; `pictures`: beginnings of keys; `usual`: one to begin with.

    `narrow`: whatever they are shown, they answer with one of a few kinds of things.
    """

    knows: str
    pictures: tuple[str, ...]
    usual: str
    narrow: bool = True


# By words in what a network, or its entry in the catalogue, says of its data.
WORLDS = {
    "look-alikes": World("rendered birds that look alike", ("lookalike/",), LOOKALIKE),
    "rendered birds": World("rendered birds", ("bird/",), BIRD),
    "CIFAR-10": World(
        "aeroplanes, cars, birds, cats, deer, dogs, frogs, horses, ships and lorries", ("bird/", "photo/cat"), BIRD
    ),
    "electron-microscopy": World("cell membranes under the microscope", ("tissue/",), TISSUE),
    "ImageNet": World("photographs of a thousand kinds of things", ("photo/", "bird/"), BIRD, narrow=False),
}


def world(data: str) -> World | None:
    """The world of networks that have learnt from `data`; None where it is not known.

    >>> world("rendered birds").usual, world("unknown")
    ('bird/1', None)
    """
    return next((one for words, one in WORLDS.items() if words in data), None)


@lru_cache(maxsize=64)
def world_of(name: str) -> World | None:
    """That of a network of the catalogue."""
    return next((world(entry.data) for entry in network_catalogue() if entry.name == name), None)


def usual(name: str) -> str:
    """The picture that a network begins with.

    >>> usual("unet-membranes"), usual("alexnet-birds"), usual("own/1")
    ('tissue/0', 'bird/1', 'bird/1')
    """
    known = world_of(name)
    return BIRD if known is None else known.usual


def fitting(key: str, name: str) -> str:
    """The picture to go on with under another network: the same where it knows such pictures, or where nobody can tell.

    >>> fitting("bird/3", "unet-membranes"), fitting("tissue/0", "vgg16-birds"), fitting("photo/cat", "vgg16-birds")
    ('tissue/0', 'bird/1', 'bird/1')
    >>> fitting("photo/cat", "resnet20-cifar10"), fitting("upload/1", "unet-membranes")
    ('photo/cat', 'upload/1')
    """
    known = world_of(name)
    return key if known is None or key.startswith((UPLOAD, *known.pictures)) else known.usual


def strange(key: str, network: Network) -> str:
    """A line of warning where a network knows nothing of such pictures, or where nobody can tell; else empty."""
    known = world(network.data)
    if known is None or key.startswith(known.pictures):
        return ""
    answer = "what it gives back" if network.reconstructs else "its answer"
    if key.startswith(UPLOAD):
        text = f"{network.title}: it knows {known.knows} alone. Of other pictures {answer} means nothing."
        return text if known.narrow else ""
    return (
        f"{network.title}: it has learnt from {known.knows} alone, and this is none of them. "
        f"{answer.capitalize()} means nothing; its maps show what it makes of something that it does not know."
    )
