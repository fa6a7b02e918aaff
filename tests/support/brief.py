"""Maps for tests that ask nothing of their last digits."""

import pytest


def brief(patch: pytest.MonkeyPatch) -> None:
    """What is measured of a map in the end, from few samples; what many are good for, the tests of the library say."""
    # Probes until G is known to a hundredth of a nat or so; a page needs no more than the first of them.
    for tolerance in ("COST_TOLERANCE", "ERROR_TOLERANCE"):
        patch.setattr(f"explainers.cid.closed_form.{tolerance}", 1.0)
    for module in ("answer", "solver"):
        patch.setattr(f"explainers.ru.{module}.FINAL_SAMPLES", (64, 64))
    for room in ("cid", "ru"):
        patch.setattr(f"explainers.{room}.solver.CHECK_SAMPLES", 64)
