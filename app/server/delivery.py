"""What a page has drawn reaches the browser in its order, however late it is sent.

A part of a page that is polled may begin to run anew before all of the page has been sent, on a busy server. Streamlit
then throws away what that part has drawn and not sent, for it will draw it once more; yet of what lies within it, it
keeps what another part has drawn and what the browser is known to have. These come to a browser that has nothing that
they could lie in: it says "Bad delta path" and the page goes blank.

Nor is an answer thrown away that the browser waits for. It asks where to bring a file to, and asks once: if the whole
page begins to run anew before the answer has been sent, the file is never brought, and nothing says so.
"""

from collections.abc import Callable, Sequence
from functools import wraps

from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

# The messages that answer one of the browser's, and are not drawn by any run.
ANSWERS = frozenset({"file_urls_response", "backend_operation_response", "heartbeat_ack"})


def deliver_whole() -> None:
    """Sends answers, and all that was drawn before a part runs anew. Calling this again changes nothing."""
    if not hasattr(ForwardMsgQueue.clear, "__wrapped__"):
        ForwardMsgQueue.clear = _kept_for_parts(ForwardMsgQueue.clear)


def _kept_for_parts(clear: Callable[..., None]) -> Callable[..., None]:
    """`clear` of a queue that leaves answers in it.

    Where only parts of the page run anew, all stays and nothing takes its place.
    """

    @wraps(clear)
    def cleared(
        queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: Sequence[str] | None = None
    ) -> None:
        if fragment_ids_this_run is not None:
            queue._delta_index_map = {}
            return
        # What has been sent is cleared without them.
        waiting = queue._queue if retain_lifecycle_msgs else []
        clear(queue, retain_lifecycle_msgs)
        queue._queue += [message for message in waiting if message.WhichOneof("type") in ANSWERS]

    return cleared
