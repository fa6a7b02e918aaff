"""Streamlit's own command in a process whose maps are `brief`."""

import sys

import pytest
from streamlit.web.cli import main

from tests.support.brief import brief

if __name__ == "__main__":
    brief(pytest.MonkeyPatch())
    sys.exit(main(prog_name="streamlit"))
