"""All studies by name, in the order of the paper."""

from explainers.studies import (
    accuracy,
    adversarial,
    beta,
    blocks,
    cost,
    damage,
    distillation,
    epochs,
    halved,
    layers,
    localisation,
    maps,
    perturbation,
    pruning,
    removal,
    rescaling,
    robustness,
    shortcut,
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
        perturbation,
        damage,
        epochs,
        adversarial,
        rescaling,
        blocks,
        cost,
        halved,
        robustness,
        shortcut,
    )
}
