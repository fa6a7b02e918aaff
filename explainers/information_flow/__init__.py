"""Information flow: how much of a whole data set the layers of a noisy network know, in nats."""

from explainers.information_flow.binned import binned_entropy, binned_information
from explainers.information_flow.bridge import BridgePoint, RankCorrelation, bridge, mean_cid, rank_correlation
from explainers.information_flow.clustering import (
    DistanceHistograms,
    WithinBetween,
    cosine_similarity,
    distance_histograms,
    fraction_within,
    neighbour_purity,
)
from explainers.information_flow.deterministic import deterministic_information
from explainers.information_flow.estimates import (
    mutual_information_input,
    mutual_information_label,
    mutual_informations,
)
from explainers.information_flow.information import Draws, mixture_information, mixture_informations
from explainers.information_flow.mixture import gaussian_mixture_entropy
from explainers.information_flow.records import Bits, Estimate, Information

__all__ = [
    "Bits",
    "BridgePoint",
    "DistanceHistograms",
    "Draws",
    "Estimate",
    "Information",
    "RankCorrelation",
    "WithinBetween",
    "binned_entropy",
    "binned_information",
    "bridge",
    "cosine_similarity",
    "deterministic_information",
    "distance_histograms",
    "fraction_within",
    "gaussian_mixture_entropy",
    "mean_cid",
    "mixture_information",
    "mixture_informations",
    "mutual_information_input",
    "mutual_information_label",
    "mutual_informations",
    "neighbour_purity",
    "rank_correlation",
]
