"""Figure 10: AlexNet trained on pictures that an attack has changed."""

from explainers.methods.entropies import CID_NAME
from explainers.studies.base.effects import against
from explainers.studies.base.study import LOOKALIKES, Axis, Claim, Leg, Study

LAYERS = ("conv1", "conv2", "conv5", "fc6", "fc8")
NORMAL, ATTACKED = "trained normally", "trained adversarially"
NETWORKS = {NORMAL: "alexnet-lookalikes", ATTACKED: "alexnet-lookalikes-adversarial"}

STUDY = Study(
    name="adversarial",
    title="Adversarial training",
    question="What does a network discard that has learned to resist attacks?",
    figure="Fig. 10",
    claims=(
        Claim(
            CID_NAME,
            "The adversarially trained AlexNet discards more information than the normally trained one.",
            "Appendix F.4, Fig. 10",
            "CID of the adversarially trained AlexNet minus that of the normally trained one, mean over the layers",
            "nats",
            against("CID", [ATTACKED], NORMAL),
            0.01,
        ),
        Claim(
            "concentration",
            "The adversarially trained AlexNet focuses more on the foreground.",
            "Appendix F.4, Fig. 10",
            "concentration of the adversarially trained AlexNet minus that of the normally trained one, mean "
            "over the layers",
            "nats",
            against("concentration", [ATTACKED], NORMAL),
            0.01,
        ),
    ),
    axes=(Axis("CID", "mean CID (nats per input variable)"), Axis("concentration", "concentration (nats)")),
    legs=tuple(Leg(name, LAYERS, pictures=8, series=series, source=LOOKALIKES) for series, name in NETWORKS.items()),
    arrange=lambda long: long.assign(x=long["depth"]),
    varied="training",
    differs="Rendered birds instead of CUB-200-2011.",
)
