"""Which class this session is in, and whether it leads it."""

from dataclasses import dataclass

import streamlit as st

from app.address import selection
from app.address.standing import CLASS, LEAD, stand
from app.classroom.classes import Classes

CODE, SECRET = 12, 40


@dataclass(frozen=True)
class Membership:
    """A class by its code, with the `secret` of whoever leads it, else empty; `follows`: a student who looks on."""

    code: str
    secret: str = ""
    follows: bool = True
    turn: int = 0

    @property
    def leads(self) -> bool:
        return bool(self.secret)


@st.cache_resource(show_spinner=False)
def classes() -> Classes:
    """The classes of this server."""
    return Classes()


def membership() -> Membership | None:
    """That of this session; on its first run that which the address names."""
    if "membership" not in st.session_state:
        code = st.query_params.get(CLASS, "")[:CODE].upper()
        secret = st.query_params.get(LEAD, "")[:SECRET]
        st.session_state["membership"] = None
        if code and classes().is_there(code):
            join(code, secret if classes().leads(code, secret) else "")
        elif code:
            st.session_state["class_gone"] = True
    return st.session_state["membership"]


def join(code: str, secret: str = "") -> None:
    """From now on this session is in that class, and its address says so."""
    st.session_state["membership"] = Membership(code, secret)
    st.session_state.pop("class_gone", None)
    stand(CLASS, code)
    stand(LEAD, secret)


def leave() -> None:
    """Out of the class; what the page shows stays."""
    st.session_state["membership"] = None
    st.session_state.pop("class_gone", None)
    stand(CLASS, None)
    stand(LEAD, None)


def student() -> str:
    """The name under which this session is counted and answers; it says nothing of who that is."""
    return selection.owner("class")
