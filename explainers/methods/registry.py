"""All kinds of maps by name: ours first, then the baselines, in the order in which they are offered."""

from collections.abc import Mapping
from functools import lru_cache

from explainers.methods.entropies import ENTROPIES
from explainers.methods.method import MapMethod


@lru_cache(maxsize=1)
def methods() -> Mapping[str, MapMethod]:
    """By name.

    >>> list(methods())[:3], methods()["grad_cam"].uses_layer, methods()["lrp"].signed
    (['cid', 'ru', 'saliency'], True, True)
    """
    # It brings Captum: whoever asks for our own maps need not wait for it.
    from explainers.methods.attributions import BASELINES

    return ENTROPIES | BASELINES


def find_method(name: str) -> MapMethod:
    """Raises ValueError for a name that is none of a method.

    >>> find_method("cid").title
    'CID'
    """
    known = ENTROPIES.get(name) or methods().get(name)
    if known is None:
        raise ValueError(f"expected a method of {', '.join(methods())}, got '{name}'; choose one of those")
    return known
