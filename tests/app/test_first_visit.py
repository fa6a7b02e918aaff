"""A first visit, and every example, shows finished maps while nothing can be computed."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from app.first_visit import asking, page
from app.jobs.backend import shipped_results, the_backend
from app.learn.lessons import LESSONS
from app.parts.examples import EXAMPLES
from explainers.methods.request import Workbench, answer
from explainers.storage.shipped import ShippedResults
from explainers.streams import last
from tests.support.pages import dressed, says, until
from tests.support.records import alike

AGAIN = "something is computed that should ship: run make first-visit"


@pytest.fixture(autouse=True)
def nothing_computes(fresh_backend, monkeypatch) -> Iterator[None]:
    """What ships is found, and no job for a map is taken."""
    monkeypatch.delenv("SHIPPED_RESULTS", raising=False)
    shipped_results.cache_clear()

    def refuse(key, work, owner, priority=(0, 0)):
        raise AssertionError(AGAIN)

    monkeypatch.setattr(the_backend().maps, "submit", refuse)
    yield
    shipped_results.cache_clear()


READY = {
    "start": "All 7 maps are ready.",
    "depth": "All 11 layers are ready.",
    "ru": "All 4 maps are ready.",
    "rescaling": "The check is complete.",
    "photograph": "All 6 maps are ready.",
    "cells": "All 3 maps are ready.",
    "two": "mean CID differs by",
}


@pytest.mark.parametrize("example", [None, *EXAMPLES], ids=lambda one: one.slug if one else "start")
def test_a_first_visit_shows_finished_maps(example):
    at = page(example.page, example.query).run() if example else page().run()
    until(at, lambda at: says(at, READY[example.slug if example else "start"]))
    assert dressed(at)
    assert not any(button.key and button.key.endswith("_cancel") for button in at.button)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda one: one.slug)
def test_a_lesson_draws_its_figures_at_once(lesson):
    at = page("learn", {"lesson": lesson.slug}).run()
    until(at, lambda at: at.get("plotly_chart"))
    assert dressed(at)
    assert not any(button.key and button.key.endswith("_cancel") for button in at.button)


def test_the_start_page_has_three_lines_and_six_cards_that_can_be_put_away():
    at = page().run()
    assert says(at, "throws part of the picture away")
    (cards,) = [one.proto.body for one in at.get("html") if "examples" in one.proto.body and "href" in one.proto.body]
    assert cards.count("<a href") == len(EXAMPLES) == 6
    assert all(example.address.replace("&", "&amp;") in cards for example in EXAMPLES)
    at.button(key="newcomer_hide").click().run()
    assert not says(at, "throws part of the picture away")
    assert says(at, "Examples to begin with")
    linked = page(EXAMPLES[1].page, EXAMPLES[1].query).run()
    assert not says(linked, "throws part of the picture away")
    assert not says(linked, "Examples to begin with")


def test_every_example_has_a_thumbnail_that_ships():
    shipped = ShippedResults()
    assert all((shipped.file(example.thumbnail) or b"").startswith(b"\x89PNG") for example in EXAMPLES)


ALSO = [
    ("photograph", "cid", "fire2"),
    ("photograph", "grad_cam", "fire9"),
    ("two", "cid", "conv1"),
    pytest.param("start", "cid", "fc8", marks=pytest.mark.long),
    pytest.param("cells", "cid", "down2.conv2", marks=pytest.mark.long),
    pytest.param("ru", "ru", "conv1", marks=pytest.mark.long),
]


def asked_by(slug: str) -> list[tuple[Any, Any]]:
    """What a page asks for, with what it is given: of the start page, an example, or a lesson."""
    examples = {one.slug: one for one in EXAMPLES}
    if slug in examples:
        at = page(examples[slug].page, examples[slug].query)
    else:
        at = page() if slug == "start" else page("learn", {"lesson": slug})
    with asking() as asked:
        at.run()
        until(at, lambda at: says(at, READY[slug]) if slug in READY else at.get("plotly_chart"))
    return [(request, view.value) for request, view in asked.values() if view.state == "done"]


@pytest.mark.usefixtures("whole_work")
@pytest.mark.parametrize(("slug", "method", "layer"), ALSO)
def test_a_map_of_an_example_is_what_is_computed_now(slug, method, layer):
    ((request, shipped),) = (pair for pair in asked_by(slug) if (pair[0].method, pair[0].layer.name) == (method, layer))
    found = answer(request)
    # Behind many kinks the rounding of another processor becomes some hundredths of a nat in a cell.
    assert np.sqrt(np.mean((shipped.values - found.values) ** 2)) < (0.05 if layer == "fc8" else 1e-3)
    assert shipped.values.mean() == pytest.approx(found.values.mean(), abs=2e-3)


@pytest.mark.long
@pytest.mark.usefixtures("whole_work")
@pytest.mark.parametrize("slug", ["rescaling", "noise", "wall", "limit", "information", "binned"])
def test_a_check_and_what_a_lesson_measures_are_what_is_computed_now(slug):
    for request, shipped in asked_by(slug):
        found = last(request.stream(Workbench()))
        assert alike(shipped, found)
