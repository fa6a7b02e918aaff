"""What a method's maps are worth over many pictures, as a request."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from explainers.datasets.preparing import Preparing
from explainers.evaluation.judge import expected_passes, judge, judgeable, judged_pictures
from explainers.evaluation.methods import MapSettings, dependence
from explainers.evaluation.pictures import Birds, Folder, Pictures, prepared
from explainers.evaluation.scores import Judged
from explainers.methods.request import MAP_LANE, Workbench, weights_of
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.storage.digest import digest
from explainers.storage.versions import method_version


@dataclass(frozen=True, eq=False)
class JudgementRequest:
    """The type of `settings` tells the way of judging: scores, random weights or stability."""

    network: Network
    layer: Layer
    method: str
    data: Birds | Folder
    settings: MapSettings
    lane: ClassVar[str] = MAP_LANE

    @property
    def key(self) -> str:
        """SHA-256 of all that the judgement depends on; of the layer only where the method looks at it."""
        versions = (method_version("scores"), method_version(self.method))
        looked_at = dependence(self.method, self.network, self.layer)
        return digest(*versions, *weights_of(self.network), self.data.key, repr(self.settings), *looked_at)

    @property
    def refusal_key(self) -> str:
        """What `refusal` depends on."""
        looked_at = (self.layer.path, str(self.layer.call), *dependence(self.method, self.network, self.layer))
        way = type(self.settings).__name__
        return digest("refusal", self.network.fingerprint, self.method, way, *looked_at)

    @property
    def cost(self) -> int:
        """About how many forward and backward passes all pictures take."""
        passes = expected_passes(self.method, self.network, self.settings)
        return passes * judged_pictures(self.settings, len(self.data))

    def refusal(self) -> str | None:
        """Why there is none, in one sentence; None where there is one."""
        return judgeable(self.method, self.network, self.layer, self.settings)

    def stream(self, bench: Workbench) -> Iterator[Preparing | Judged]:
        """How far the pictures are, where they are not on the shelf; then ever more of the answer."""
        place = digest("pictures", self.network.fingerprint, self.data.key)
        pictures: Pictures | None = bench.shelf.get(place)
        if pictures is None:
            pictures = yield from prepared(self.network, self.data)
            bench.shelf.put(place, pictures)
        yield from judge(self.network, self.layer, self.method, pictures, self.settings)
