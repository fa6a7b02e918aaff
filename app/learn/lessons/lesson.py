"""What a lesson is: a few words, an equation, and something to move."""

from collections.abc import Callable
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from app.figures.enlarge import enlarge
from app.figures.style import PLAIN_CONFIG, Look
from explainers.assets import read_shipped


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


def numbers(*shown: tuple[str, str, str]) -> None:
    """A row of numbers: label with unit, value, and what it means."""
    with st.container(horizontal=True, key="learn_numbers"):
        for label, value, meaning in shown:
            st.metric(label, value, help=meaning)
