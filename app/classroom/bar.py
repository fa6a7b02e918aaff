"""One line above every page of somebody who is in a class, and what keeps teacher and students together."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from app.address.anew import visit
from app.address.standing import NAMES
from app.classroom.classes import ClassGoneError
from app.classroom.membership import Membership, classes, leave, membership, student
from app.inputs.sentences import sentence
from app.parts.clock import here
from app.words import counted

WAIT = 1.0
GONE = "The class of this link has ended, or this server was started anew since. Ask for its new link."


def bar(pages: Mapping[str, Any], page: str) -> None:
    """`pages` by their names in the address, of which `page` is the one that is looked at."""
    if membership() is not None:
        st.fragment(_tick, run_every=WAIT)(pages, page)
    elif st.session_state.get("class_gone"):
        st.warning(GONE, icon=":material/group_off:")


def _tick(pages: Mapping[str, Any], page: str) -> None:
    found = membership()
    if found is None:
        st.rerun()
    try:
        if found.leads:
            _lead(found, page)
        else:
            _follow(found, pages)
    except ClassGoneError as error:
        leave()
        st.session_state["class_gone"] = True
        st.caption(sentence(error))
        st.rerun()


def _lead(found: Membership, page: str) -> None:
    query = {name: value for name, value in st.query_params.to_dict().items() if name not in NAMES[:2]}
    classes().show(found.code, found.secret, page, query)
    students = counted(classes().present(found.code), "student")
    until = here(classes().ends(found.code))
    with st.container(horizontal=True, vertical_alignment="center", key="class_bar"):
        st.caption(f":material/groups: Class **{found.code}** · what you choose is seen by {students} · until {until}")
        st.button(
            "End the class",
            key="class_end",
            type="tertiary",
            on_click=_end,
            args=(found,),
            help="For everybody in it. What each sees stays on their screens.",
        )


def _follow(found: Membership, pages: Mapping[str, Any]) -> None:
    classes().hear(found.code, student())
    shown = classes().shown(found.code)
    with st.container(horizontal=True, vertical_alignment="center", key="class_bar"):
        st.caption(
            f":material/groups: Class **{found.code}** · "
            + ("you see what the teacher chooses" if found.follows else "you look around by yourself")
        )
        st.button(
            "Look around" if found.follows else "Follow again",
            key="class_follow",
            type="tertiary",
            on_click=_set_follows,
            args=(found, not found.follows),
            help="Whether what the teacher chooses opens here by itself.",
        )
        st.button("Leave", key="class_leave", type="tertiary", on_click=leave, help="Out of the class.")
    if found.follows and shown.turn != found.turn and shown.page in pages:
        st.session_state["membership"] = replace(found, turn=shown.turn)
        visit(pages[shown.page], shown.query)


def _set_follows(found: Membership, follows: bool) -> None:
    # Whoever follows again is brought to where the teacher is.
    st.session_state["membership"] = replace(found, follows=follows, turn=-1 if follows else found.turn)


def _end(found: Membership) -> None:
    classes().end(found.code, found.secret)
    leave()
