"""Studies: the paper's claims about networks, each computed again, with a verdict."""

import streamlit as st

from app.address import selection
from app.jobs.backend import the_backend
from app.parts import link_notice
from app.parts.bound import dropdown
from app.parts.look import apply
from app.studies.choice import INDEX, change, choice
from app.studies.index import draw_index
from app.studies.known import known
from app.studies.one import draw_study
from explainers.studies.catalogue import STUDIES

LEAD = (
    "What the paper claims about networks, experiment by experiment, computed again on networks trained for it. A "
    "verdict is computed from the pictures, never written by hand."
)
STUDY_HELP = "The index of all studies, or one of them: the paper's claims, our curves, maps and verdicts."
STUDIES_CSS = """
<style>
.st-key-studies_pair {flex-wrap:wrap; column-gap:1.5rem}
.st-key-studies_pair > div:first-child {flex:2 1 440px; min-width:290px}
.st-key-studies_pair > div:last-child {flex:1 1 260px; min-width:240px}
</style>
"""
ALL = "All studies"


def page() -> None:
    """Sidebar -> study; the index, or its claims, curves and map."""
    apply()
    st.html(STUDIES_CSS)
    link_notice.check("studies", the_backend(), choice().texts())
    titles = {INDEX: ALL} | {name: study.title for name, study in STUDIES.items()}
    with st.sidebar:
        dropdown("w_studies_study", "Study", titles, choice().study, lambda name: change(study=name), STUDY_HELP)
    now = choice().study
    st.title(titles[now] if now else "What do the paper's experiments say of networks?", anchor=False)
    notice = st.empty()
    if now == INDEX:
        st.markdown(LEAD)
        with st.spinner("Judging the claims; only the first visit after a start waits for it …"):
            read = [known(name) for name in STUDIES]
        draw_index(read)
    else:
        draw_study(known(now))
    selection.write_address(choice().to_query())
    link_notice.draw(notice, choice())
