"""How much of each input pixel a network's layer has thrown away, in nats."""

from explainers.cid import CID
from explainers.concentration import concentration
from explainers.devices import best_device
from explainers.results import CIDResult, CIDSettings, absolute_range

__all__ = ["CID", "CIDResult", "CIDSettings", "absolute_range", "best_device", "concentration"]
