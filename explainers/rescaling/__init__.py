"""The same function with other weights: layers scaled up and the next ones down."""

from explainers.rescaling.rescale import factor, logit_change, rescale, scale_output

__all__ = ["factor", "logit_change", "rescale", "scale_output"]
