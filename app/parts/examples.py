"""Six examples to begin with, whose results ship: each a picture, a sentence and a link."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from urllib.parse import urlencode

import streamlit as st

from app.figures.raster import address_of
from app.jobs.backend import shipped_results
from explainers.methods.entropies import CID_NAME, RU_NAME


@dataclass(frozen=True)
class Example:
    """`page` is "" for Explore; `query` are the parts of its address; `press` is a button that starts its work.

    `method` is the kind of map that its thumbnail shows, of the layer called `layer`.
    """

    slug: str
    title: str
    sentence: str
    page: str = ""
    query: Mapping[str, str] = field(default_factory=dict, hash=False)
    press: str = ""
    method: str = CID_NAME
    layer: str = ""

    @property
    def address(self) -> str:
        """Relative to the app's root.

        >>> Example("a", "A", "…", "compare", {"layer": "fc"}).address, Example("b", "B", "…").address
        ('compare?layer=fc', './')
        """
        return f"{self.page or './'}{'?' if self.query else ''}{urlencode(self.query)}"

    @property
    def thumbnail(self) -> str:
        """The name of its picture among what ships."""
        return f"{self.slug}.png"


RESNET = "resnet20-cifar10"
EXAMPLES = (
    Example(
        "depth",
        "A bird through AlexNet",
        "Layer after layer throws more away, the background before the bird.",
        query={"view": "layers"},
        press="layers_again",
        layer="fc6",
    ),
    Example(
        RU_NAME,
        "Used or recoverable",
        "What a layer does not use (CID) beside what cannot be recovered from it (RU).",
        query={"network": RESNET, "methods": "cid ru", "layers": "conv1 layer3.2"},
        method=RU_NAME,
        layer="layer3.2",
    ),
    Example(
        "rescaling",
        "The same network in other numbers",
        "No answer moves by a bit, and yet some maps grow fourfold.",
        page="fairness",
        query={"network": RESNET},
    ),
    Example(
        "photograph",
        "A photograph through SqueezeNet",
        "What three of its layers keep of a cat: CID beside Grad-CAM.",
        query={
            "network": "squeezenet-cifar10",
            "picture": "photo/cat",
            "methods": "cid grad_cam",
            "layers": "fire2 fire5 fire9",
        },
        layer="fire9",
    ),
    Example(
        "cells",
        "Cells under the microscope",
        "What a network that marks membranes, pixel by pixel, keeps of a slice of tissue.",
        query={"network": "unet-membranes", "methods": "cid", "layers": "down2.conv2 down4.conv2 up2.conv2"},
        layer="up2.conv2",
    ),
    Example(
        "two",
        "Two networks compared",
        "Where does a deeper network throw away more of a bird, and where less?",
        page="compare",
        query={"network": RESNET, "other": "resnet32-cifar10", "layer": "layer3.2"},
        layer="layer3.2",
    ),
)


CARD = '<a href="{address}"><img src="{picture}" alt=""><strong>{title}</strong><span>{sentence}</span></a>'
# No color but those of the theme's own text: cards stand on light and dark pages.
CSS = """
<style>
.examples {display:grid; grid-template-columns:repeat(auto-fill, minmax(150px, 1fr)); gap:12px}
.examples a {display:flex; flex-direction:column; gap:2px; color:inherit; text-decoration:none; font-size:.875rem}
.examples a:hover strong {text-decoration:underline}
.examples img {width:100%; aspect-ratio:2; object-fit:cover; border-radius:6px; image-rendering:pixelated}
</style>
"""


def cards() -> None:
    """The six in a row that wraps; nothing where what ships is not there."""
    store = shipped_results()
    pictures = {example: store.file(example.thumbnail) for example in EXAMPLES} if store else {}
    shown = [
        CARD.format(
            address=escape(example.address), picture=address_of(data), title=example.title, sentence=example.sentence
        )
        for example, data in pictures.items()
        if data is not None
    ]
    if shown:
        st.markdown("**Examples to begin with**")
        st.html(f'{CSS}<div class="examples">{"".join(shown)}</div>')
