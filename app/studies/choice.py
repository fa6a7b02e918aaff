"""What is looked at on this page, in step with the address bar."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import streamlit as st

from app.address import selection
from app.address.record import AddressRecord
from explainers.studies.catalogue import STUDIES

INDEX = ""


@dataclass(frozen=True)
class Choice(AddressRecord):
    """A study, "" for the index; the quantity that is drawn, and of which curve, where and of which picture the map is.

    What is not there is replaced by the first that is, when it is drawn.

    >>> Choice("beta", stop="0.001").to_query()
    {'study': 'beta', 'stop': '0.001'}
    """

    NAMES = MappingProxyType({"seen": "bird"})

    study: str = INDEX
    quantity: str = ""
    curve: str = ""
    stop: str = ""
    seen: str = ""

    @staticmethod
    def from_query(query: Mapping[str, str]) -> "Choice":
        """The choice in an address; values that make no sense are left at their defaults.

        >>> Choice.from_query({"study": "beta", "stop": "0.001"}), Choice.from_query({"study": "a", "stop": "1"})
        (Choice(study='beta', quantity='', curve='', stop='0.001', seen=''), Choice(study='', quantity='', curve='', \
stop='', seen=''))
        """
        if query.get("study") not in STUDIES:
            return Choice()
        names = ("study", "quantity", "curve", "stop", "seen")
        return Choice(**{name: query.get(Choice.NAMES.get(name, name), "") for name in names})


def choice() -> Choice:
    """This session's choice; on the first visit what the address bar says."""
    if "studies_choice" not in st.session_state:
        st.session_state["studies_choice"] = Choice.from_query(selection.arrived("studies"))
    return st.session_state["studies_choice"]


def change(**values: Any) -> None:
    """Replaces the choice by one with other values; another study begins anew."""
    now = Choice() if "study" in values else choice()
    st.session_state["studies_choice"] = replace(now, **values)
