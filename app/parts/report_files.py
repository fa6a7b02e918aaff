"""The page as a report and as a notebook, among the files of Take away."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from app.export.notebook import notebook
from app.export.report import Report, report_html
from app.parts.take_files import File


def report_files(build: Callable[[], Report], name: str) -> list[File]:
    """One file to read and one to run; `build()` is called when somebody asks for one of them."""
    return [
        File("html", f"{name}.html", lambda: report_html(build())),
        File("ipynb", f"{name}.ipynb", lambda: notebook(build())),
    ]


def here() -> str:
    """The address of the page as it is now; what stays private is not in it."""
    return link(st.context.url or "/", st.query_params.to_dict())


def link(page: str, query: Mapping[str, str]) -> str:
    """
    >>> link("http://localhost:8501", {"view": "layer"}), link("http://a.org/compare?b=c", {})
    ('http://localhost:8501/?view=layer', 'http://a.org/compare')
    """
    parts = urlsplit(page)
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", urlencode(query), ""))


def today() -> str:
    """The date as it stands in a report."""
    now = datetime.now(UTC)
    return f"{now.day} {now:%B %Y}"
