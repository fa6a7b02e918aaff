"""Maps for tests that ask nothing of their last digits."""

import pytest

from explainers.cid import solver
from explainers.cid.solver import Effort


def brief(patch: pytest.MonkeyPatch) -> None:
    """Maps from few steps and few samples; what many are good for, the tests of the library say."""
    # Probes until G is known to a hundredth of a nat or so; a page needs no more than the first of them.
    for tolerance in ("COST_TOLERANCE", "ERROR_TOLERANCE"):
        patch.setattr(f"explainers.cid.closed_form.{tolerance}", 1.0)
    # A refinement that ends after its first steps, and calls itself done where it has lost less than a nat.
    patch.setattr(solver, "STANDARD", Effort(stages=((4, 16),)))
    patch.setattr(solver, "CERTIFY_SAMPLES", 64)
    patch.setattr(solver, "CERTIFY_ACCURACY", 0.05)
    patch.setattr(solver, "LOSS_TOLERANCE", 1.0)
    # RU looks once at what it has lost.
    patch.setattr("explainers.ru.solver.MOST_LOOKS", 1)
    for module in ("answer", "solver"):
        patch.setattr(f"explainers.ru.{module}.FINAL_SAMPLES", (64, 64))
    for room in ("cid", "ru"):
        patch.setattr(f"explainers.{room}.solver.CHECK_SAMPLES", 64)
