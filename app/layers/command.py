"""The sweep that makes the same table."""

import shlex
from collections.abc import Sequence

from app.layers.choice import METHODS
from explainers import CIDSettings

OWN_FILE, OWN_FOLDER, OWN_BOXES = "your-weights.pt", "your-folder", "your-boxes.csv"


def command(names: Sequence[str], pictures: str, metric: str, settings: Sequence[CIDSettings]) -> str:
    """One line of a shell for each of the settings; they add to one file. `pictures` as the sweep takes them.

    >>> print(command(["resnet20-cifar10"], "birds:4", "cid", [CIDSettings(refine=False)]))
    python -m explainers.sweep --networks resnet20-cifar10 --pictures birds:4 --metrics cid --closed-form \\
      --out layers.parquet
    """
    return "\n".join(_line(names, pictures, METHODS[metric], one) for one in settings)


def _line(names: Sequence[str], pictures: str, method: str, settings: CIDSettings) -> str:
    words = ["python -m explainers.sweep --networks", *map(shlex.quote, names)]
    words += ["--pictures", pictures, "--metrics", method]
    plain = CIDSettings()
    if settings.beta != plain.beta:
        words += ["--beta", f"{settings.beta:g}"]
    if settings.seed != plain.seed:
        words += ["--seed", str(settings.seed)]
    if not settings.refine:
        words.append("--closed-form")
    return " ".join(words) + " \\\n  --out layers.parquet"
