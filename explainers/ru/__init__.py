"""RU: how much of each input variable cannot be recovered from a layer, in nats."""

from explainers.ru.explain import RU

__all__ = ["RU"]
