"""The values of a map as they are shown and taken away."""

import numpy as np

from explainers import CIDResult
from explainers.cid.results import RUResult


def cells_of(result: CIDResult) -> np.ndarray:
    """The map as one value per cell (rows, columns), nats; of RU, one per pixel."""
    entropy, (rows, columns) = result.entropy[0, 0], result.sigma.shape[-2:]
    if isinstance(result, RUResult):
        return entropy.numpy()
    return entropy[:: entropy.shape[0] // rows, :: entropy.shape[1] // columns].numpy()


def values_of(found: object) -> np.ndarray:
    """The map as (rows, columns): one value per cell of the noise, or per pixel."""
    return cells_of(found) if isinstance(found, CIDResult) else found.map[0, 0].numpy()
