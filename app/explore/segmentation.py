"""What a segmentation network answers: how much of the picture each class takes, and where."""

import streamlit as st

from app.figures.predictions import prediction_figure
from app.figures.segmentation import segmentation_figure
from app.figures.style import PLAIN_CONFIG
from app.jobs.backend import Backend
from app.parts.look import look
from explainers.methods.network_input import NetworkInput
from explainers.networks.catalogue import Network

HELP = (
    "This network gives every pixel a class of its own. The bars count pixels; the map shows the probability of the "
    "last class. Methods that explain a class explain its mean score over all pixels."
)


def segmentation(backend: Backend, network: Network, network_input: NetworkInput) -> None:
    """Shares of the pixels, and the probability of the last class at each of them."""
    st.markdown("**What the network answers**, pixel by pixel", help=HELP)
    shares = backend.predictions(network, network_input)
    probability = backend.answer(network, network_input)[-1].numpy()
    config = PLAIN_CONFIG | {"displayModeBar": False}
    st.plotly_chart(
        prediction_figure(shares, look(), quantity="share of the pixels"),
        theme=None,
        key="figure_predictions",
        config=config,
        alt="Shares of the pixels: " + ", ".join(f"{name} {share:.0%}" for name, share in shares),
    )
    st.plotly_chart(
        segmentation_figure(probability, network.classes[-1], look()),
        theme=None,
        key="figure_segmentation",
        config=config,
        alt=f"Probability of {network.classes[-1]} at every pixel",
    )
