"""Long tables whose answer is known, made for a claim's effect."""

from collections.abc import Callable

import pandas as pd

from explainers.studies.base.tables import LONG

PICTURES = 12


def long_rows(values: Callable[[int], float], **about: object) -> pd.DataFrame:
    """Rows of twelve pictures that agree in everything `about` them, with `values(picture)`."""
    plain = dict.fromkeys(LONG, "") | {"training": 0, "place": 0, "depth": 0.0, "beta": 1.5e-4, "x": 0.0}
    rows = [plain | about | {"picture": f"bird/{n}", "value": values(n), "row": f"{n}"} for n in range(PICTURES)]
    return pd.DataFrame(rows, columns=list(LONG))
