"""Method × transformation: what theory says, what was measured, and what the paper says."""

import math

import streamlit as st

from app.fairness.maps import title
from app.fairness.theory import CLAIMS, Spot, output_factor, pair_factor, verdict
from app.words import NONE, factor, part
from explainers.fairness.check import Check
from explainers.fairness.maps import METHODS, Question
from explainers.fairness.plan import Plan

HEADING = (
    "The factor is the number k for which k times the map before comes nearest to the map after, by least "
    "squares. × 1: the map does not move. Columns: *theory* is what the formulas of the method say must happen, "
    "*measured* what happened here, *paper says* what the ICML paper claims of the pairs, with a tick where that is "
    "what was measured. First the rescaled pairs, then the scaled output."
)
ERRATUM = (
    "**Where the paper is not right.** It says that Grad-CAM's magnitude, and that of the other baselines, "
    "changes when pairs are rescaled. The layer gradient's does. Grad-CAM is the gradient times the "
    "activation: one grows by c, the other shrinks by c, and the product stays. LRP and gradients of the "
    "input never look at the layer's units. What makes *those* incomparable is the second column: they grow "
    "with the scale of the network's output, which changes no decision, and with each layer's resolution and "
    "width. CID and RU do neither. (RU with the decoder of the rescaled network, which is g(c · f): the decoder g of a "
    "layer, given back the feature as it was.)"
)


def table(found: Check, plan: Plan, question: Question) -> None:
    """The table and the errata below it."""
    spot = Spot(
        shrunk=question.layer in plan.shrunk_by(question.pair),
        output=question.layer == plan.stations[-1].name,
        partly=question.layer in plan.partly_by(question.pair),
    )
    st.markdown("## What moves which map", help=HEADING)
    with st.container(key="fair_table"):
        st.table(rows(found, question, spot))
    if question.next_bias and found.proof.change:
        st.caption("The switch makes another function, which no factor takes to the first: theory says nothing here.")
    elif spot.partly:
        st.caption(
            f"{question.layer} joins features, and this choice divides some of its channels by c. Activation and "
            "layer gradient add up all channels, so they move by something between × 1 and c."
        )
    elif not spot.shrunk:
        st.caption(
            f"The feature of {question.layer} is not divided by c in this choice, so activation and layer "
            "gradient stay too. Choose a layer marked ÷ c to see them move."
        )
    st.markdown(ERRATUM)


def rows(found: Check, question: Question, spot: Spot) -> dict[str, list[str]]:
    """The columns of the table, a cell per method; a method that does not apply says why."""
    c, broken = question.c, question.next_bias and found.proof.change > 0
    measured = [[_measured(value, reason) for value in pair] for pair, reason in _paired(found)]
    theory = ["none: another function" if broken else _theory(pair_factor(m, c, spot)) for m in METHODS]
    return {
        "Method": [f"**{title(method)}**" for method in METHODS],
        f"Pairs ÷ and × {part(c)}: theory": theory,
        # No factor takes the map of one function to that of another.
        "measured": [NONE if broken else pair for pair, _ in measured],
        "paper says": [_claim(m, float(found.factors[n, 0]), spot, broken) for n, m in enumerate(METHODS)],
        f"Output × {part(c)}: theory": [factor(output_factor(m, c, spot)) for m in METHODS],
        "measured ": [_output(found, output) for _, output in measured],
    }


def pairs_not_allowed(plan: Plan) -> None:
    """The pairs that may not be rescaled, with the reason."""
    refused = [pair for pair in plan.pairs if not pair.rescalable]
    refusals = "Each pair of neighbouring layers, and what stands between them that makes the rescaled network another."
    label = f"{len(plan.allowed)} of {len(plan.pairs)} neighbouring pairs may be rescaled; why not the others"
    if not refused:
        st.caption(f"All {len(plan.pairs)} neighbouring pairs of this network may be rescaled.")
        return
    with st.expander(label, key="fair_refused"):
        st.markdown("**Pairs that stay as they are**", help=refusals)
        st.table(
            {
                "Layer": [pair.layer_name for pair in refused],
                "next layer": [pair.following_name for pair in refused],
                "why it may not be rescaled": [pair.reason for pair in refused],
            }
        )


def _paired(found: Check) -> list[tuple[tuple[float, float], str]]:
    return [(tuple(pair), reason) for pair, reason in zip(found.factors.tolist(), found.reasons, strict=True)]


def _theory(value: float) -> str:
    return "in part" if math.isnan(value) else factor(value)


def _measured(value: float, reason: str) -> str:
    if reason:
        return f"*{reason}*"
    return "…" if math.isnan(value) else f"**{factor(value, 4)}**"


def _output(found: Check, cell: str) -> str:
    return f"*{found.proof.scaled_reason}*" if found.proof.scaled_gap is None and cell == "…" else cell


def _claim(method: str, measured: float, spot: Spot, broken: bool) -> str:
    claim = CLAIMS[method]
    # Only a layer that shrinks can tell, and only for the same function.
    if math.isnan(measured) or broken or not spot.shrunk:
        return claim
    judged = verdict(method, measured)
    sign = {"right": " :material/check:", "not so": " :material/close: **not so**", "": ""}[judged]
    return claim + sign
