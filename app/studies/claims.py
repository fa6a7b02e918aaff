"""What the paper says and what was found, claim by claim."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.parts.numbers_table import show_table
from app.words import NONE, counted
from explainers.studies.base.report import Finding, spelt
from explainers.studies.base.verdicts import FOUND, NO_RESULT, NOT_FOUND, OPPOSITE, UNDECIDED

# A colour and a sign beside the word, which alone says it.
BADGES = {
    FOUND: ("green", ":material/check:"),
    NOT_FOUND: ("gray", ":material/remove:"),
    OPPOSITE: ("red", ":material/close:"),
    UNDECIDED: ("orange", ":material/question_mark:"),
    NO_RESULT: ("gray", ":material/hourglass_empty:"),
}
VERDICT_HELP = (
    "Found: the 95 % interval lies above zero. Not found: all of it lies within the smallest effect that counts. The "
    "opposite: it lies below zero. Undecided: none of these, fewer than six pictures, or something is missing. No "
    "result yet: nothing has been computed. Where "
    "the claim is that nothing changes, found means that the interval lies within the smallest effect that counts."
)
MOST_ROWS = 16
COLUMNS = {
    "Study": "The experiment, and the paper's figure or table.",
    "The paper says": "The claim, in a sentence.",
    "Its number": "What is printed there; a dash where no number is.",
    "Verdict": VERDICT_HELP,
    "Measured [95 % interval]": "The mean effect, positive where it is as claimed, with its bootstrap interval.",
    "Unit": "Of the effect.",
    "What was measured": "The effect in words.",
    "Pictures": "How many pictures are behind it.",
    "Trainings": "How many networks of each kind were trained.",
    "Why undecided": "What keeps the interval from an answer.",
}


def badge(word: str, count: int = 0) -> str:
    """A verdict in Markdown.

    >>> badge("found", 2)
    ':green-badge[:material/check: found 2]'
    """
    colour, sign = BADGES[word]
    return f":{colour}-badge[{sign} {word}{f' {count}' if count else ''}]"


def draw_claims(found: Sequence[Finding]) -> None:
    """Each claim with the paper's number, ours and the verdict."""
    st.markdown("**What the paper says, and what was found**", help=VERDICT_HELP)
    for one in found:
        st.markdown(f"{badge(one.verdict.word)} {one.claim.says}")
        st.caption(said(one))


def said(one: Finding) -> str:
    """The line under a claim."""
    verdict, claim = one.verdict, one.claim
    parts = [claim.where, *([f"printed: {claim.printed}"] if claim.printed else [])]
    if verdict.effect is not None:
        counts = counted(verdict.pictures, "picture")
        counts += f", {counted(verdict.trainings, 'training')}"
        parts.append(f"{claim.measured}: **{spelt(verdict.effect)}** {claim.unit} ({counts})")
    parts += [verdict.reason] if verdict.reason else []
    return " · ".join(parts)


def rows_of(found: Sequence[Finding]) -> list[dict[str, Any]]:
    """The reproduction table."""
    return [
        {
            "Study": f"{one.study.title}, {one.study.figure}",
            "The paper says": one.claim.says,
            "Its number": one.claim.printed or NONE,
            "Verdict": one.verdict.word,
            "Measured [95 % interval]": spelt(one.verdict.effect) if one.verdict.effect else NONE,
            "Unit": one.claim.unit,
            "What was measured": one.claim.measured,
            "Pictures": one.verdict.pictures,
            "Trainings": one.verdict.trainings,
            "Why undecided": one.verdict.reason,
        }
        for one in found
    ]


def draw_table(found: Sequence[Finding]) -> None:
    """All claims of all studies."""
    rows = rows_of(found)
    config = {name: st.column_config.Column(name, help=words) for name, words in COLUMNS.items()}
    show_table(rows, "studies_table", config, {}, most=MOST_ROWS)
