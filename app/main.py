"""The explorer: page config and navigation, nothing else."""

from importlib import import_module

import streamlit as st

from app.hardening import harden
from app.look import icon, legible

harden()
st.set_page_config(
    page_title="Information-discarding explorer",
    page_icon=icon(),
    layout="wide",
    initial_sidebar_state="expanded",
)
legible()
# The pages bring PyTorch, whose first import takes seconds: say so meanwhile.
with st.spinner("Loading PyTorch; only the first visit after a start waits for it …"):
    names = ("explore", "compare", "fairness", "evaluate", "learn", "glossary", "about")
    explore, compare, fairness, evaluate, learn, glossary, about = (
        import_module(f"app.views.{name}") for name in names
    )
    disk = import_module("app.panels.disk")
st.navigation(
    [
        st.Page(explore.page, title="Explore", icon=":material/blur_on:", default=True),
        st.Page(compare.page, title="Compare", icon=":material/compare:", url_path="compare"),
        st.Page(fairness.page, title="Fairness", icon=":material/balance:", url_path="fairness"),
        st.Page(evaluate.page, title="Evaluate", icon=":material/target:", url_path="evaluate"),
        st.Page(learn.page, title="Learn", icon=":material/school:", url_path="learn"),
        st.Page(glossary.page, title="Glossary", icon=":material/menu_book:", url_path="glossary"),
        st.Page(about.page, title="About", icon=":material/info:", url_path="about"),
    ],
    position="top",
).run()
disk.notice()
