"""The work of one place on a page: what is said of it, and what the page does not wait for."""

import time
from types import SimpleNamespace

import pytest

from app.jobs.backend import View
from app.parts import watch as module
from app.parts.watch import POLL, Watch


@pytest.fixture
def guesses(monkeypatch) -> list[object]:
    """What was guessed of, on a machine of which nothing has been measured."""
    found: list[object] = []
    paces = SimpleNamespace(foresee=lambda request: None)
    monkeypatch.setattr(module, "the_backend", lambda: SimpleNamespace(paces=paces))
    monkeypatch.setattr(module, "guess", lambda backend, request: found.append(request) or 60.0)
    monkeypatch.setattr(module, "measured", lambda: False)
    return found


def test_the_first_drawing_waits_for_no_measurement_of_speed_and_the_next_says_how_long(guesses):
    work, view = Watch("test of speed", list, "line"), View("key", "running")
    work.requests["key"] = request = object()
    work.waited["key"] = time.monotonic()
    assert work.left([view]) == ""
    assert not guesses
    work.waited["key"] -= POLL
    assert work.left([view])
    assert guesses == [request]


def test_what_was_just_asked_for_is_guessed_at_once_where_that_costs_nothing(guesses, monkeypatch):
    work = Watch("test of what is known", list, "line")
    work.requests["key"] = object()
    work.waited["key"] = time.monotonic()
    monkeypatch.setattr(module, "measured", lambda: True)
    assert work.left([View("key", "running")])
    assert len(guesses) == 1


def test_what_waits_for_a_button_is_guessed_at_once(guesses):
    work = Watch("test of a button", list, "line", waits=True)
    work.requests["key"] = object()
    assert work.foreseen([View("key", "missing")])
    assert len(guesses) == 1
