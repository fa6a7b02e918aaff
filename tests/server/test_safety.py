"""A real server against visitors who are no browser: limits, foreign origins, paths, odd addresses, odd messages."""

import asyncio
import contextlib
import http.client
import socket
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from app.server.apology import SENTENCE
from app.server.hardening import A_SECOND, AT_ONCE, _rerun
from tests.support.places import ROOT
from tests.support.server import healthy, serving
from tests.support.visitor import SECRETS, ask, run, stream, tokens, told, visit

LINUX = pytest.mark.skipif(not Path("/proc/net/tcp").is_file(), reason="asks Linux for files and sockets")


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("server") / "log"


@pytest.fixture(scope="module")
def served(log) -> Iterator[str]:
    """A server with the app's own settings, on a free port."""
    with serving(log) as (address, server):
        yield address
        assert server.poll() is None, "the server was stopped"


@pytest.mark.long
def test_from_the_start_visitors_have_no_developer_s_menu(served):
    """Before any page was drawn: emptying all caches, stopping the server, telling and watching its files."""
    with stream(served) as visitor:
        for name, value in {
            "clear_cache": True,
            "load_git_info": True,
            "set_run_on_save": True,
            "debug_shutdown_runtime": True,
        }.items():
            message = BackMsg()
            setattr(message, name, value)
            visitor.send(message.SerializeToString())
        answers = []
        with contextlib.suppress(TimeoutError):
            while True:
                answers.append(ForwardMsg.FromString(visitor.recv(timeout=3)).WhichOneof("type"))
        assert not {"git_info_changed", "session_status_changed"} & set(answers)
    assert healthy(served)


@pytest.mark.long
def test_the_very_first_visit_may_be_to_another_page(served):
    assert "What this is" in told(visit(served, page="about"))


def test_the_visitor_of_these_tests_is_let_in(served):
    received = visit(served, "network=resnet20-cifar10&refine=False&grid=4&layer=layer1.0")
    said = "".join(str(message) for message in received)
    assert "What does this layer throw away?" in said
    assert "exception {" not in said


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_upload_without_token_is_forbidden(served, method):
    assert ask(served, method, "/_stcore/upload_file/session/file", b"x")[0] == 403
    wrong = tokens(served) | {"X_Xsrftoken": "2|aaaa|bbbb|1"}
    assert ask(served, method, "/_stcore/upload_file/session/file", b"x", **wrong)[0] == 403


def test_an_upload_needs_a_session_and_goes_nowhere_else(served):
    token = tokens(served)
    for path in ("session/file", "..%2f..%2fapp/main.py", "../../app/main.py", "%2e%2e/file"):
        status, text = ask(served, "PUT", f"/_stcore/upload_file/{path}", b"x", **token)
        assert status in (400, 403, 404, 405), path
        assert not [secret for secret in SECRETS if secret in text]


def test_an_upload_over_the_limit_is_refused_before_it_is_sent(served):
    with stream(served) as visitor:
        path = place(visitor)
        # The header promises 601 MB; not one byte of them follows.
        token = tokens(served)
        assert ask(served, "PUT", path, **token | {"Content_Length": str(601 << 20)}) == (413, "File too large")
        assert ask(served, "PUT", path, b"x")[0] == 403
    assert healthy(served)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://localhost.evil.example", "file://", "http://localhost:1"]
)
def test_a_foreign_page_is_not_let_in(served, origin):
    with pytest.raises(InvalidStatus) as caught:
        stream(served, origin).close()
    assert caught.value.response.status_code == 403


@LINUX
def test_the_server_listens_on_this_machine_alone(served):
    port, this = f"{urlsplit(served).port:04X}", {"0100007F", f"{1 << 24:032X}"}
    tables = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()]
    listening = {row[1].partition(":")[0] for row in tables if row[3] == "0A" and row[1].endswith(f":{port}")}
    assert listening
    assert listening <= this


def test_a_name_that_was_rebound_to_this_machine_is_not_let_in(served):
    port = urlsplit(served).port
    with socket.create_connection(("localhost", port), timeout=60) as raw:
        raw.sendall(
            f"GET /_stcore/stream HTTP/1.1\r\nHost: evil.example:{port}\r\nOrigin: http://evil.example:{port}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: streamlit\r\n\r\n".encode()
        )
        assert b" 403 " in raw.recv(200).partition(b"\r\n")[0]


