"""Every frame of a map, as a page shows it, beside what the map turns out to be."""

from dataclasses import dataclass

from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from app.parts.previews import preview_mean
from app.words import read
from explainers import CID, CIDSettings
from explainers.cid.certainty import mean_uncertainty
from explainers.networks.catalogue import Network


@dataclass(frozen=True)
class Walk:
    """Means as the previews of a map write them, and the mean of the finished map with its uncertainty, in nats."""

    previews: tuple[float, ...]
    mean: float
    uncertainty: float

    @property
    def farthest(self) -> float:
        """How far the worst preview is from the end."""
        return max((abs(one - self.mean) for one in self.previews), default=0.0)


def walk(network: Network, layer: str, picture: str, settings: CIDSettings) -> Walk:
    """One map from its first frame to its last."""
    x = prepare(network, find_picture(picture, network.input_size[0])).x[None]
    *before, last = CID(network.module, network.layer(layer)).stream(x, settings)
    written = (preview_mean(frame).removeprefix("about ") for frame in before if frame.mean.isfinite().all())
    return Walk(tuple(read(one) for one in written if one != "…"), float(last.mean[0]), mean_uncertainty(last.numbers))
