"""A poll brings what is new to the page and says nothing of what its reader has chosen.

The browser sends the state of every control along with it. What the server has just changed, a layer by an arrow key or
a network by its weights, a busy browser has not drawn yet: taken for choices, these states would undo it.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps

from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

Request = Callable[..., bool]


def choose_nothing_by_polls() -> None:
    """Controls change by what is done with them, never by a poll. Calling this again changes nothing."""
    if not hasattr(ScriptRequests.request_rerun, "__wrapped__"):
        ScriptRequests.request_rerun = _without_polled(ScriptRequests.request_rerun)


def _without_polled(request: Request) -> Request:
    @wraps(request)
    def requested(self: ScriptRequests, new_data: RerunData) -> bool:
        return request(self, replace(new_data, widget_states=None) if new_data.is_auto_rerun else new_data)

    return requested