PREFIXES = ("", "/static", "/media", "/app/static", "/component/a", "/_stcore/bidi-components/a", "/_stcore")
CLIMBS = (
    "/../../../../../../etc/passwd",
    "/..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/..%5c..%5cetc%5cpasswd",
    "//etc/passwd",
    "/%2fetc%2fpasswd",
    "/..%00/etc/passwd",
    "/../app/main.py",
    "/.streamlit/config.toml",
    "/main.py",
    f"/{quote(str(ROOT / 'README.md'), safe='')}",
)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_no_path_reads_a_file_of_the_server(served, prefix):
    page = ask(served, "GET", "/")[1]
    for climb in CLIMBS:
        status, text = ask(served, "GET", prefix + climb)
        # An unknown address shows the app itself, or leads to it from a folder; anything else is an error.
        assert status >= 400 or text == ("" if status == 307 else page), climb
        assert not [secret for secret in SECRETS if secret in text], climb
    assert healthy(served)


def test_static_serving_and_the_interface_for_agents_are_off(served):
    # An unknown address leads to the app, as every other does.
    assert ask(served, "GET", "/app/static/main.py") == (307, "")
    assert ask(served, "GET", "/main.py")[1] == ask(served, "GET", "/")[1]
    for route in ("interact", "mcp"):
        status, text = ask(served, "POST", f"/_stcore/agent/{route}", b"{}", Content_Type="application/json")
        assert status in (400, 403)
        assert "does not serve the agent API" in text


QUERIES = [
    "picture=../../etc/passwd",
    "picture=/etc/passwd",
    "picture=file:///etc/passwd",
    "picture=photo/../../../etc/passwd",
    "picture=photo/rocket@../../etc/passwd",
    "picture=upload/../../etc/passwd",
    "picture=http://127.0.0.1:9/a.png",
    "network=/etc/passwd",
    "network=../../README",
    "network=own/../../etc/passwd",
    "layer=../../etc/passwd",
    "layer=%00",
    "lesson=../../etc/passwd",
    "beta=nan&seed=1e999&grid=-1&method=__import__('os')",
    "beta=" + "9" * 5000,
    "seed=" + "9" * 5000,
    "grid=" + "9" * 5000,
    "network=a&network=b&picture=c&picture=d",
    "<script>alert(1)</script>=1",
    "picture=%ff%fe",
    "=&&&==",
    "picture=bird/" + "9" * 5000,
    "picture=tissue/" + "9" * 5000,
    "view=grid&across=pictures&pictures=bird/" + "9" * 5000,
    "picture=bird/\u0661",
    "picture=" + "x" * 2_000_000,
    "&".join(f"k{i}=v" for i in range(20_000)),
]
PAGES = ["", "compare", "fairness", "evaluate", "layers", "learn", "class", "glossary", "about", "../../etc/passwd"]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:40])
def test_no_address_shows_an_error_or_a_file(served, query):
    for page in (
        PAGES if len(query) < 1000 and query.startswith(("picture=..", "network=/", "lesson")) else ["", "learn"]
    ):
        # What a visitor has asked for is computed for a while: where the address asks nothing of it, little.
        little = "" if "grid=" in query else "&refine=False&grid=4"
        said = told(visit(served, query + little, page))
        assert "exception {" not in said
        assert not [secret for secret in SECRETS if secret in said]
    assert healthy(served)


def test_no_name_of_a_page_shows_an_error(served):
    for page in ("nowhere", " ", "//", " compare ", "a/b", "\0", "x" * 5000):
        said = told(visit(served, "refine=False&grid=4", page))
        assert "exception {" not in said, page
        assert ("There is no page at this address" in said) == (page not in (" ", "//", " compare ", "a/b")), page
    assert healthy(served)


@pytest.mark.parametrize(
    "data", [b"", b"\xff" * 1000, b"\x00", bytes(70 << 20)], ids=["empty", "garbage", "zero", "70 MB"]
)
def test_odd_messages_do_not_stop_the_server(served, data):
    with stream(served) as visitor, contextlib.suppress(ConnectionClosed, TimeoutError):
        visitor.send(data)
        assert str(ROOT).encode() not in visitor.recv(timeout=5)
    assert healthy(served)


def test_every_answer_tells_browsers_what_it_may_do(served):
    for method, path in (
        ("GET", "/"),
        ("GET", "/_stcore/health"),
        ("GET", "/nowhere"),
        ("PUT", "/_stcore/upload_file/a/b"),
    ):
        connection = http.client.HTTPConnection(urlsplit(served).netloc, timeout=60)
        connection.request(method, path)
        headers = connection.getresponse().headers
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
        assert headers["X-Content-Type-Options"] == "nosniff"
        connection.close()


def test_there_are_no_metrics_for_visitors(served):
    for path in ("/_stcore/metrics", "/metrics/../_stcore/metrics", "//_stcore/metrics"):
        assert "streamlit" not in ask(served, "GET", path, Accept="text/plain")[1].partition("<!")[0]
    assert ask(served, "GET", "/_stcore/metrics")[0] == 404


