"""Maps for tests that ask nothing of their last digits."""

import pytest


def brief(patch: pytest.MonkeyPatch) -> None:
    """What is measured of a map in the end, from few samples; what many are good for, the tests of the library say."""
    for module in ("answer", "solver"):
        patch.setattr(f"explainers.ru.{module}.FINAL_SAMPLES", (64, 64))
    for room in ("cid", "ru"):
        patch.setattr(f"explainers.{room}.solver.CHECK_SAMPLES", 64)
