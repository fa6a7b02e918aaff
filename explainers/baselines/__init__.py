"""Attribution methods that everyone knows, by Captum, in one call."""

from explainers.baselines.explain import Explanation, applies, attribute, explain

__all__ = ["Explanation", "applies", "attribute", "explain"]
