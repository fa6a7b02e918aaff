"""All claims in one table: what the paper says, what was measured, and the verdict."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from explainers.evaluation.intervals import Interval
from explainers.numerals import minus
from explainers.studies.base.study import Claim, Study
from explainers.studies.base.tables import FOLDER, long_table
from explainers.studies.base.verdicts import Verdict

BEGIN, END = "<!-- claims: made by `python -m explainers.studies report` -->", "<!-- end of the claims -->"
HEADER = (
    "| study | what the paper says | its number | measured here [95 % interval] | pictures | trainings | verdict |",
    "|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Finding:
    """A claim with its verdict."""

    study: Study
    claim: Claim
    verdict: Verdict


def findings(study: Study, studies: Mapping[str, Study], folder: Path = FOLDER, quick: bool = False) -> list[Finding]:
    """The verdict on each claim of a study, from the rows in `folder`."""
    long = long_table(study, studies, folder, quick)
    return [Finding(study, claim, claim.verdict(long)) for claim in study.claims]


def lines_of(study: Study, studies: Mapping[str, Study], folder: Path = FOLDER, quick: bool = False) -> list[str]:
    """A line of text for each claim."""
    return [
        f"{one.claim.says} {one.verdict.word.capitalize()}: {measured(one)}"
        for one in findings(study, studies, folder, quick)
    ]


def measured(one: Finding) -> str:
    """What was measured, in words."""
    verdict, claim = one.verdict, one.claim
    if verdict.effect is None:
        return f"{verdict.reason}."
    trainings = f", {verdict.trainings} trainings" if verdict.trainings > 1 else ""
    said = f"{claim.measured} {spelt(verdict.effect)} {claim.unit}, {verdict.pictures} pictures{trainings}"
    return f"{said}; {verdict.reason}." if verdict.reason else f"{said}."


def spelt(found: Interval) -> str:
    """A mean with its interval: three decimals, fewer where it is ten or more.

    >>> spelt(Interval(0.1234, 0.1, 0.2, 9)), spelt(Interval(-1.5, float("nan"), float("nan"), 1))
    ('0.123 [0.100, 0.200]', '−1.500')
    >>> spelt(Interval(1008.4, 995.1, 1026.2, 9))
    '1,008 [995, 1,026]'
    """
    size = max(abs(value) for value in (found.mean, found.low, found.high) if value == value)
    decimals = 3 if size < 10 else 1 if size < 100 else 0
    ends = "" if found.low != found.low else f" [{found.low:,.{decimals}f}, {found.high:,.{decimals}f}]"
    return minus(f"{found.mean:,.{decimals}f}{ends}")


def results(studies: Mapping[str, Study], folder: Path = FOLDER) -> str:
    """Markdown: a row for every claim of every study."""
    rows = [row for study in studies.values() for row in _rows(findings(study, studies, folder))]
    return "\n".join([*HEADER, *rows])


def _rows(found: list[Finding]) -> Iterator[str]:
    for one in found:
        verdict, claim = one.verdict, one.claim
        known = verdict.effect is not None
        value = f"{spelt(verdict.effect)} {claim.unit}: {claim.measured}" if verdict.effect else "–"
        word = f"{verdict.word}: {verdict.reason}" if verdict.reason else f"**{verdict.word}**"
        counts = (str(verdict.pictures), str(verdict.trainings)) if known else ("–", "–")
        cells = (f"{one.study.title}, {one.study.figure}", claim.says, claim.printed or "–", value, *counts, word)
        yield f"| {' | '.join(cells)} |"


def update(path: Path, table: str) -> None:
    """Puts the table between its two marks in a document. Raises ValueError where they are not there."""
    text = path.read_text()
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise ValueError(f"expected the marks of the table in '{path.name}', found none; put '{BEGIN}' and '{END}' in")
    path.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}")
