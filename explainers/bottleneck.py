"""The name by which scripts of earlier versions import the settings of the information bottleneck."""

from explainers.baselines.bottleneck import BottleneckSettings

__all__ = ["BottleneckSettings"]
