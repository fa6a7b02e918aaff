"""Beyond the paper: which of the layer-wise findings survive another statistic, another β, other pictures."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from explainers.cid.results import CIDSettings
from explainers.studies import layers
from explainers.studies.base.effects import difference, values
from explainers.studies.base.study import Axis, Claim, Leg, Study
from explainers.studies.base.verdicts import Effect

TENTH, TENFOLD = (replace(CIDSettings(), beta=CIDSettings.beta * factor) for factor in (0.1, 10))
# Layers that both networks have, and that are cheap enough for every variation.
SHORT = {
    "resnet20-cifar10": ("ResNet-20", ("conv1", "layer2.2", "layer3.2")),
    "resnet44-cifar10": ("ResNet-44", ("conv1", "layer2.6", "layer3.6")),
}
PHOTOGRAPHS = "photographs"
STATED = {
    "β a tenth": "with β a tenth as large",
    "β tenfold": "with β ten times as large",
    PHOTOGRAPHS: "on photographs",
}
VARIATIONS = {"β a tenth": TENTH, "β tenfold": TENFOLD}


def signs(of: Callable[[pd.DataFrame], Effect]) -> Callable[[pd.DataFrame], Effect]:
    """The effect with every value replaced by its sign: the share of pictures as claimed minus that of the others."""

    def found(long: pd.DataFrame) -> Effect:
        return Effect(np.sign(of(usual(long)).values))

    return found


def usual(long: pd.DataFrame) -> pd.DataFrame:
    """The rows of the study layer by layer."""
    return long[~long["series"].str.contains(" · ")]


def deeper(variation: str) -> Callable[[pd.DataFrame], Effect]:
    """ResNet-44 minus ResNet-20 under a variation, mean over three ends of stages."""

    def of(long: pd.DataFrame) -> Effect:
        deep, shallow = (
            values(long, quantity="CID", series=f"{name} · {variation}") for name in ("ResNet-44", "ResNet-20")
        )
        return difference(deep, shallow)

    return of


def rises(variation: str) -> Callable[[pd.DataFrame], Effect]:
    """Last of three layers minus first under a variation, mean over both networks."""

    def of(long: pd.DataFrame) -> Effect:
        names = [f"{title} · {variation}" for title, _ in SHORT.values()]
        ends = [[where[end] for _, where in SHORT.values()] for end in (-1, 0)]
        last, first = (values(long, quantity="CID", series=names, at=at) for at in ends)
        return difference(last, first)

    return of


def _ranked() -> tuple[Claim, ...]:
    return tuple(
        replace(
            claim,
            name=f"{claim.name}-signs",
            says=f"{claim.says.removesuffix('.')}, by signs alone.",
            measured=f"share of pictures in which this is above zero minus that below: {claim.measured}",
            unit="of 1",
            effect=signs(claim.effect),
            printed="",
        )
        for claim in layers.STUDY.claims
        if not claim.same
    )


def _varied() -> tuple[Claim, ...]:
    known = {claim.name: claim for claim in layers.STUDY.claims}
    return tuple(
        replace(
            known[name],
            name=f"{name}-{number}",
            says=f"{known[name].says.removesuffix('.')}, {STATED[variation]}.",
            measured=words,
            effect=made(variation),
            printed="",
        )
        for number, variation in enumerate((*VARIATIONS, PHOTOGRAPHS))
        for name, made, words in (
            ("deeper-cid", deeper, "CID of ResNet-44 minus that of ResNet-20, mean over three ends of stages"),
            ("rises", rises, "CID of the last of three layers minus that of the first, mean over ResNet-20 and -44"),
        )
    )


STUDY = Study(
    name="robustness",
    title="Are the trends real?",
    question="Which of the findings survive another statistic, another β and other pictures?",
    figure="beyond the paper",
    claims=(*_ranked(), *_varied()),
    axes=(Axis("CID", "mean CID (nats per input variable)"),),
    legs=(
        *(
            Leg(name, places, settings=settings, series=f"{title} · {variation}", pictures=6)
            for variation, settings in VARIATIONS.items()
            for name, (title, places) in SHORT.items()
        ),
        *(
            Leg(name, places, series=f"{title} · {PHOTOGRAPHS}", pictures=7, source=PHOTOGRAPHS)
            for name, (title, places) in SHORT.items()
        ),
    ),
    uses=("layers",),
    arrange=lambda long: long.assign(x=long["depth"]),
    note="One training of each network: what another seed of the training would change is not in these intervals.",
)
