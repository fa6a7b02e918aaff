"""All studies by name, in the order of the paper."""

from explainers.studies import (
    accuracy,
    adversarial,
    beta,
    blocks,
    cost,
    damage,
    distillation,
    halved,
    layers,
    localisation,
    maps,
    pruning,
    removal,
    rescaling,
    robustness,
)
from explainers.studies.base.study import Study

STUDIES: dict[str, Study] = {
    one.STUDY.name: one.STUDY
    for one in (
        layers,
        accuracy,
        beta,
        maps,
        removal,
        localisation,
        pruning,
        distillation,
        damage,
        adversarial,
        rescaling,
        blocks,
        cost,
        halved,
        robustness,
    )
}
