"""Figure 3 (a): concentration against accuracy, over networks of one task."""

import pandas as pd

from explainers.checkpoints.load import read_header
from explainers.networks.catalogue import registered
from explainers.networks.specs import STUDIED
from explainers.studies.base.effects import slope
from explainers.studies.base.study import LOOKALIKES, Axis, Claim, Leg, Study
from explainers.studies.base.verdicts import Effect, Lacking

# The harder edition of the birds, on which networks differ.
TRAINED = {
    "alexnet-lookalikes": ("AlexNet", ("conv1", "conv5", "fc6", "fc8")),
    "vgg16-lookalikes": ("VGG-16", ("conv1-2", "conv5-3", "fc6", "fc8")),
    "vgg19-lookalikes": ("VGG-19", ("conv1-2", "conv5-4", "fc6", "fc8")),
    "resnet18-lookalikes": ("ResNet-18", ("layer1.1", "layer4.1", "fc")),
    "resnet34-lookalikes": ("ResNet-34", ("layer1.2", "layer4.2", "fc")),
    "resnet50-lookalikes": ("ResNet-50-shaped", ("layer1.2", "layer4.2", "fc")),
}
# So far apart accuracies have to be, and so many networks there must be, before a slope means anything.
LEAST_SPREAD, LEAST_NETWORKS = 0.02, 3


def accuracy_of(name: str) -> float | None:
    """Of a network on held-out pictures, as its weights' file says, or without one the catalogue; None without both."""
    spec = registered().get(name)
    if spec is not None and spec.shipped and spec.available and "accuracy" in (said := read_header(spec.weights)):
        return float(said["accuracy"])
    return next((spec.accuracy for spec in STUDIED if spec.name == name), None)


def arrange(long: pd.DataFrame) -> pd.DataFrame:
    """One point for each network: the mean concentration over the second half of the depth."""
    rows = long[(long["quantity"] == "concentration") & (long["depth"] > 0.5)]
    rows = rows.assign(x=rows["network"].map({name: accuracy_of(name) for name in rows["network"].unique()}))
    columns = [name for name in rows.columns if name not in ("value", "layer", "place", "depth", "at", "row")]
    found = rows.groupby(columns, as_index=False, dropna=False)["value"].mean()
    return found.assign(at=found["series"], layer="", place=0, depth=1.0, row="")


def steeper(long: pd.DataFrame) -> Effect:
    """The slope of concentration over accuracy, in nats per ten points of accuracy."""
    known = long.groupby("network")["x"].first().dropna()
    if len(known) < LEAST_NETWORKS or known.max() - known.min() < LEAST_SPREAD:
        told = ", ".join(f"{name} {share:.1%}" for name, share in known.items()) or "none"
        raise Lacking(f"it takes {LEAST_NETWORKS} networks whose accuracies differ by two points, there are {told}")
    return slope(long.assign(x=10 * long["x"]))


STUDY = Study(
    name="accuracy",
    title="Concentration and accuracy",
    question="Do networks that answer better concentrate more on the object?",
    figure="Fig. 3 (a)",
    claims=(
        Claim(
            "steeper",
            "The concentration is highly correlated with the performance of the network.",
            "Section 5, Fig. 3 (a)",
            "slope over the networks of the mean concentration in the second half of the layers",
            "nats per ten points of accuracy",
            steeper,
            0.01,
        ),
    ),
    axes=(Axis("concentration", "concentration (nats)", "accuracy on held-out pictures"),),
    legs=tuple(
        Leg(name, layers, series=title, pictures=8, source=LOOKALIKES) for name, (title, layers) in TRAINED.items()
    ),
    arrange=arrange,
    varied="network",
    differs="Rendered birds instead of CUB-200-2011.",
    note="The interval is over pictures, not over networks: so few of them, each trained once, may differ in more than "
    "their accuracy.",
)
