"""Names of files that say what is in them."""

import re

from app.crop import split
from app.export.record import Taken

LONGEST = 120


def file_name(ending: str, *parts: str) -> str:
    """The parts, joined by hyphens, without anything that a file system or a shell takes for its own.

    >>> file_name("png", "resnet20-cifar10", "layer1.0", "cid", "bird/1")
    'resnet20-cifar10-layer1.0-cid-bird-1.png'
    >>> file_name("csv", "", "../a b", "x" * 200)[:12]
    'a-b-xxxxxxxx'
    """
    plain = "-".join(part for part in parts if part)
    return f"{re.sub(r'[^A-Za-z0-9._]+', '-', plain).strip('-._')[:LONGEST] or 'map'}.{ending}"


def cell_name(ending: str, cell: Taken) -> str:
    """network-layer-method-picture; an upload goes by its title, as its key says nothing."""
    return file_name(ending, cell.network, cell.layer, cell.method, picture_part(cell.picture, cell.picture_title))


def picture_part(key: str, title: str) -> str:
    """What stands for a picture in a name, whichever part of it is used.

    >>> picture_part("bird/1@0,0,1,0.5", "Wren"), picture_part("upload/0fe1", "my cat.png")
    ('bird/1', 'my cat')
    """
    return title.rpartition(".")[0] or title if key.startswith("upload/") else split(key)[0]
