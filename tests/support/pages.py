"""Pages run without a browser: opened by what stands in the address, run again as their poll does."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Widget

from app.address.selection import Selection
from app.figures.parted import together
from app.figures.style import TEMPLATE
from app.jobs.backend import the_backend
from tests.support.picture_files import noise
from tests.support.places import MAIN

CHEAP = {"network": "resnet20-cifar10", "refine": "False", "grid": "4", "layer": "layer1.0", "view": "layer"}
# Seconds.
PATIENCE, EVERY, SHORTEST = 120, 0.5, 0.02


def page(name: str = "", **query: str) -> AppTest:
    """One page alone, or the whole app with its navigation, before its first run."""
    if name:
        at = AppTest.from_string(f"from app.{name} import page; page.page()", default_timeout=PATIENCE)
    else:
        at = AppTest.from_file(MAIN, default_timeout=PATIENCE)
    for key, value in query.items():
        at.query_params[key] = value
    return at


def visit(**query: str) -> AppTest:
    """Explore with a cheap map of one layer."""
    return page(**CHEAP | query).run()


def until(at: AppTest, holds: Callable[[AppTest], object], every: float = EVERY) -> AppTest:
    """Runs the page again, as its poll does in a browser, until something holds.

    Once in `every` seconds, or when all that is computed has ended: each run takes the processor from the work that it
    waits for.
    """
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        assert not at.exception
        if holds(at):
            return at
        rest(every)
        at.run()
    raise AssertionError("it never came to hold: " + " | ".join(words(at)))


def rest(most: float) -> None:
    """Until no job is left, for `most` seconds at most, and for a moment at least."""
    pause, ends = threading.Event(), time.monotonic() + most
    runners = (the_backend().maps, the_backend().loads, the_backend().own_loads, the_backend().trainings)
    pause.wait(SHORTEST)
    while any(runner.count for runner in runners) and time.monotonic() < ends:
        pause.wait(0.01)


def words(at: AppTest) -> list[str]:
    return [element.value for element in (*at.markdown, *at.caption, *at.info, *at.warning, *at.error)]


def says(at: AppTest, text: str) -> bool:
    return any(text in word for word in words(at))


def drawn(at: AppTest, name: str) -> dict[str, Any]:
    """A chart that arrives in parts, as it is drawn: its data and layout."""
    (frame,) = (json.loads(c.proto.spec) for c in at.get("plotly_chart") if c.proto.id.endswith(f"-figure_{name}"))
    sent = [json.loads(part.proto.json) for part in at.get("bidi_component") if "part_" in part.proto.id]
    parts = [one["part"] for one in sent if one["chart"] == f"st-key-figure_{name}"]
    whole = together(go.Figure(frame["data"], frame["layout"]), parts)
    return json.loads(str(whole.to_json()))


def dressed(at: AppTest) -> bool:
    """Whether every chart has the project's own template, not the one that whatever was imported last has put there."""
    return all(json.loads(c.proto.spec)["layout"]["template"] == TEMPLATE for c in at.get("plotly_chart"))


def address(at: AppTest) -> dict[str, str]:
    """What stands in the address bar."""
    return {name: value[0] if isinstance(value, list) else value for name, value in at.query_params.items()}


def metrics(at: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in at.metric}


def controls(at: AppTest) -> dict[str, Any]:
    """The value of every control on the page, by its key."""
    return {node.key: node.value for node in (*at.main, *at.sidebar) if isinstance(node, Widget) and node.key}


def done(at: AppTest) -> bool:
    """The map of one layer is there."""
    return says(at, "mean CID")


def chosen(at: AppTest) -> Selection:
    return at.session_state["selection"]


def uploaded(name: str) -> AppTest:
    """Explore with the map of a picture of one's own."""
    at = visit()
    at.button_group(key="w_source").set_value("upload").run()
    at.file_uploader(key="w_upload").set_value((name, noise(), "image/png")).run()
    return until(at, done)
