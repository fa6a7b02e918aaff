"""Photographs that come with scikit-image's package, each with a box drawn by hand around its subject."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from explainers.datasets.pictures import open_picture


@dataclass(frozen=True)
class Photograph:
    """`box` = (x0, y0, x1, y1) in pixels, half-open, around the subject; `source` names the owner."""

    name: str
    title: str
    file: str
    size: tuple[int, int]
    box: tuple[int, int, int, int]
    subject: str
    source: str

    @property
    def path(self) -> Path:
        """Its file in scikit-image's installed package."""
        return _folder() / self.file

    def load(self) -> Image.Image:
        """The picture as RGB, `size` pixels (width, height)."""
        return open_picture(self.path)


def _folder() -> Path:
    # Not through `skimage.data`: its loaders go to the network when a file has another hash.
    found = find_spec("skimage")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "data"


_ALL = (
    Photograph(
        "astronaut", "Astronaut", "astronaut.png", (512, 512), (18, 10, 512, 512), "Eileen Collins",
        "NASA, Great Images in NASA; public domain",
    ),
    Photograph(
        "cat", "Cat", "chelsea.png", (451, 300), (0, 0, 374, 300), "Chelsea the cat",
        "Stefan van der Walt; CC0",
    ),
    Photograph(
        "coffee", "Cup of coffee", "coffee.png", (600, 400), (79, 15, 478, 385), "cup with its saucer",
        "Rachel Michetti; CC0",
    ),
    Photograph(
        "rocket", "Rocket", "rocket.jpg", (640, 427), (306, 126, 344, 418), "Falcon 9 on its pad",
        "SpaceX, DSCOVR launch; public domain",
    ),
    Photograph(
        "motorcycle", "Motorcycle", "motorcycle_left.png", (741, 500), (98, 72, 690, 460), "motorcycle",
        "Scharstein et al., Middlebury stereo benchmark, 2014",
    ),
    Photograph(
        "cameraman", "Cameraman", "camera.png", (512, 512), (0, 62, 330, 512), "man with his camera",
        "Lav Varshney; CC0",
    ),
    Photograph(
        "retina", "Retina", "retina.jpg", (1411, 1411), (130, 548, 315, 756), "optic disc",
        "Häggström, Medical gallery of Mikael Häggström, 2014; CC0",
    ),
)  # fmt: skip


def photographs() -> tuple[Photograph, ...]:
    """The photographs whose files are installed, in a fixed order; no network is ever used.

    >>> [photograph.name for photograph in photographs()][:4]
    ['astronaut', 'cat', 'coffee', 'rocket']
    """
    if find_spec("skimage") is None:
        return ()
    return tuple(photograph for photograph in _ALL if (_folder() / photograph.file).is_file())
