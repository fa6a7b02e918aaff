"""What a first visit shows without computing anything, made anew: `python -m app.first_visit`.

Opens the start page, the six examples and the lessons as a visitor does, answers whatever they ask for, and writes the
results under their keys, with a thumbnail of each example, to `assets/results/first-visit.zip`. It takes some minutes
on a processor; run it again whenever the version of a method rises, or an example or a lesson changes. What is there
already is not computed again.
"""

import argparse
import io
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image
from streamlit import config
from streamlit.testing.v1 import AppTest

from app.command import MAIN
from app.figures.raster import raster
from app.figures.style import NATS_SCALE
from app.jobs.backend import Backend, View, the_backend
from app.jobs.kept import RECORDS
from app.learn.lessons import LESSONS
from app.parts.examples import EXAMPLES, Example
from app.words import duration
from explainers import CIDSettings
from explainers.assets import write_sums
from explainers.methods.entropies import CID_NAME
from explainers.methods.registry import find_method
from explainers.methods.request import MapRequest
from explainers.storage.shipped import FILE, write_shipped

# Seconds between two looks, and for one page at most.
LOOK, PATIENCE = 4.0, 3600.0
# Looks at a page at rest, after which its button will not come any more.
QUIET = 3
THUMBNAIL = 96


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FILE)
    out = parser.parse_args().out
    config._main_script_path = str(MAIN)
    # Neither found on this computer's disk nor left there.
    os.environ["RESULTS_LIMIT"] = "0"
    results: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    started = time.monotonic()
    for name, at, press, example in visits():
        with asking() as asked:
            visit(at, press)
        results |= {request.key: view.value for request, view in asked.values() if view.state == "done"}
        if example is not None:
            files[example.thumbnail] = thumbnail(
                example, [pair for pair in asked.values() if pair[1].value is not None]
            )
        print(f"{name}: {len(results)} results, {duration(time.monotonic() - started)}", flush=True)
    write_shipped(out, results, files, RECORDS)
    write_sums(out)
    print(f"{out}: {len(results)} results in {out.stat().st_size / 1e6:.2f} MB")
    the_backend().close()


@contextmanager
def asking() -> Iterator[dict[str, tuple[Any, View]]]:
    """Whatever is asked of the backend meanwhile, with its newest answer, by its key."""
    asked: dict[str, tuple[Any, View]] = {}
    plain = Backend.ask

    def ask(self: Backend, request: Any, *rest: Any, **more: Any) -> View:
        view = plain(self, request, *rest, **more)
        if view.key:
            asked[view.key] = request, view
        return view

    Backend.ask = ask
    try:
        yield asked
    finally:
        Backend.ask = plain


def visits() -> Iterator[tuple[str, AppTest, str, Example | None]]:
    """Of all that ships: a name, the page before its first run, the key of a button to press there, and the example."""
    yield "start", page(), "", None
    for example in EXAMPLES:
        yield example.slug, page(example.page, example.query), example.press, example
    for lesson in LESSONS:
        yield lesson.slug, page("learn", {"lesson": lesson.slug}), "", None


def visit(at: AppTest, press: str = "") -> AppTest:
    """The page until nothing is computed for it any more. Raises RuntimeError for a page that fails."""
    at.run()
    quiet = 0
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if at.exception:
            raise RuntimeError(f"expected a page, got {at.exception[0].message}")
        button = next((one for one in at.button if press and one.key == press), None)
        if button is not None:
            press = ""
            button.click().run()
        # What ships already is begun by no button.
        quiet = 0 if the_backend().maps.count or the_backend().loads.count else quiet + 1
        if quiet > (QUIET if press else 0):
            return at.run()
        time.sleep(LOOK)
        # What nobody asks about for a minute stops.
        at.run()
    raise RuntimeError("expected a page that is done within an hour, got one that is not")


def page(name: str = "", query: Mapping[str, str] = MappingProxyType({})) -> AppTest:
    """One page alone, or the start page, before its first run."""
    if name:
        at = AppTest.from_string(f"from app.{name} import page; page.page()", default_timeout=PATIENCE)
    else:
        at = AppTest.from_file(str(MAIN), default_timeout=PATIENCE)
    for part, value in query.items():
        at.query_params[part] = value
    return at


def thumbnail(example: Example, asked: list[tuple[Any, View]]) -> bytes:
    """The picture beside the example's map, PNG."""
    ready = [pair for pair in asked if pair[1].state == "done"]
    request, view = next((pair for pair in ready if shows(example, pair[0])), ready[0])
    network = request.network
    picture = np.asarray(network.display(request.x.cpu()))
    if isinstance(request, MapRequest):
        cells, limits = view.value.values, find_method(request.method).fixed_scale(request.settings)
    else:
        cells, limits = view.value.maps_of(CID_NAME)[0], find_method(CID_NAME).fixed_scale(CIDSettings())
    both = Image.new("RGB", (2 * THUMBNAIL, THUMBNAIL))
    both.paste(Image.fromarray(picture).resize((THUMBNAIL, THUMBNAIL)), (0, 0))
    shown = raster(cells, limits, NATS_SCALE).convert("RGB")
    both.paste(shown.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.NEAREST), (THUMBNAIL, 0))
    buffer = io.BytesIO()
    both.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def shows(example: Example, request: Any) -> bool:
    """Whether the example's thumbnail is that of a request's map."""
    return isinstance(request, MapRequest) and (request.method, request.layer.name) == (example.method, example.layer)


if __name__ == "__main__":
    main()
