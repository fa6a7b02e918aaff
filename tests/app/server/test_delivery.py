"""Whenever what a page draws is sent, the browser can put it where it belongs; what it has asked is answered."""

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from app.server.delivery import deliver_whole

Path = tuple[int, ...]
# A page as it is drawn: how many containers lie within one another in each of two parts, the second of which is drawn
# within the first. Each holds something that the browser may know already.
page = st.tuples(st.integers(0, 2), st.integers(0, 2))
step = st.one_of(
    st.tuples(st.just("page"), page, st.booleans()),
    st.tuples(st.just("part"), page, st.booleans()),
    st.tuples(st.just("send"), st.none(), st.none()),
)


class Browser:
    """What Streamlit's page does with what it gets: each element goes to a place in a block that is there."""

    def __init__(self) -> None:
        self.there: dict[Path, str] = {(): "block", (0,): "block"}

    def take(self, message: ForwardMsg) -> None:
        if not message.HasField("delta") and not message.HasField("ref_hash"):
            return
        path = tuple(message.metadata.delta_path)
        assert self.there.get(path[:-1]) == "block", f"nothing to put {path} into"
        beside = [other for other in self.there if other[:-1] == path[:-1] and len(other) == len(path)]
        assert path[-1] <= len(beside), f"bad delta path {path}"
        if not message.HasField("delta") or message.delta.WhichOneof("type") == "new_element":
            text = message.ref_hash or message.delta.new_element.markdown.body
            for below in [other for other in self.there if other[: len(path)] == path]:
                del self.there[below]
            self.there[path] = text
        elif self.there.get(path) != "block":
            self.there[path] = "block"


def put(path: Path, part: str, text: str | None, known: bool = False) -> ForwardMsg:
    """A block, or with a `text` an element, which with `known` only names what the browser has."""
    message = ForwardMsg()
    message.metadata.delta_path.extend(path)
    if known and text:
        message.ref_hash = text
        return message
    message.delta.fragment_id = part
    if text is None:
        message.delta.add_block.vertical.SetInParent()
    else:
        message.delta.new_element.markdown.body = text
    return message


def drawn(depths: tuple[int, int], known: bool, run: int, part_only: bool) -> list[ForwardMsg]:
    """The messages of a run of the whole page, or of its first part with the second within it."""
    messages = [] if part_only else [put((0, 0), "", f"title {run}")]
    place: Path = (0, 1)
    messages.append(put(place, "outer", None))
    for name, depth in zip(("outer", "inner"), depths, strict=True):
        for _ in range(depth + 1):
            messages.append(put((*place, 0), name, f"{name} {run}", known))
            place = (*place, 1)
            messages.append(put(place, name, None))
    return messages


def both(steps) -> tuple[Browser, Browser]:
    """A browser that is sent everything at once, and one that is sent it when `steps` say so, and at the end."""
    prompt, late = Browser(), Browser()
    queue = ForwardMsgQueue()
    for run, (kind, depths, known) in enumerate([("page", (0, 0), False), *steps, ("send", None, None)]):
        if kind == "send":
            for message in queue.flush():
                late.take(message)
            continue
        queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["outer"] if kind == "part" else None)
        for message in drawn(depths, known, run, part_only=kind == "part"):
            prompt.take(message)
            queue.enqueue(message)
    return prompt, late


@given(st.lists(step, max_size=8))
def test_whenever_it_is_sent_all_has_a_place_and_the_newest_is_seen(steps):
    deliver_whole()
    prompt, late = both(steps)
    newest = max(int(text.split()[1]) for text in prompt.there.values() if text != "block")
    seen = {path for path, text in prompt.there.items() if text.endswith(f" {newest}")}
    assert {path: late.there[path] for path in seen} == {path: prompt.there[path] for path in seen}


@pytest.mark.parametrize("known", [False, True])
def test_streamlit_by_itself_leaves_out_what_others_lie_in(known, monkeypatch):
    """Once this fails, Streamlit needs no help."""
    deliver_whole()
    monkeypatch.setattr(ForwardMsgQueue, "clear", inspect.unwrap(ForwardMsgQueue.clear))
    with pytest.raises(AssertionError, match=r"nothing to put|bad delta path"):
        both([("send", None, None), ("page", (2, 1), known), ("part", (0, 0), known)])


def answer(kind: str) -> ForwardMsg:
    message = ForwardMsg()
    if kind == "heartbeat_ack":
        message.heartbeat_ack = True
    else:
        getattr(message, kind).SetInParent()
    return message


def kinds(queue: ForwardMsgQueue) -> list[str | None]:
    return [message.WhichOneof("type") for message in queue.flush()]


@pytest.mark.parametrize("kind", ["file_urls_response", "backend_operation_response", "heartbeat_ack"])
@pytest.mark.parametrize("parts", [None, ["outer"]])
def test_what_the_browser_asked_is_answered_once_though_the_page_runs_anew(kind, parts):
    deliver_whole()
    queue = ForwardMsgQueue()
    for message in (put((0, 0), "", "title"), answer(kind), answer("new_session")):
        queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=parts)
    queue.enqueue(put((0, 0), "", "title again"))
    sent = kinds(queue)
    assert sent.count(kind) == 1
    assert sent.count("new_session") == 1
    assert queue.is_empty()


def test_streamlit_by_itself_forgets_where_a_file_is_to_go(monkeypatch):
    """Once this fails, Streamlit needs no help."""
    deliver_whole()
    monkeypatch.setattr(ForwardMsgQueue, "clear", inspect.unwrap(ForwardMsgQueue.clear))
    queue = ForwardMsgQueue()
    queue.enqueue(answer("file_urls_response"))
    queue.clear(retain_lifecycle_msgs=True)
    assert kinds(queue) == []


def test_said_twice_it_is_done_once():
    deliver_whole()
    once = ForwardMsgQueue.clear
    deliver_whole()
    assert ForwardMsgQueue.clear is once
