"""What is set on classes of Streamlit and Starlette has a name there: a rename would set another that nobody reads."""

import inspect

import pytest
from starlette.formparsers import MultiPartParser
from streamlit import net_util
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

from app.server.hardening import DEVELOPERS

SET = [
    *((AppSession, f"def {name}(") for name in (*DEVELOPERS, "_handle_rerun_script_request")),
    (AppSession, "def _create_new_session_message("),
    (net_util, "def get_external_ip("),
    (MultiPartParser, "spool_max_size"),
    (ForwardMsgQueue, "def clear("),
    (ForwardMsgQueue, "_delta_index_map"),
    (ScriptRunner, "def _run_script("),
    (ScriptRunner, "self._pages_manager"),
    (ScriptRunner, "self._fragment_storage"),
]


@pytest.mark.parametrize(("owner", "name"), SET, ids=lambda one: one if isinstance(one, str) else one.__name__)
def test_a_name_that_is_set_is_one_of_the_library_s_own(owner, name):
    # The file's text: at run time what was set is there in any case.
    assert name in inspect.getsource(owner)
