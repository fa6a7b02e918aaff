"""A picture of the app as one network sees it."""

from app.inputs.pictures import Picture
from explainers.methods.network_input import NetworkInput, network_input
from explainers.networks.catalogue import Network


def prepare(network: Network, picture: Picture) -> NetworkInput:
    """The picture through the network's own scaling, cropping and normalisation, its foreground with it."""
    return network_input(network, picture.image, picture.mask, picture.box, picture.title, picture.key)
