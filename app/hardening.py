"""What Streamlit would do for any visitor, or fetch by itself, and no setting turns off."""

from typing import Any

from streamlit import net_util
from streamlit.runtime.app_session import AppSession

# Messages of the developer's menu, which the server takes from everybody: one empties the caches of all sessions and
# with them ends all work, one tells names of files in the server's checkout, one watches its files.
DEVELOPERS = ("_handle_clear_cache_request", "_handle_git_information_request", "_handle_set_run_on_save_request")


def harden() -> None:
    """Ignores the developer's messages, and never asks another server for this machine's address.

    Streamlit would ask for it whenever a foreign page tries to connect. Calling this again changes nothing.
    """
    net_util.get_external_ip = _nothing
    for name in DEVELOPERS:
        setattr(AppSession, name, _nothing)


def _nothing(*_: Any) -> None:
    return None
