"""How the parts of the compare page stand beside and below each other."""

import streamlit as st

CSS = """
<style>
.st-key-figures_compare {flex-wrap:wrap}
.st-key-figures_compare > div {flex:1 1 225px; min-width:220px; max-width:520px}
.st-key-numbers_compare {flex-wrap:wrap}
.st-key-numbers_compare > div {flex:1 1 150px; min-width:140px}
.st-key-answers_compare {flex-wrap:wrap}
.st-key-answers_compare > div {flex:1 1 320px; min-width:280px}
</style>
"""


def apply() -> None:
    st.html(CSS)
