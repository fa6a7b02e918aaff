"""The card beside a study's table: what made it, of what, and on which machine."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from explainers.methods.entropies import ENTROPIES
from explainers.storage.versions import METHOD_VERSIONS
from explainers.storage.whole_files import write_whole
from explainers.studies.base.report import lines_of
from explainers.studies.base.run import BIRDS, Order
from explainers.studies.base.study import Study
from explainers.studies.base.tables import rows_of


def write_card(study: Study, studies: Mapping[str, Study], out: Path, order: Order) -> Path:
    """Writes `NAME.md`; answers with its path."""
    path = out / f"{study.name}.md"
    write_whole(path, card(study, studies, out, order).encode())
    return path


def judge_again(study: Study, studies: Mapping[str, Study], out: Path) -> None:
    """Puts the verdicts that the table gives today into the card, if there is one; what made the table stays."""
    path = out / f"{study.name}.md"
    if path.exists():
        made = path.read_text().rpartition("\n\n")[0]
        write_whole(path, f"{made}\n\n{_verdicts(study, studies, out)}".encode())


def card(study: Study, studies: Mapping[str, Study], out: Path, order: Order) -> str:
    """Markdown."""
    rows = rows_of(study, out, order.quick)
    parts = [f"# {study.title}", "", study.question, "", f"- Command: `{command(study, order)}`"]
    if len(rows):
        counted = rows.groupby("network", sort=False)["picture"].nunique()
        parts.append(f"- Rows: {len(rows):,}; pictures: {', '.join(f'{name} {n}' for name, n in counted.items())}.")
        known = rows.drop_duplicates("network")[["network", "fingerprint"]].itertuples(index=False)
        parts.append(f"- Weights (SHA-256): {', '.join(f'{name} `{mark[:12]}`' for name, mark in known)}.")
    versions = ", ".join(f"{name} {number}" for name, number in METHOD_VERSIONS.items() if name in ENTROPIES)
    parts.append(f"- Versions: {versions}; torch {version('torch')}; table of this study 1.")
    processor = platform.processor() or platform.machine()
    parts.append(f"- Machine: {platform.system()}, {processor}, no GPU, {order.threads} thread, seed 0.")
    return "\n".join([*parts, "", _verdicts(study, studies, out, order.quick)])


def _verdicts(study: Study, studies: Mapping[str, Study], out: Path, quick: bool = False) -> str:
    return "".join(f"- {line}\n" for line in lines_of(study, studies, out, quick))


def command(study: Study, order: Order | None = None) -> str:
    """The line that makes the rows of a study again.

    >>> from explainers.studies.catalogue import STUDIES
    >>> command(STUDIES["layers"])
    'python -m explainers.studies run layers'
    """
    parts = [f"python -m explainers.studies run {study.name}"]
    if order is None:
        return parts[0]
    if order.pictures is not None:
        parts.append(f"--pictures {order.pictures}")
    if order.quick:
        parts.append("--quick")
    if order.data != BIRDS:
        parts.append(f"--data {order.data.partition(':')[0]}:DIR")
    return " ".join(parts)
