"""How much of each input pixel a network's layer has thrown away, in nats."""

from explainers.checkpoints.errors import CheckpointError, ChoiceNeededError
from explainers.cid.concentration import concentration
from explainers.cid.explain import CID
from explainers.cid.results import CIDResult, CIDSettings, RUResult, absolute_range
from explainers.devices import best_device
from explainers.networks.added import add_network
from explainers.networks.catalogue import Network, load_checkpoint, load_network, network_catalogue
from explainers.networks.downloads import WeightsUnavailable
from explainers.networks.layers import Layer, find_layers
from explainers.ru.explain import RU

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
