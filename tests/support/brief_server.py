"""Streamlit's own command in a process whose maps are `brief`, and are not kept among those of others."""

import os
import sys

import pytest
from streamlit.web.cli import main

from tests.support.brief import brief

if __name__ == "__main__":
    if "RESULTS_HOME" not in os.environ:
        os.environ["RESULTS_LIMIT"] = "0"
    brief(pytest.MonkeyPatch())
    sys.exit(main(prog_name="streamlit"))
