"""What stands between the network and Streamlit: who is let in, what is not there, and what browsers are told."""

import base64
import hashlib
import re
from typing import Any, cast
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime

from app.server.front import PAGE, fronted


def inline_scripts(page: str) -> str:
    """The scripts within a page as a policy names them.

    >>> inline_scripts("<script>1</script>")
    "'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='"
    """
    found = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in found)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


# The page, its scripts, styles, fonts and connections come from here alone; nobody may show it in a frame of theirs.
# The page has Streamlit's script and ours within it, and styles; pictures are data and blobs.
POLICY = "; ".join(
    (
        "default-src 'self'",
        f"script-src 'self' 'wasm-unsafe-eval' {inline_scripts(PAGE)}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
METRICS = ("/_stcore/metrics",)
UPLOAD = "/_stcore/upload_file/"
# Bytes of all uploads that are held or on their way; one may have 600 MB. What is on its way is in memory twice at its
# end, as it came and as it is handed over.
HELD, COMING = 2 << 30, 2


class Gate:
    """Refuses foreign pages, other ports of this host among them, and uploads for which there is no room.

    Each answer carries `HEADERS`. There are no metrics for visitors.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.coming = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not same_origin(Headers(scope=scope)):
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await self._http(scope, receive, _with_headers(fronted(scope, send)))
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].endswith(METRICS):
            await PlainTextResponse("Not found", 404)(scope, receive, send)
        elif scope["method"] == "PUT" and UPLOAD in scope["path"]:
            await self._upload(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = Headers(scope=scope).get("content-length", "")
        if not size.isdecimal() or len(size) > 18:
            await PlainTextResponse("Length required", 411)(scope, receive, send)
        elif self.coming + (taken := COMING * int(size)) + held() > HELD:
            await PlainTextResponse("No room for this upload; try again later", 503)(scope, receive, send)
        else:
            self.coming += taken
            try:
                await self.app(scope, receive, send)
            finally:
                self.coming -= taken


def same_origin(headers: Headers) -> bool:
    """Whether a socket is asked for by this server's own page, or by no page at all."""
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def held() -> int:
    """Bytes of all uploads in memory."""
    stats = runtime.get_instance().uploaded_file_mgr.get_stats()
    return sum(cast(Any, stat).byte_length for family in stats.values() for stat in family)


def _with_headers(send: Send) -> Send:
    async def headed(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return headed


GATE = [Middleware(Gate)]
