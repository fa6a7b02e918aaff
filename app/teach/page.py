"""Class: a teacher begins one and gives its link away; students come with the link or its code."""

from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from app.address.selection import write_address
from app.address.standing import CLASS
from app.classroom.classes import HOURS
from app.classroom.membership import CODE, Membership, classes, join, membership
from app.inputs.sentences import sentence
from app.parts import ways
from app.parts.clock import here
from app.parts.look import READING
from app.words import counted

WHAT = f"""
Everybody in a class sees what its teacher chooses: the page, the network, the layer, the picture, the lesson. Each
still has a page of their own to point at and to try things on. Before a lesson is shown, the class says what it
expects. All see how many gave each answer; nobody sees who gave it.

A class is kept in this server's memory alone and ends after {HOURS} hours, or when its teacher ends it. Whoever has the
link can look on.
"""
BEGIN = "You get a link for your students, and lead wherever you go from then on."


def page() -> None:
    with st.container(width=READING):
        st.title("A class", anchor=False)
        found = membership()
        if found is None:
            st.markdown(WHAT)
            _begin()
            _come()
        elif found.leads:
            _lead(found)
        else:
            st.markdown(f"You are in the class **{found.code}**. What its teacher chooses opens here by itself.")
    write_address()
    ways.follow()


def _begin() -> None:
    st.header("As a teacher", anchor=False)
    st.button("Begin a class", key="class_begin", type="primary", icon=":material/groups:", on_click=_start, help=BEGIN)
    if problem := st.session_state.pop("class_problem", ""):
        st.error(problem)


def _start() -> None:
    try:
        join(*classes().begin())
    except ValueError as error:
        st.session_state["class_problem"] = sentence(error)


def _come() -> None:
    st.header("As a student", anchor=False)
    with st.form("class_come", border=False):
        code = st.text_input("Code of the class", max_chars=CODE, help="Six letters and digits, from your teacher.")
        if st.form_submit_button("Join", help="From then on this window shows what the class's teacher chooses."):
            written = "".join(sign for sign in code.upper() if sign.isalnum())
            if classes().is_there(written):
                join(written)
                st.rerun()
            st.error("Expected the code of a class that is being held, got another; ask your teacher for it.")


def _lead(found: Membership) -> None:
    st.markdown("**Give this link to your students**, or the code to those who are here already:")
    st.code(student_link(st.context.url or "", found.code), language=None)
    st.header(found.code, anchor=False)
    students, until = counted(classes().present(found.code), "student"), here(classes().ends(found.code))
    st.caption(f"{students} at the moment · ends by itself at {until}, your time")
    st.markdown(
        "Now go wherever you like: to a lesson, where your class predicts before you reveal, or to any other page. "
        "Keep the address of *this* window to yourself: with it one leads the class."
    )
    st.button(
        "Go to the lessons", key="class_lessons", on_click=ways.send, args=("learn",), help="The class comes along."
    )


def student_link(here: str, code: str) -> str:
    """The address of the explorer's start page for somebody who joins.

    >>> student_link("http://localhost:8501/class?lead=1", "ABC234")
    'http://localhost:8501/?class=ABC234'
    """
    parts = urlsplit(here)
    root = parts.path.rpartition("/")[0] + "/"
    return urlunsplit((parts.scheme, parts.netloc, root, urlencode({CLASS: code}), ""))
