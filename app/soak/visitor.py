"""A visitor without a browser: runs pages over the server's socket, uploads files, and reads what is said."""

import http.client
import time
import uuid
from collections.abc import Callable
from typing import cast

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from app.server.apology import SENTENCE

# Seconds for one answer, for a map among those of all others, and between two looks.
WAIT, PATIENCE, POLL = 120.0, 300.0, 1.0
# What no page may say: its own failure, Streamlit's, and that of a computation that is not explained.
# A run that another takes the place of has drawn half a page.
EARLY = ForwardMsg.FINISHED_EARLY_FOR_RERUN
FAILURES = (SENTENCE, "exception {", "failed unexpectedly")


class Failure(AssertionError):
    """A page said what it must not say, or never said what it should."""


class Visitor:
    """One session, from its connection on; a context manager."""

    def __init__(self, address: str, query: str, page: str = "") -> None:
        self.address, self.message = address, BackMsg()
        self.message.rerun_script.query_string = query
        self.message.rerun_script.page_name = page
        self.elements: list[Element] = []

    def __enter__(self) -> "Visitor":
        self.socket: ClientConnection = connect(
            f"{self.address.replace('http', 'ws')}/_stcore/stream",
            origin=cast(Origin, self.address),
            subprotocols=[cast(Subprotocol, "streamlit")],
            max_size=None,
            open_timeout=30,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def _received(self) -> bytes:
        message = self.socket.recv(timeout=WAIT)
        return message.encode() if isinstance(message, str) else message

    def run(self) -> str:
        """Runs the page; what it says. Raises Failure where that is one of FAILURES."""
        self.socket.send(self.message.SerializeToString())
        self.elements, said = [], []
        while True:
            got = ForwardMsg.FromString(self._received())
            if got.WhichOneof("type") == "delta":
                self.elements.append(got.delta.new_element)
                said.append(str(got.delta))
            elif got.WhichOneof("type") == "script_finished" and got.script_finished != EARLY:
                break
        text = "".join(said)
        for failure in FAILURES:
            if failure in text:
                raise Failure(f"{self.message.rerun_script.query_string[:200]}: {failure}")
        return text

    def until(self, holds: Callable[[str], bool], over: Callable[[], bool]) -> str | None:
        """Runs the page as its poll does until it says something; None where the trial is over before."""
        ends = time.monotonic() + PATIENCE
        while not holds(text := self.run()):
            if over():
                return None
            if time.monotonic() > ends:
                raise Failure(f"{self.message.rerun_script.query_string[:200]}: no end within {PATIENCE:.0f} s")
            time.sleep(POLL)
        return text

    def number(self, label: str) -> str:
        """What a figure of the page says."""
        return next(one.metric.body for one in self.elements if one.metric.label.startswith(label))

    def bring(self, name: str, data: bytes) -> None:
        """Uploads a weights file, as the browser does; the next run has it."""
        widget = next(
            one.file_uploader.id
            for one in self.elements
            if one.WhichOneof("type") == "file_uploader" and one.file_uploader.id.endswith("w_weights")
        )
        ask = BackMsg()
        ask.file_urls_request.request_id = "1"
        ask.file_urls_request.file_names.append(name)
        self.socket.send(ask.SerializeToString())
        got = ForwardMsg()
        while got.WhichOneof("type") != "file_urls_response":
            got = ForwardMsg.FromString(self._received())
        urls = got.file_urls_response.file_urls[0]
        self._put(urls.upload_url, name, data)
        state = self.message.rerun_script.widget_states.widgets.add()
        state.id = widget
        state.file_uploader_state_value.uploaded_file_info.add(
            file_id=urls.file_id, name=name, size=len(data), file_urls=urls
        )

    def _put(self, path: str, name: str, data: bytes) -> None:
        connection = http.client.HTTPConnection(self.address.removeprefix("http://"), timeout=WAIT)
        connection.request("GET", "/_stcore/health")
        answer = connection.getresponse()
        answer.read()
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        mark = uuid.uuid4().hex
        head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        headers = {"Cookie": cookie, "X-Xsrftoken": cookie.partition("=")[2]}
        headers["Content-Type"] = f"multipart/form-data; boundary={mark}"
        connection.request("PUT", path, head.encode() + data + f"\r\n--{mark}--\r\n".encode(), headers)
        status = connection.getresponse().status
        connection.close()
        if status not in (200, 204):
            raise Failure(f"an upload of {len(data)} bytes was answered {status}")
