"""A poll brings what is new to the page and says nothing of what its reader has chosen.

The browser sends the state of every control along with it. What the server has just changed, a layer by an arrow key or
a network by its weights, a busy browser has not drawn yet: taken for choices, these states would undo it.

Nor does a part of a page run once another page has taken its place. A poll, or a second click, that was on its way
meanwhile would say to the browser that the page it comes from is back, and leave it blank.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

Request = Callable[..., bool]
Run = Callable[..., None]


def choose_nothing_by_polls() -> None:
    """Controls change by what is done with them, never by a poll. Calling this again changes nothing."""
    if not hasattr(ScriptRequests.request_rerun, "__wrapped__"):
        ScriptRequests.request_rerun = _without_polled(ScriptRequests.request_rerun)


def forget_pages_that_are_left() -> None:
    """No part of a page runs when another page is shown. Calling this again changes nothing."""
    if not hasattr(ScriptRunner._run_script, "__wrapped__"):
        ScriptRunner._run_script = _on_its_page(ScriptRunner._run_script)


def _without_polled(request: Request) -> Request:
    @wraps(request)
    def requested(self: ScriptRequests, new_data: RerunData) -> bool:
        return request(self, replace(new_data, widget_states=None) if new_data.is_auto_rerun else new_data)

    return requested


def _on_its_page(run: Run) -> Run:
    @wraps(run)
    def ran(self: ScriptRunner, rerun_data: RerunData) -> None:
        shown = self._pages_manager.current_page_script_hash
        if rerun_data.fragment_id_queue and rerun_data.page_script_hash not in ("", shown):
            there = [part for part in rerun_data.fragment_id_queue if self._fragment_storage.contains(part)]
            if not there:
                return
            # Asked for together with what has gone.
            rerun_data = replace(rerun_data, fragment_id_queue=there, page_script_hash=shown)
        run(self, rerun_data)

    return ran
