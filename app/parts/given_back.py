"""What a network that gives the picture back makes of it: an auto-encoder's answer."""

from functools import partial

import numpy as np
import streamlit as st

from app.figures.maps import picture_figure
from app.figures.style import PLAIN_CONFIG
from app.jobs.backend import Backend
from app.parts.look import look
from app.words import decimal
from explainers.methods.network_input import NetworkInput
from explainers.networks.catalogue import Network

HEIGHT = 340
HELP = (
    "This network has no classes: from its narrowest layer it paints the picture again. Methods that explain a class "
    "explain the mean brightness of a channel, of the brightest one where none is chosen."
)
ERROR = "Off from the picture, of values from 0 to 1"
ERROR_HELP = "Root mean square, over all pixels and channels, of this picture minus the one that the network sees."


def given_back(backend: Backend, network: Network, network_input: NetworkInput) -> np.ndarray:
    """The picture (H, W, 3) uint8 that the network makes of the one it sees."""
    picture = backend.answer(network, network_input).clamp(0, 1)
    return (picture * 255).round().byte().permute(1, 2, 0).numpy()


def off_by(network_input: NetworkInput, picture: np.ndarray) -> float:
    """Root mean square of the difference, of values from 0 to 1."""
    return float(np.sqrt(np.mean((picture / 255.0 - network_input.picture / 255.0) ** 2)))


def draw(backend: Backend, network: Network, network_input: NetworkInput, key: str) -> None:
    """The picture, and how far it is off."""
    picture = given_back(backend, network, network_input)
    make = partial(picture_figure, picture, look())
    alt = f"{network_input.title}, as the network gives it back"
    st.plotly_chart(make(), theme=None, key=f"figure_{key}", height=HEIGHT, config=PLAIN_CONFIG, alt=alt)
    st.metric(ERROR, decimal(off_by(network_input, picture)), help=ERROR_HELP)
