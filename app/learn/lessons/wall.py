"""Lesson 3: the white wall and the sum, where CID and RU part."""

import numpy as np
import streamlit as st
import torch

from app.figures.learn import Panel, row_figure
from app.learn.lessons import controls, toys
from app.learn.lessons.bench import kept
from app.learn.lessons.lesson import Lesson, Stage, numbers
from app.learn.lessons.measured import measured
from app.parts.glossary import explain
from app.words import decimal
from explainers import CID, CIDSettings, absolute_range
from explainers.methods.entropies import CID_NAME, RU_NAME
from explainers.ru.explain import RU

CASES = {"wall": "ignores one pixel", "sum": "gives only the sum"}
ROUGHNESS = (0.0, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05)
WALLS = 600
CASE = "What the function h hands on: all pixels but the marked one, or one single number."
ROUGH = "How much the plaster's brightness differs from pixel to pixel, as a standard deviation of pixel values 0 to 1."
OTHERS = "Mean over all other pixels."
REST = "Root mean square error of the reconstruction, of pixel values 0 to 1."


def widget(stage: Stage) -> None:
    """A function and a wall -> CID, reconstruction and RU, and what both say of the marked pixel."""
    with st.container(horizontal=True, key="learn_controls"):
        case = controls.segments("Function h(x)", list(CASES), "wall", CASE, "wall_case", CASES.__getitem__)
        rough = controls.slide("Roughness of the plaster (of 1)", ROUGHNESS, 0.002, ROUGH, "wall_rough", "{:g}".format)
    answer = measured("wall", [(case, rough)], measure, "Fitting the decoder and measuring both maps")
    if answer is None:
        return
    (found,) = answer
    cid, ru, spot = found[CID_NAME], found[RU_NAME], toys.IGNORED
    numbers(
        ("CID of the pixel (nats)", decimal(float(cid[spot])), explain("CID")),
        ("CID of others (nats)", decimal(others(cid)), OTHERS),
        ("RU of the pixel (nats)", decimal(float(ru[spot])), explain("RU")),
        ("RU of others (nats)", decimal(others(ru)), OTHERS),
        ("Error (RMSE, of 1)", decimal(found["error"], 4), REST),
    )
    st.markdown(verdict(case))
    marked = spot if case == "wall" else None
    panels = [
        Panel("the wall", shown(found["picture"]), spot),
        Panel("CID", cid, marked if np.isfinite(cid).all() else None),
        Panel("painted again from h(x)", shown(found["reconstruction"]), spot),
        Panel("RU", ru, marked),
    ]
    alt = f"A wall of 8×8 pixels, its CID map, its reconstruction and its RU map, for a function that {CASES[case]}"
    # The scale of the Explore page, on which little is dark whatever else stands beside it.
    figure = row_figure(panels, stage.look, absolute_range(CIDSettings().beta), ("used or recovered", "neither"))
    stage.chart(figure, "wall", alt)


@kept
def measure(case: str, roughness: float) -> dict:
    """CID and RU maps (8, 8) in nats of one wall, with the decoder fitted to others of its kind."""
    h = toys.IgnoreOne() if case == "wall" else toys.Sum()
    generator = torch.Generator().manual_seed(0)
    decoder = toys.linear_decoder(h, toys.walls(WALLS, roughness, generator))
    x, settings = toys.walls(1, roughness, generator), CIDSettings(seed=0)
    ru = RU(h, h, decoder).explain(x, settings)
    return {
        "picture": x[0].numpy(),
        CID_NAME: CID(h, h).explain(x, settings).entropy[0, 0].numpy(),
        RU_NAME: ru.entropy[0, 0].numpy(),
        "reconstruction": ru.reconstruction[0].numpy(),
        "error": float(ru.error[0]),
    }


def others(entropy: np.ndarray) -> float:
    """Mean over all pixels but the marked one."""
    rest = np.ones(entropy.shape, bool)
    rest[toys.IGNORED] = False
    return float(entropy[rest].mean())


def shown(picture: np.ndarray) -> np.ndarray:
    """(3, H, W) in [0, 1] as (H, W, 3) uint8."""
    return (picture.clip(0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0)


def verdict(case: str) -> str:
    if case == "wall":
        return "The marked pixel is **not used** (CID infinite, crossed) and yet **recovered** (RU low)."
    return (
        "Every pixel is **used** (CID finite) and yet **the wall cannot be painted again** (RU high). Where RU is low, "
        "an even wall is right there by luck."
    )


LESSON = Lesson(
    slug="wall",
    title="Used or recoverable: the white wall and the sum",
    equation=r"\begin{gathered} \hat H_i = \tfrac12 \log \mathbb{E}\,(x_i - \hat x'_i)^2 + \tfrac12 \log 2\pi e \\"
    r"\hat x' = g(h(x + \sigma \circ \delta)) \end{gathered}",
    symbols="Ĥ: RU of pixel i in nats. g: the decoder, x̂′ what it makes of the noisy feature.",
    widget=widget,
)
