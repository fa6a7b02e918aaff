"""Appendix J: RU with decoders of six and of eight residual blocks."""

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd
from torch import Tensor

from explainers.cid.results import CIDSettings
from explainers.decoders.cards import find_decoder, load_decoder
from explainers.evaluation.alike import rank_correlation
from explainers.methods.entropies import RU_NAME
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.ru.explain import RU
from explainers.storage.versions import method_version
from explainers.streams import last
from explainers.studies.base.effects import difference, effect, values
from explainers.studies.base.scores import Measured, Task
from explainers.studies.base.study import Axis, Claim, Study
from explainers.studies.base.verdicts import Effect
from explainers.sweeps.items import Item

NETWORK, LAYERS = "resnet20-cifar10", ("conv1", "layer1.2", "layer2.2")
SETTINGS = CIDSettings(refine=False)
SIX, EIGHT = "six blocks", "eight blocks"
MEAN, ALIKE = "RU", "rank correlation"
ABOUT = f"blocks {SETTINGS} {method_version(RU_NAME)}"


def measure(network: Network, layer: Layer, item: Item) -> Iterator[Measured]:
    """Mean RU by both decoders, and the rank correlation of the maps."""
    x = item.seen_by(network).x[None]
    maps: dict[str, Tensor] = {}
    for name, blocks in ((SIX, 6), (EIGHT, 8)):
        card = find_decoder(network, layer, blocks)
        assert card is not None
        maps[name] = last(RU(network.module, layer, load_decoder(card)).stream(x, SETTINGS)).entropy
        yield Measured(name, MEAN, float(maps[name].double().mean()))
    yield Measured("both", ALIKE, rank_correlation(maps[SIX].numpy(), maps[EIGHT].numpy()))


def tasks(items: Sequence[Item], quick: bool) -> Iterable[Task]:
    """One for each layer and picture."""
    return [Task(NETWORK, layer, item, ABOUT, measure) for layer in LAYERS for item in items]


def arrange(long: pd.DataFrame) -> pd.DataFrame:
    """A curve for each decoder through the layers."""
    return long.assign(series=long["method"], x=long["depth"])


def apart(long: pd.DataFrame) -> Effect:
    """RU by eight blocks minus RU by six, mean over the layers."""
    return difference(values(long, quantity=MEAN, method=EIGHT), values(long, quantity=MEAN, method=SIX))


def unlike(long: pd.DataFrame) -> Effect:
    """One minus the rank correlation, mean over the layers."""
    return effect(1 - values(long, quantity=ALIKE))


STUDY = Study(
    name="blocks",
    title="Six and eight blocks",
    question="Does RU depend on how deep its decoder is?",
    figure="App. J",
    claims=(
        Claim(
            "mean",
            "RU values do not change significantly over different decoders.",
            "Section 3.3, App. J",
            "mean RU by eight blocks minus that by six, three layers of ResNet-20",
            "nats",
            apart,
            0.1,
            same=True,
        ),
        Claim(
            "alike",
            "Maps by decoders of six and of eight blocks look alike.",
            "App. J",
            "one minus the rank correlation of the two maps, three layers of ResNet-20",
            "of 1",
            unlike,
            0.1,
            same=True,
        ),
    ),
    axes=(Axis(MEAN, "mean RU (nats per input variable)"), Axis(ALIKE, "rank correlation of the maps")),
    tasks=tasks,
    pictures=12,
    arrange=arrange,
    differs="ResNet-20 and rendered birds; the decoders were trained for minutes, not to convergence; RU with "
    "the noise of CID's closed form.",
)
