"""The explorer: page config and navigation, nothing else."""

import streamlit as st

from app.look import icon
from app.pages import about, explore

st.set_page_config(
    page_title="Information-discarding explorer",
    page_icon=icon(),
    layout="wide",
    initial_sidebar_state="expanded",
)
st.navigation(
    [
        st.Page(explore.page, title="Explore", icon=":material/blur_on:", default=True),
        st.Page(about.page, title="About", icon=":material/info:", url_path="about"),
    ],
    position="top",
).run()
