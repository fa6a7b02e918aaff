"""What Streamlit would do for any visitor, or fetch by itself, and no setting turns off."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from starlette.formparsers import MultiPartParser
from streamlit import net_util
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner_utils.script_requests import _coalesce_widget_states

# Messages of the developer's menu, which the server takes from everybody: one empties the caches of all sessions and
# with them ends all work, one tells names of files in the server's checkout, one watches its files.
DEVELOPERS = ("_handle_clear_cache_request", "_handle_git_information_request", "_handle_set_run_on_save_request")
# Runs of the script that one connection may ask for at once, and in a second after that: more than a reader's hand and
# the pages' own polls do.
AT_ONCE, A_SECOND = 20, 5.0


def harden() -> None:
    """Ignores the developer's messages, keeps the script's folder to itself, and spreads floods of runs.

    Uploads stay in memory, where the gate bounds them, while they are received: none lies in the temporary folder. It
    also never asks another server for this machine's address, which Streamlit would whenever a foreign page tries
    to connect. Calling this again changes nothing.
    """
    net_util.get_external_ip = _nothing
    MultiPartParser.spool_max_size = sys.maxsize
    for name in DEVELOPERS:
        setattr(AppSession, name, _nothing)
    if AppSession._handle_rerun_script_request is not _rerun:
        setattr(AppSession, "_handle_rerun_script_request", _rerun)  # noqa: B010
        AppSession._create_new_session_message = _without_folder(AppSession._create_new_session_message)


class Allowance:
    """`most` at once and `rate` a second after that; `wait` says how long the next has to wait.

    >>> now = [0.0]
    >>> allowance = Allowance(2, 0.5, lambda: now[0])
    >>> [allowance.wait() for _ in range(3)]
    [0.0, 0.0, 2.0]
    >>> now[0] = 2.0
    >>> allowance.wait()
    0.0
    """

    def __init__(self, most: int, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self.rate, self.clock = most, rate, clock
        self.left, self.at = float(most), clock()

    def wait(self) -> float:
        """0 where one more is allowed now, which it then has been; else the seconds until then."""
        now = self.clock()
        self.left, self.at = min(self.most, self.left + (now - self.at) * self.rate), now
        if self.left >= 1:
            self.left -= 1
            return 0.0
        return (1 - self.left) / self.rate


def _rerun(session: AppSession, state: ClientState) -> None:
    """Runs the script, or in a while for all that was asked for meanwhile."""
    kept = session.__dict__
    if "next_run" in kept:
        kept["next_run"] = _both(kept["next_run"], state)
    elif wait := kept.setdefault("allowance", Allowance(AT_ONCE, A_SECOND)).wait():
        kept["next_run"] = state
        asyncio.get_running_loop().call_later(wait, _next_run, session)
    else:
        session.request_rerun(state)


def _next_run(session: AppSession) -> None:
    _rerun(session, session.__dict__.pop("next_run"))


def _both(before: ClientState, after: ClientState) -> ClientState:
    """One run for two: the newest of every control and the clicks of both; of a part of the page if both are of it.

    A poll chooses nothing.
    """
    both = ClientState()
    both.CopyFrom(after)
    both.ClearField("widget_states")
    chosen = [None if each.is_auto_rerun else each.widget_states for each in (before, after)]
    if (states := _coalesce_widget_states(*chosen)) is not None:
        both.widget_states.CopyFrom(states)
    both.is_auto_rerun = before.is_auto_rerun and after.is_auto_rerun
    both.is_history_navigation |= before.is_history_navigation and after.is_auto_rerun
    if before.fragment_id != after.fragment_id:
        both.fragment_id, both.is_auto_rerun = "", False
    return both


def _without_folder(made: Callable[..., ForwardMsg]) -> Callable[..., ForwardMsg]:
    def message(*args: Any, **options: Any) -> ForwardMsg:
        found = made(*args, **options)
        found.new_session.main_script_path = PurePath(found.new_session.main_script_path).name
        return found

    return message


def _nothing(*_: Any) -> None:
    return None
