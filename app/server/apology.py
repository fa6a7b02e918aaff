"""What a reader is told where the page itself fails: one sentence and what to do, never a trace."""

import logging

import streamlit as st

log = logging.getLogger(__name__)
SENTENCE = "Expected choices that this page offers, got something that it cannot show; reload the page."


def apologise(error: Exception) -> bool:
    """Says so in place of Streamlit's own page of errors; the reason is in the server's log."""
    log.error("a page failed", exc_info=error)
    st.error(SENTENCE, icon=":material/error:")
    return True
