"""A picture of the app as one network sees it."""

from app.inputs.pictures import Picture
from explainers.methods.network_input import NetworkInput, bounds, filled, network_input
from explainers.networks.catalogue import Network

__all__ = ["Subject", "bounds", "filled", "prepare"]

Subject = NetworkInput


def prepare(network: Network, picture: Picture) -> Subject:
    """The picture through the network's own scaling, cropping and normalisation, its foreground with it."""
    return network_input(network, picture.image, picture.mask, picture.box, picture.title, picture.key)
