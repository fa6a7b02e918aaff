"""Networks: the catalogue, their layers and features, and whether they can be explained at all."""

from explainers.networks.catalogue import (
    Network,
    NetworkEntry,
    fingerprint,
    load_checkpoint,
    load_network,
    network_catalogue,
)

__all__ = ["Network", "NetworkEntry", "fingerprint", "load_checkpoint", "load_network", "network_catalogue"]
