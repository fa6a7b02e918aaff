"""What a map is worth: descriptive accuracy, localisation, randomisation and stability."""

from explainers.evaluation.measures import DescriptiveAccuracy, descriptive_accuracy, localisation

__all__ = ["DescriptiveAccuracy", "descriptive_accuracy", "localisation"]
