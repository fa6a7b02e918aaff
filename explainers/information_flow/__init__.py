"""Information flow: how much of a whole data set the layers of a noisy network know, in nats."""

from explainers.information_flow.estimates import mutual_information_input, mutual_information_label
from explainers.information_flow.information import Draws, mixture_information
from explainers.information_flow.mixture import gaussian_mixture_entropy
from explainers.information_flow.records import Bits, Estimate, Information

__all__ = [
    "Bits",
    "Draws",
    "Estimate",
    "Information",
    "gaussian_mixture_entropy",
    "mixture_information",
    "mutual_information_input",
    "mutual_information_label",
]
