"""One call for every way to judge a method; what is asked for is told by the type of its settings."""

from collections.abc import Iterator

from explainers.evaluation.methods import RANDOM, MapSettings, map_passes, refusal
from explainers.evaluation.pictures import Pictures
from explainers.evaluation.randomised import RandomisationSettings, randomise, shown_stages
from explainers.evaluation.scores import EvaluationSettings, Judged, evaluate
from explainers.evaluation.stability import StabilitySettings, stability
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer


def judge(network: Network, layer: Layer, method: str, pictures: Pictures, settings: MapSettings) -> Iterator[Judged]:
    """Ever more of what is asked for, last the whole. Raises ValueError where the method does not apply."""
    if isinstance(settings, RandomisationSettings):
        return randomise(network, layer, method, pictures, settings)
    if isinstance(settings, StabilitySettings):
        return stability(network, layer, method, pictures, settings)
    assert isinstance(settings, EvaluationSettings)
    return evaluate(network, layer, method, pictures, settings)


def judgeable(method: str, network: Network, layer: Layer, settings: MapSettings) -> str | None:
    """Why this cannot be judged; None where it can."""
    if method == RANDOM and not isinstance(settings, EvaluationSettings):
        return "a random order looks at neither the network nor the picture"
    return refusal(method, network, layer)


def judged_pictures(settings: MapSettings, available: int) -> int:
    """How many of the `available` pictures are judged.

    >>> judged_pictures(StabilitySettings(pictures=8), 24), judged_pictures(EvaluationSettings(), 24)
    (8, 24)
    """
    return min(getattr(settings, "pictures", available), available)


def expected_passes(method: str, network: Network, settings: MapSettings) -> int:
    """Forward and backward passes for one picture, to estimate how long it takes."""
    maps = map_passes(method, network, settings)
    if isinstance(settings, RandomisationSettings):
        return maps * (1 + len(shown_stages(network.module, settings.stages)))
    if isinstance(settings, StabilitySettings):
        return maps * (1 + settings.samples)
    assert isinstance(settings, EvaluationSettings)
    return maps + len(settings.fractions)
