"""How long requests take on this machine, from those that it has answered: of the same kind, or of the same method."""

import threading
from typing import Any

from cachetools import LRUCache

from explainers.networks.layers import Layer

KINDS, METHODS = 512, 128


class Paces:
    """Seconds of work by kind of request, the newest measurement counting half; safe to use from several threads.

    Requests of one kind differ in nothing but the picture, the class and the seed. Of a method, seconds for each pass
    through a whole network are known for every network; a pass to a layer is its part of that.
    """

    def __init__(self) -> None:
        self._whole: LRUCache[Any, float] = LRUCache(KINDS)
        self._rates: LRUCache[Any, float] = LRUCache(METHODS)
        self._lock = threading.Lock()

    def note(self, request: Any, seconds: float) -> None:
        """A request was answered in so many seconds of work."""
        with self._lock:
            for store, key, value in (
                (self._whole, kind(request), seconds),
                (self._rates, method(request), seconds / passes(request)),
            ):
                before = store.get(key)
                store[key] = value if before is None else (before + value) / 2

    def foresee(self, request: Any) -> float | None:
        """Seconds that a request will take; None where nothing like it was answered."""
        with self._lock:
            if (whole := self._whole.get(kind(request))) is not None:
                return whole
            rate = self._rates.get(method(request))
        return None if rate is None else rate * passes(request)


def passes(request: Any) -> float:
    """Passes through the whole network that a request is expected to be worth; each ends at its layer."""
    layer, layers = getattr(request, "layer", None), getattr(getattr(request, "network", None), "layers", ())
    way = min(1.0, (layer.depth + 1) / len(layers)) if isinstance(layer, Layer) and layers else 1.0
    return max(request.cost, 1) * way


def method(request: Any) -> tuple[Any, ...]:
    """What requests have in common whose seconds for each pass through the whole network are alike."""
    network = getattr(request, "network", None)
    named = getattr(request, "method", getattr(request, "name", ""))
    return type(request).__name__, named, getattr(network, "fingerprint", None)


def kind(request: Any) -> tuple[Any, ...]:
    """What requests have in common that take about as long."""
    layer, settings = getattr(request, "layer", None), getattr(request, "settings", None)
    solver = [getattr(settings, name, None) for name in ("grid", "refine", "method", "probes")]
    # Layers of small networks are known by their names alone.
    where = (layer.path, layer.call) if isinstance(layer, Layer) else layer
    return *method(request), where, request.cost, *solver