def test_an_upload_says_how_long_it_is_and_finds_room(served):
    connection = http.client.HTTPConnection(urlsplit(served).netloc, timeout=60)
    connection.request("PUT", "/_stcore/upload_file/a/b", iter([b"x"]), tokens(served), encode_chunked=True)
    assert connection.getresponse().status == 411
    connection.close()
    assert ask(served, "PUT", "/_stcore/upload_file/a/b", Content_Length=str(3 << 30), **tokens(served))[0] == 503


def test_uploads_on_their_way_count_twice_and_give_their_room_back(monkeypatch):
    from app.server import gate

    monkeypatch.setattr(gate, "held", lambda: 10)
    monkeypatch.setattr(gate, "HELD", 100)
    answers, coming = [], []

    async def upload(size: int, app: Callable[..., Awaitable[None]]) -> None:
        async def send(message: dict) -> None:
            answers.append(message.get("status"))

        headers = [(b"content-length", str(size).encode())]
        scope = {"type": "http", "method": "PUT", "path": f"{gate.UPLOAD}a/b", "headers": headers}
        door.app = app
        await door(scope, None, send)

    async def breaks_off(*_: object) -> None:
        coming.append(door.coming)
        raise ConnectionError

    async def another(*_: object) -> None:
        await upload(16, breaks_off)

    door = gate.Gate(breaks_off)
    with pytest.raises(ConnectionError):
        asyncio.run(upload(45, breaks_off))
    asyncio.run(upload(46, breaks_off))
    asyncio.run(upload(30, another))
    assert (coming, door.coming) == ([90], 0)
    assert answers[::2] == [503, 503]


@LINUX
def test_an_upload_on_its_way_lies_in_no_file(served):
    option = f"--server.port\0{urlsplit(served).port}\0"
    (process,) = [one for one in Path("/proc").glob("[0-9]*") if option in commands(one)]
    before = files(process)
    mark, size = uuid.uuid4().hex, 32 << 20
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="a.pt"\r\n\r\n'.encode()
    with stream(served) as visitor, socket.create_connection(("localhost", urlsplit(served).port), timeout=60) as raw:
        headers = tokens(served) | {
            "Content_Type": f"multipart/form-data; boundary={mark}",
            "Host": urlsplit(served).netloc,
        }
        headers["Content_Length"] = str(size + len(head) + 1)
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        raw.sendall(f"PUT {place(visitor)} HTTP/1.1\r\n{lines}\r\n".encode() + head)
        # More than lies in the system's buffers: of what has left here, the server has read most.
        raw.sendall(bytes(size))
        assert not {name for name in files(process) - before if "deleted" in name or "tmp" in name}
    assert healthy(served)


def commands(process: Path) -> str:
    try:
        return (process / "cmdline").read_text()
    except OSError:
        return ""


