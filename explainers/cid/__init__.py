"""CID: how much of each input variable a layer does not use, in nats."""

from explainers.cid.explain import CID

__all__ = ["CID"]
