"""A visitor without a browser: speaks to a server in its own messages."""

import http.client
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from app.server.apology import SENTENCE
from tests.support.places import ROOT

# What no answer to a visitor may contain.
SECRETS = (str(ROOT), "site-packages", "Traceback", "root:x:", "set_page_config", "gatherUsageStats")


def ask(address: str, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    """Status and text of an answer; the path goes out as it is written."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in {"Content_Length": str(len(body or b"")), **headers}.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders(body)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def stream(address: str, origin: str | None = None, **headers: str) -> ClientConnection:
    return connect(
        f"{address.replace('http', 'ws')}/_stcore/stream",
        origin=origin or address,
        subprotocols=["streamlit"],
        additional_headers=headers,
        max_size=None,
        open_timeout=60,
    )


def asked(query: str = "", page: str = "") -> BackMsg:
    """The message by which a page is opened."""
    message = BackMsg()
    message.rerun_script.query_string = query
    message.rerun_script.page_name = page
    return message


def visit(address: str, query: str = "", page: str = "") -> list[ForwardMsg]:
    """All that the server sends to a visitor of a page until its script has run; no page fails."""
    with stream(address) as visitor:
        received = run(visitor, asked(query, page))
    assert SENTENCE not in told(received)
    return received


def run(visitor: ClientConnection, message: BackMsg) -> list[ForwardMsg]:
    """All that the server answers to one message that has the script run."""
    visitor.send(message.SerializeToString())
    received = []
    while not received or received[-1].WhichOneof("type") != "script_finished":
        received.append(ForwardMsg.FromString(visitor.recv(timeout=120)))
    return received


def tokens(address: str) -> dict[str, str]:
    """The cookie and the header of a visitor that came by the front door."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request("GET", "/_stcore/health")
    cookie = connection.getresponse().headers["Set-Cookie"].partition(";")[0]
    connection.close()
    return {"Cookie": cookie, "X_Xsrftoken": cookie.partition("=")[2]}


def told(received: list[ForwardMsg]) -> str:
    """The elements that the page is made of; the name of the script, which names a path, is none of them."""
    return "".join(str(message.delta) for message in received if message.WhichOneof("type") == "delta")
