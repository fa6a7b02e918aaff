"""What a lesson is: a few words, an equation, and something to move."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from app.figures.enlarge import enlarge
from app.figures.style import PLAIN_CONFIG, Look
from app.words import number
from explainers.assets import read_shipped
from explainers.cid.certainty import is_certain, misfit

UNSURE = (
    ":material/help: This lesson draws closed forms. Here their noise moves the feature {} times as far as it may: "
    "their means may be wrong by {} nats or more. Explore refines maps until the constraint holds."
)


@dataclass(frozen=True)
class Stage:
    """Where a lesson is shown: colours of figures, and whether a class looks at it from afar."""

    look: Look
    presenting: bool = False

    def chart(self, figure: go.Figure, name: str, alt: str) -> None:
        """The figure under the key figure_learn_`name`, with `alt` for those who cannot see it."""
        if self.presenting:
            enlarge(figure)
        config = PLAIN_CONFIG | {"displayModeBar": False}
        st.plotly_chart(figure, theme=None, key=f"figure_learn_{name}", config=config, alt=alt)


@dataclass(frozen=True)
class Lesson:
    r"""One lesson: its name in the address bar, title, equation in LaTeX, what the symbols mean, and its widget.

    Its paragraphs stand in assets/lessons/<slug>.md.
    """

    slug: str
    title: str
    equation: str
    symbols: str
    widget: Callable[[Stage], None]

    @property
    def text(self) -> str:
        """The paragraphs, in Markdown. Raises DamagedFile."""
        return read_shipped(f"lessons/{self.slug}.md")


def unsure(said: Sequence[Mapping[str, Any]]) -> bool:
    """A sentence where one of a lesson's closed forms does not meet the constraint; `said` is what was measured.

    Whether there is one.
    """
    far = [one["constraint"] for one in said if not is_certain(one)]
    if far:
        worst = max(far, key=misfit)
        st.caption(UNSURE.format(number(worst), number(misfit(worst), 2)))
    return bool(far)


def numbers(*shown: tuple[str, str, str]) -> None:
    """A row of numbers: label with unit, value, and what it means."""
    with st.container(horizontal=True, key="learn_numbers"):
        for label, value, meaning in shown:
            st.metric(label, value, help=meaning)
