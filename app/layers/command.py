"""The sweep that makes the same table."""

import shlex
from collections.abc import Sequence

from app.layers.choice import METHODS
from explainers import CIDSettings

OWN_FILE = "your-weights.pt"


def command(names: Sequence[str], count: int, metric: str, settings: Sequence[CIDSettings]) -> str:
    """One line of a shell for each of the settings; they add to one file.

    >>> print(command(["resnet20-cifar10"], 4, "cid", [CIDSettings(refine=False)]))
    python -m explainers.sweep --networks resnet20-cifar10 --pictures birds:4 --metrics cid --closed-form \\
      --out layers.parquet
    """
    return "\n".join(_line(names, count, METHODS[metric], one) for one in settings)


def _line(names: Sequence[str], count: int, method: str, settings: CIDSettings) -> str:
    words = ["python -m explainers.sweep --networks", *map(shlex.quote, names)]
    words += ["--pictures", f"birds:{count}", "--metrics", method]
    plain = CIDSettings()
    if settings.beta != plain.beta:
        words += ["--beta", f"{settings.beta:g}"]
    if settings.seed != plain.seed:
        words += ["--seed", str(settings.seed)]
    if not settings.refine:
        words.append("--closed-form")
    return " ".join(words) + " \\\n  --out layers.parquet"
