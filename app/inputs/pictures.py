"""The gallery: pictures by key, with mask and box where there are any, and their thumbnails."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from app.figures.raster import data_address
from explainers.datasets.birds.render import EDITIONS, label_of, render_bird
from explainers.datasets.birds.source import SHOWN
from explainers.datasets.membranes_rendered import render_tissue
from explainers.datasets.photographs import photographs
from explainers.datasets.pictures import read_picture

THUMBNAIL = 96
# Enough that a part of it still fills a network's input.
LONGEST = 2048
SOURCES = {"bird": "Birds", "lookalike": "Look-alikes", "photo": "Photos", "tissue": "Cells", "upload": "Your own"}
TISSUES, DRAWN = 6, 12
# Of a drawn picture; Python refuses to read numbers of thousands of digits.
NUMBER = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True)
class Picture:
    """A picture before any network has seen it; `mask` (H, W) bool and `box` half-open, in its own pixels.

    `notes` are sentences on what had to be guessed when its file was read.
    """

    key: str
    title: str
    image: Image.Image
    mask: np.ndarray | None = None
    box: tuple[int, int, int, int] | None = None
    notes: tuple[str, ...] = ()


class PictureGoneError(LookupError):
    """The picture of that key is not here (any more); the message is a sentence for the reader."""


def gallery(source: str) -> dict[str, str]:
    """Keys and titles of the pictures of a source.

    >>> list(gallery("bird"))[0]
    'bird/0'
    """
    if (edition := EDITIONS.get(source)) is not None:
        names = [edition.species[label_of(index, SHOWN, edition)].capitalize() for index in range(DRAWN)]
        return {f"{source}/{index}": name for index, name in enumerate(names)}
    if source == "tissue":
        return {f"tissue/{index}": f"Tissue {index + 1}" for index in range(TISSUES)}
    return {f"photo/{photo.name}": photo.title for photo in photographs()}


@lru_cache(maxsize=32)
def find_picture(key: str, side: int) -> Picture:
    """The picture of a gallery key; birds are drawn `side` pixels wide. Kept: every rerun of a page asks for it.

    Raises PictureGoneError for a key that is not in the gallery.
    """
    source, _, name = key.partition("/")
    if is_bird(key):
        bird = render_bird(int(name), side, SHOWN, edition=EDITIONS[source])
        return Picture(key, _bird_title(source, int(name)), bird.image, bird.mask, bird.box)
    if source == "tissue" and NUMBER.fullmatch(name):
        tissue = render_tissue(int(name))
        return Picture(key, f"Tissue {int(name) + 1} (rendered)", tissue.image, tissue.mask)
    for photo in photographs():
        if source == "photo" and photo.name == name:
            return Picture(key, photo.title, photo.load(), None, photo.box)
    raise PictureGoneError("expected a picture of the gallery, got one that is not here; choose another")


def _bird_title(source: str, index: int) -> str:
    edition = EDITIONS[source]
    return f"{edition.species[label_of(index, SHOWN, edition)].capitalize()} (rendered)"


def is_bird(key: str) -> bool:
    """Whether the gallery draws a bird for the key."""
    source, _, index = key.partition("/")
    return source in EDITIONS and NUMBER.fullmatch(index) is not None


def titles(keys: Iterable[str]) -> dict[str, str]:
    """What pictures are called, with a number where several show the same; a name that is no key stands for itself.

    >>> list(titles(["bird/1", "bird/3", "bird/27", "my-own.png"]).values())
    ['Cardinal 1 (rendered)', 'Blue jay (rendered)', 'Cardinal 2 (rendered)', 'my-own.png']
    """
    named = {key: _title(key) for key in keys}
    many, seen = Counter(named.values()), Counter[str]()
    for key, title in named.items():
        if many[title] > 1:
            seen[title] += 1
            first, rest, last = title.partition(" (")
            named[key] = f"{first} {seen[title]}{rest}{last}"
    return named


def _title(key: str) -> str:
    source, _, name = key.partition("/")
    if is_bird(key):
        return _bird_title(source, int(name))
    return gallery(source).get(key, key) if source == "photo" else key


def upload(data: bytes, name: str, ground: str = "white", mark: str = "") -> Picture:
    """The picture in an uploaded file, transparent parts on `ground`; its key is a digest of its bytes and the ground.

    Before that stands the `mark` of the session that brought it.

    Raises PictureError with one sentence for anything that is not a picture.
    """
    opened = read_picture(data, longest=LONGEST, ground=ground)
    key = f"upload/{mark}{hashlib.sha256(ground.encode() + data).hexdigest()}"
    return Picture(key, title_of(name), opened.image, notes=opened.notes)


def title_of(name: str) -> str:
    """The name of an uploaded file as text that is nowhere taken for Markdown, HTML or a path.

    >>> title_of("../my cat-2.png"), title_of("![a](b)<i>.png"), title_of("बिल्ली.png")
    ('my cat-2.png', 'abi.png', 'बिल्ली.png')
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(sign for sign in last if _of_a_name(sign))
    plain = " ".join(re.sub(r"_(?=_)", "", kept).split()).strip("_")
    return plain[:59] + "…" if len(plain) > 60 else plain or "picture"


def _of_a_name(sign: str) -> bool:
    """Letters, digits, the marks that many scripts write over and beside them, and a few signs."""
    return unicodedata.category(sign)[0] in "LNM" or sign.isspace() or sign in "_.,+-\u200c\u200d"


@lru_cache(maxsize=256)
def thumbnail(key: str) -> str:
    """A small square JPEG of a gallery picture as a data address."""
    return as_thumbnail(find_picture(key, THUMBNAIL).image)


def as_thumbnail(image: Image.Image) -> str:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    small = image.crop((left, top, left + side, top + side)).resize((THUMBNAIL, THUMBNAIL))
    return data_address(small.convert("RGB"), "JPEG", quality=82)
