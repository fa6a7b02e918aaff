"""What is known of the mean of a map that is not finished: its order, and how wrong it may be.

What it has lost is not measured before the end, and while the noise is scaled to the constraint a frame may be off by
several times what it says of itself.
"""

from functools import lru_cache

from app.words import roughly
from explainers import CIDResult, CIDSettings
from explainers.cid.results import RUResult
from explainers.networks.catalogue import Network, network_catalogue

# How many nats the mean of a preview is at most away from that of the finished map, in every layer of the networks that
# ship, at the usual β: tests/app/parts/test_previews.py walks every frame. Of others nobody knows.
OFF = 1.5
# Of a map that was cut short.
UNKNOWN = "its mean may be wrong by an unknown amount"
KNOWN = f"its mean may be wrong by {OFF} nats, the most that a trial of every layer of the networks that ship has found"


def preview_mean(frame: CIDResult) -> str:
    """The mean as a whole number of nats, within `OFF` of the finished map's."""
    return roughly(float(frame.mean[0]))


def measured(network: Network, frame: CIDResult) -> bool:
    """Whether `OFF` holds for this frame: of CID, as it is computed by itself, in a network that ships."""
    usual, now = CIDSettings(), frame.settings
    alike = (now.beta, now.refine, now.method) == (usual.beta, usual.refine, usual.method)
    return alike and not isinstance(frame, RUResult) and network.name in _shipped()


def how_wrong(network: Network, frame: CIDResult) -> str:
    """Of a map that was cut short, in a clause."""
    return KNOWN if measured(network, frame) else UNKNOWN


@lru_cache(maxsize=1)
def _shipped() -> frozenset[str]:
    return frozenset(entry.name for entry in network_catalogue() if entry.shipped)
