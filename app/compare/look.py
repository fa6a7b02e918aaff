"""How the parts of the compare page stand beside and below each other."""

import streamlit as st

from app.figures.maps import HEIGHT, MARGIN

CSS = """
<style>
.st-key-figures_compare {flex-wrap:wrap}
.st-key-figures_compare > div {flex:1 1 225px; min-width:220px; max-width:520px}
.st-key-figures_compare > div {container-type:inline-size}
.st-key-figures_compare [class*="st-key-figure_"] {height:%(height)s}
.st-key-numbers_compare {flex-wrap:wrap}
.st-key-numbers_compare > div {flex:1 1 150px; min-width:140px}
.st-key-answers_compare {flex-wrap:wrap}
.st-key-answers_compare > div {flex:1 1 320px; min-width:280px}
</style>
"""


def apply() -> None:
    # As high as a square map of the column's width makes it.
    across, down = MARGIN["l"] + MARGIN["r"], MARGIN["t"] + MARGIN["b"]
    st.html(CSS % {"height": f"min({HEIGHT}px, 100cqw + {down - across}px)"})
