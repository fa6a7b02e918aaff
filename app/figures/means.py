"""How the mean of a map is written wherever it stands in words."""

from collections.abc import Mapping
from typing import Any

from app.words import known, roughly
from explainers.cid.certainty import is_certain, is_least, mean_uncertainty


def mean_words(said: Mapping[str, Any], most: int = 3) -> str:
    """The mean in nats of a finished map, of whose `numbers` it is one, with those of `most` decimals that are known.

    Where it is not known what a map of RU loses, the mean is the least that it can be.

    >>> mean_words({"mean": -1.2184, "constraint": 1.0, "mean_error": 0.003})
    '−1.218'
    >>> mean_words({"mean": -1.2184, "constraint": 1.0, "mean_error": 0.003, "loss": 0.03})
    '−1.22'
    >>> mean_words({"mean": -1.2184, "constraint": 21.9, "mean_error": 0.0})
    'about −1'
    >>> mean_words({"mean": -1.2184, "constraint": 1.0, "mean_error": 0.003, "decoder_share": 0.9})
    'at least −1.218'
    """
    mean, off = said["mean"], mean_uncertainty(said)
    if not is_certain(said):
        return roughly(mean, off)
    return ("at least " if is_least(said) else "") + known(mean, off, most)
