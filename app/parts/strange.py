"""One line above whatever a page says of a picture that its network knows nothing of."""

import streamlit as st

from app.address.worlds import strange
from explainers.networks.catalogue import Network

GIVEN_BACK = "gives the picture back"


def warn(picture: str, *networks: Network) -> None:
    """Nothing where they belong together."""
    for text in dict.fromkeys(filter(None, (strange(picture, network) for network in networks))):
        st.caption(f":material/warning: **{text.partition(':')[0]}**:{text.partition(':')[2]}")


def answered(picture: str, network: Network, answer: str, share: float) -> str:
    """An answer with its probability, which means nothing where the network knows no such pictures.

    Of a network that gives the picture back it is no answer either.
    """
    if network.reconstructs:
        return GIVEN_BACK
    return f"no answer: {answer}?" if strange(picture, network) else f"{answer} {share:.0%}"