def files(process: Path) -> set[str]:
    """What the process has open."""
    found = set()
    for name in (process / "fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(name.readlink()))
    return found


def place(visitor: ClientConnection) -> str:
    """Where the visitor's session may bring a file."""
    message = BackMsg()
    message.file_urls_request.request_id = "1"
    message.file_urls_request.file_names.append("picture.png")
    visitor.send(message.SerializeToString())
    got = ForwardMsg()
    while got.WhichOneof("type") != "file_urls_response":
        got.ParseFromString(visitor.recv(timeout=120))
    return got.file_urls_response.file_urls[0].upload_url


def test_no_message_names_a_folder_of_the_server(served):
    text = "".join(str(message) for message in visit(served, "network=resnet20-cifar10&refine=False&grid=4"))
    assert str(ROOT) not in text


def test_a_flood_of_runs_on_one_connection_is_spread(served):
    """A hundred at once: some twenty run, and the server answers meanwhile."""
    started, runs = time.monotonic(), 0
    with stream(served) as visitor:
        for seed in range(100):
            message = BackMsg()
            message.rerun_script.query_string = f"seed={seed}"
            message.rerun_script.page_name = "glossary"
            visitor.send(message.SerializeToString())
        with contextlib.suppress(TimeoutError):
            while True:
                runs += ForwardMsg.FromString(visitor.recv(timeout=2)).WhichOneof("type") == "new_session"
        assert healthy(served)
    assert 1 <= runs <= AT_ONCE + A_SECOND * (time.monotonic() - started)


async def flooded(*more: ClientState) -> list[ClientState]:
    """What a session is asked to run when `more` comes after as many runs as are allowed at once."""

    class Session:
        def __init__(self):
            self.ran = []

        def request_rerun(self, state):
            self.ran.append(state)

    session = Session()
    for state in (*(ClientState(query_string="before") for _ in range(AT_ONCE)), *more):
        _rerun(session, state)
    assert [state.query_string for state in session.ran] == ["before"] * AT_ONCE
    await asyncio.sleep(1.5 / A_SECOND)
    return session.ran[AT_ONCE:]


def asked(part: str = "", **values: object) -> ClientState:
    """A run of a part of the page, or of all of it; a value True is a click."""
    state = ClientState(fragment_id=part, is_auto_rerun=part == "poll")
    for name, value in values.items():
        kind = "trigger_value" if value is True else "string_value"
        state.widget_states.widgets.add(id=name, **{kind: value})
    return state


def values(state: ClientState) -> dict[str, object]:
    return {each.id: getattr(each, each.WhichOneof("value")) for each in state.widget_states.widgets}


def test_the_newest_of_a_flood_is_run_in_the_end():
    (ran,) = asyncio.run(flooded(*(ClientState(query_string=str(number)) for number in range(5))))
    assert ran.query_string == "4"


def test_what_waits_in_a_flood_loses_no_click_and_no_run_of_the_whole_page():
    (ran,) = asyncio.run(flooded(asked("grid", cancel=True, beta="a"), asked("grid", beta="b")))
    assert (ran.fragment_id, values(ran)) == ("grid", {"beta": "b", "cancel": True})
    polled = asked("grid", beta="a")
    polled.is_auto_rerun = True
    for both in ([asked("grid", cancel=True, beta="b"), polled], [polled, asked("grid", cancel=True, beta="b")]):
        (ran,) = asyncio.run(flooded(*both))
        assert (ran.fragment_id, ran.is_auto_rerun, values(ran)) == ("grid", False, {"beta": "b", "cancel": True})
    (ran,) = asyncio.run(flooded(polled, asked("poll", beta="a")))
    assert (ran.fragment_id, ran.is_auto_rerun, values(ran)) == ("", False, {})
    for both in ([asked(beta="b"), asked("poll")], [asked("poll"), asked(beta="b")], [asked("grid"), asked("poll")]):
        (ran,) = asyncio.run(flooded(*both))
        assert (ran.fragment_id, ran.is_auto_rerun) == ("", False)


def test_the_caches_of_all_survive_a_visitor(fresh_backend):
    from streamlit.runtime.app_session import AppSession

    from app.jobs.backend import the_backend
    from app.server.hardening import harden

    kept = the_backend()
    harden()
    AppSession._handle_clear_cache_request(None)
    assert the_backend() is kept


def test_a_foreign_origin_is_judged_without_asking_anybody(monkeypatch):
    from streamlit import net_util
    from streamlit.web.server.server_util import is_url_from_allowed_origins

    from app.server.hardening import harden

    asked = []
    monkeypatch.setattr(net_util, "_make_blocking_http_get", lambda url, timeout: asked.append(url))
    harden()
    assert not is_url_from_allowed_origins("http://evil.example")
    assert asked == []


def test_the_log_tells_of_no_failure(served, log):
    text = log.read_text()
    assert "unexpected failure" not in text
    assert "Uncaught app execution" not in text
    assert "a page failed" not in text


# After the log was looked at, since these are written there.
CRAFTED = {
    "slider": lambda widget: widget.double_array_value.data.append(float("nan")),
    "selectbox": lambda widget: setattr(widget, "int_value", 10**9),
    "number_input": lambda widget: setattr(widget, "json_value", "{"),
    "button_group": lambda widget: widget.int_array_value.data.append(10**6),
    "file_uploader": lambda widget: setattr(widget, "string_value", "x"),
    "checkbox": lambda widget: setattr(widget, "json_value", "{"),
}


@pytest.mark.parametrize("kind", CRAFTED)
def test_a_crafted_state_of_a_control_is_one_sentence_to_its_sender(served, kind):
    message = BackMsg()
    message.rerun_script.query_string = "network=resnet20-cifar10&refine=False&grid=4&view=layer&layer=layer1.0"
    with stream(served) as visitor:
        elements = [got.delta.new_element for got in run(visitor, message)]
        found = next(getattr(one, kind) for one in elements if one.WhichOneof("type") == kind)
        widget = message.rerun_script.widget_states.widgets.add()
        widget.id = found.id
        CRAFTED[kind](widget)
        said = told(run(visitor, message))
    assert SENTENCE in said
    assert "exception {" not in said
    assert not [secret for secret in SECRETS if secret in said]
    assert "What does this layer throw away?" in told(visit(served, message.rerun_script.query_string))
