"""Versions of the methods: what a kept result was computed with.

Raise a method's number whenever its maths changes, so that no result of the old one is found again.
"""

from collections.abc import Mapping

_LAYER_METHODS = ("grad_cam", "guided_grad_cam", "layer_gradient", "activation", "bottleneck")
METHOD_VERSIONS: Mapping[str, int] = {
    **{"cid": 3, "ru": 4, "fairness": 2, "scores": 2, "lrp": 2, "information": 1},
    **dict.fromkeys(_LAYER_METHODS, 3),
}
BASELINES_VERSION = 1


def method_version(method: str) -> str:
    """What to put into a key of results, for our own methods and for the baselines.

    >>> method_version("cid"), method_version("grad_cam")
    ('cid 3', 'grad_cam 3')
    """
    return f"{method} {METHOD_VERSIONS.get(method, BASELINES_VERSION)}"
