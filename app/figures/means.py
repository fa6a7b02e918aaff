"""How the mean of a map is written wherever it stands in words."""

from collections.abc import Mapping
from typing import Any

from app.words import decimal, roughly
from explainers.cid.certainty import is_certain, mean_uncertainty


def mean_words(said: Mapping[str, Any]) -> str:
    """The mean in nats of a finished map, of whose `numbers` it is one; rounded where its noise is off the constraint.

    >>> mean_words({"mean": -1.2184, "constraint": 1.0, "mean_error": 0.003})
    '−1.218'
    >>> mean_words({"mean": -1.2184, "constraint": 21.9, "mean_error": 0.0})
    'about −1'
    """
    return decimal(said["mean"]) if is_certain(said) else roughly(said["mean"], mean_uncertainty(said))
