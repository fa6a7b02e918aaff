"""One quiet sentence below the controls while results cannot be kept on disk."""

import streamlit as st

from app.jobs.backend import the_backend


def notice() -> None:
    """Nothing where all is well."""
    if problem := the_backend().results.problem:
        with st.sidebar:
            st.caption(f":material/info: {problem} The app works as usual and computes anew what it needs.")
