"""Glossary and references: what the words mean and where they come from."""

import streamlit as st

from app.inputs.sentences import sentence
from app.parts.glossary import glossary
from app.parts.look import READING
from explainers.assets import DamagedFile, read_shipped

# In two columns where there is room, each of a width that reads well.
CSS = """
<style>
.st-key-glossary_terms {display:block; columns:2 420px; column-gap:3rem; max-width:1420px}
.st-key-glossary_terms > div {break-inside:avoid; margin-bottom:1rem}
</style>
"""
SEARCH = "Part of a term, or of what it means."


def page() -> None:
    """All terms in the order of their first letter, or those that hold what is searched for."""
    try:
        references = read_shipped("lessons/references.md")
        glossary()
    except DamagedFile as error:
        st.error(sentence(error))
        return
    st.html(CSS)
    with st.container(width=READING):
        st.title("Glossary", anchor=False)
        text = st.text_input("Search", key="w_glossary", help=SEARCH, placeholder="noise, entropy, Grad-CAM …")
        found = matching(text)
        if not found:
            st.info("No term of that name.")
    with st.container(key="glossary_terms"):
        for term, meaning in found.items():
            st.markdown(f"**{term}**  \n{meaning}")
    with st.container(width=READING):
        st.title("References", anchor=False)
        st.markdown(references)


def matching(text: str) -> dict[str, str]:
    """Terms that hold `text` in their name or meaning, in alphabetical order.

    >>> list(matching("grad-cam"))
    ['Grad-CAM']
    """
    wanted = text.strip().casefold()
    found = {t: m for t, m in glossary().items() if wanted in f"{t} {m}".casefold()}
    return dict(sorted(found.items(), key=lambda item: item[0].casefold()))
