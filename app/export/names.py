"""Names of files that say what is in them."""

import re

from app.export.record import Taken
from app.inputs.crop import split

LONGEST = 120


def stem(*parts: str) -> str:
    """The parts, joined by hyphens, without anything that a file system or a shell takes for its own.

    >>> stem("resnet20-cifar10", "layer1.0", "cid", "bird/1")
    'resnet20-cifar10-layer1.0-cid-bird-1'
    >>> stem("", "../a b", "x" * 200)[:12], stem("…")
    ('a-b-xxxxxxxx', 'map')
    """
    plain = "-".join(part for part in parts if part)
    return re.sub(r"[^A-Za-z0-9._]+", "-", plain).strip("-._")[:LONGEST] or "map"


def cell_name(ending: str, cell: Taken) -> str:
    """network-layer-method-picture; an upload goes by its title, as its key says nothing."""
    picture = picture_part(cell.picture, cell.picture_title)
    return f"{stem(cell.network, cell.layer, cell.method, picture)}.{ending}"


def picture_part(key: str, title: str) -> str:
    """What stands for a picture in a name, whichever part of it is used.

    >>> picture_part("bird/1@0,0,1,0.5", "Wren"), picture_part("upload/0fe1", "my cat.png")
    ('bird/1', 'my cat')
    """
    return title.rpartition(".")[0] or title if key.startswith("upload/") else split(key)[0]
