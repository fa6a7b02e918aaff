"""Figure 7 (b) and Appendix L: AlexNet with and without a teacher."""

from explainers.studies.base.effects import against
from explainers.studies.base.study import LOOKALIKES, Axis, Claim, Leg, Study

LAYERS = ("conv1", "conv2", "conv5", "fc6", "fc8")
ALONE = "without a teacher"
TAUGHT = {
    "from VGG-16": "alexnet-lookalikes-from-vgg16",
    "from ResNet-18": "alexnet-lookalikes-from-resnet18",
    "from ResNet-34": "alexnet-lookalikes-from-resnet34",
}
NETWORKS = {ALONE: "alexnet-lookalikes"} | TAUGHT


STUDY = Study(
    name="distillation",
    title="Distillation",
    question="What does a teacher change in what its student keeps?",
    figure="Fig. 7 (b), App. L",
    claims=tuple(
        Claim(
            name.rpartition("-")[2],
            f"An AlexNet distilled {series} discards less information than an ordinarily learned one.",
            "Section 4, Fig. 7 (b)",
            f"CID of AlexNet without a teacher minus that of AlexNet {series}, mean over the layers",
            "nats",
            against("CID", [series], ALONE, -1),
            0.01,
        )
        for series, name in TAUGHT.items()
    ),
    axes=(Axis("CID", "mean CID (nats per input variable)"),),
    legs=tuple(Leg(name, LAYERS, pictures=8, series=series, source=LOOKALIKES) for series, name in NETWORKS.items()),
    arrange=lambda long: long.assign(x=long["depth"]),
    varied="teacher",
    differs="Rendered birds instead of CUB-200-2011.",
)
