"""Streamlit's page as this server sends it: with scripts of its own before Streamlit's."""

from pathlib import Path
from urllib.parse import quote

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope, Send
from streamlit import config

MEDIA, HOME = "/media/", "explore"
SCRIPTS = tuple(Path(__file__).with_name(f"{name}.js") for name in ("base", "steps", "keys", "minus"))


def with_scripts(page: str, scripts: tuple[str, ...]) -> str:
    """A page that runs scripts before its own.

    >>> with_scripts("<head><script>2</script></head>", ("1",))
    '<head><script>1</script><script>2</script></head>'
    """
    head, tag, rest = page.partition("<head>")
    return head + tag + "".join(f"<script>{script}</script>" for script in scripts) + rest


PAGE = with_scripts(
    (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8"),
    tuple(path.read_text(encoding="utf-8") for path in SCRIPTS),
)


def moved(path: str, base: str = "") -> str:
    """Where a browser goes from an address in a folder, at which no page would find its scripts; else "".

    Explore is at the app's own address and not at its name. `base` is the folder of the whole app.

    >>> moved("/compare"), moved("/lessons/learn"), moved("/a/b/c d"), moved("/explore"), moved("/lab/learn", "lab")
    ('', '../learn', '../../c%20d', './', '')
    """
    *folders, last = path.removeprefix(f"/{base}" if base else "").removeprefix("/").split("/")
    if last == HOME:
        return "../" * len(folders) or "./"
    return "../" * len(folders) + quote(last, safe="") if folders else ""


def fronted(scope: Scope, send: Send) -> Send:
    """`send`, with this page in place of Streamlit's; no browser keeps it, since its date would be that of Streamlit's.

    It is the only page there is, at whatever address of the app's own folder, and browsers are sent there from others;
    files that are taken away, reports among them, are sent as they are, and so are those of other kinds.
    """
    if scope["method"] != "GET" or MEDIA in scope["path"]:
        return send
    there = moved(scope["path"], str(config.get_option("server.baseUrlPath")).strip("/"))
    body = b"" if there else PAGE.encode()
    ours = False

    async def sent(message: Message) -> None:
        nonlocal ours
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            ours = message["status"] == 200 and headers.get("content-type", "").startswith("text/html")
            if ours:
                for name in ("etag", "last-modified", "content-encoding", "accept-ranges"):
                    del headers[name]
                headers["content-length"] = str(len(body))
                if there:
                    query = scope["query_string"].decode("latin-1")
                    message["status"], headers["location"] = 307, f"{there}?{query}" if query else there
        elif ours and message["type"] == "http.response.body":
            if message.get("more_body"):
                return
            message = {"type": "http.response.body", "body": body}
        await send(message)

    return sent
