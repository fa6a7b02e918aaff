"""What a page has drawn reaches the browser in its order, however late it is sent.

A part of a page that is polled may begin to run anew before all of the page has been sent, on a busy server. Streamlit
then throws away what that part has drawn and not sent, for it will draw it once more; yet of what lies within it, it
keeps what another part has drawn and what the browser is known to have. These come to a browser that has nothing that
they could lie in: it says "Bad delta path" and the page goes blank.
"""

from collections.abc import Callable, Sequence
from functools import wraps

from streamlit.runtime.forward_msg_queue import ForwardMsgQueue


def deliver_whole() -> None:
    """Sends all that was drawn before a part of a page runs anew. Calling this again changes nothing."""
    if not hasattr(ForwardMsgQueue.clear, "__wrapped__"):
        ForwardMsgQueue.clear = _kept_for_parts(ForwardMsgQueue.clear)


def _kept_for_parts(clear: Callable[..., None]) -> Callable[..., None]:
    """`clear` of a queue; where only parts of the page run anew, all in it stays and nothing takes its place."""

    @wraps(clear)
    def cleared(
        queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: Sequence[str] | None = None
    ) -> None:
        if fragment_ids_this_run is None:
            clear(queue, retain_lifecycle_msgs)
        else:
            queue._delta_index_map = {}

    return cleared
