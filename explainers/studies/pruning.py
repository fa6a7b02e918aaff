"""Figure 7 (a) and Appendix K: VGG-16 with fewer and fewer parameters."""

from explainers.methods.entropies import CID_NAME, ENTROPIES, RU_NAME
from explainers.studies.base.effects import against
from explainers.studies.base.study import LOOKALIKES, Axis, Claim, Leg, Study

LAYERS = ("conv1-2", "conv2-2", "conv3-3", "conv4-3", "conv5-3", "fc8")
WHOLE = "whole"
PRUNED = {f"{share} % of the parameters": f"vgg16-lookalikes-pruned-{share}" for share in ("38", "12.8", "8", "6.7")}
NETWORKS = {WHOLE: "vgg16-lookalikes"} | PRUNED

STUDY = Study(
    name="pruning",
    title="Pruning",
    question="What does a compressed network do with the information in a picture?",
    figure="Fig. 7 (a), App. K",
    claims=(
        Claim(
            CID_NAME,
            "Network compression decreases the CID of features.",
            "Section 4, Fig. 7 (a)",
            "CID of the whole VGG-16 minus that of the compressed ones, mean over shares and layers",
            "nats",
            against("CID", list(PRUNED), WHOLE, -1),
            0.01,
            "ΔCID −0.003 to −0.033 at the last layer",
        ),
        Claim(
            RU_NAME,
            "Network compression does not significantly affect the reconstruction capacity (RU).",
            "Section 4, Fig. 7 (a)",
            "RU of the compressed VGG-16 minus that of the whole one, mean over shares and layers",
            "nats",
            against("RU", list(PRUNED), WHOLE),
            0.04,
            "ΔRU within ± 0.04",
            same=True,
        ),
        Claim(
            "concentration",
            "Network compression does not significantly affect the concentration.",
            "Section 4, Fig. 7 (a)",
            "concentration of the compressed VGG-16 minus that of the whole one, mean over shares and layers",
            "nats",
            against("concentration", list(PRUNED), WHOLE),
            0.04,
            "Δ within ± 0.08",
            same=True,
        ),
    ),
    axes=(
        Axis("CID", "mean CID (nats per input variable)"),
        Axis("RU", "mean RU (nats per input variable)"),
        Axis("concentration", "concentration (nats)"),
    ),
    legs=tuple(
        Leg(name, LAYERS, (method,), pictures=8, series=series, source=LOOKALIKES)
        for method in ENTROPIES
        for series, name in NETWORKS.items()
    ),
    arrange=lambda long: long.assign(x=long["depth"]),
    varied="share of the parameters",
    differs="Rendered birds instead of CUB-200-2011.",
    note="RU at conv5-3 and fc8 only; its decoders, by one recipe for all five networks, though not trained to "
    "convergence, do not ship.",
)
