"""How much of each input pixel a network's layer has thrown away, in nats."""

from explainers.added_networks import add_network
from explainers.checkpoint_errors import CheckpointError, ChoiceNeededError
from explainers.cid import CID
from explainers.concentration import concentration
from explainers.devices import best_device
from explainers.downloads import WeightsUnavailable
from explainers.layers import Layer, find_layers
from explainers.networks import Network, load_checkpoint, load_network, network_catalogue
from explainers.results import CIDResult, CIDSettings, RUResult, absolute_range
from explainers.ru import RU

__all__ = [
    "CID",
    "RU",
    "CIDResult",
    "CIDSettings",
    "CheckpointError",
    "ChoiceNeededError",
    "Layer",
    "Network",
    "RUResult",
    "WeightsUnavailable",
    "absolute_range",
    "add_network",
    "best_device",
    "concentration",
    "find_layers",
    "load_checkpoint",
    "load_network",
    "network_catalogue",
]
