"""A poll of a busy browser undoes nothing."""

import contextlib
from urllib.parse import parse_qsl

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

from app.server.polls import choose_nothing_by_polls, forget_pages_that_are_left
from tests.support.server import serving
from tests.support.visitor import asked, run, stream, told


def states(**values: str) -> WidgetStates:
    found = WidgetStates()
    for name, value in values.items():
        found.widgets.add(id=name, string_value=value)
    return found


def pending(*requests: RerunData) -> dict[str, str] | None:
    """The values of controls that the next run is told."""
    waiting = ScriptRequests()
    for request in requests:
        assert waiting.request_rerun(request)
    told = waiting.on_scriptrunner_ready().rerun_data.widget_states
    return None if told is None else {each.id: each.string_value for each in told.widgets}


def test_what_was_chosen_is_told_whatever_is_polled_beside_it():
    choose_nothing_by_polls()
    chosen = RerunData(widget_states=states(layer="new"))
    poll = RerunData(widget_states=states(layer="old"), fragment_id="map", is_auto_rerun=True)
    assert pending(poll) is None
    for requests in ([chosen], [chosen, poll], [poll, chosen], [poll, chosen, poll]):
        assert pending(*requests) == {"layer": "new"}


def test_said_twice_it_is_done_once():
    choose_nothing_by_polls()
    once = ScriptRequests.request_rerun
    choose_nothing_by_polls()
    assert ScriptRequests.request_rerun is once
    forget_pages_that_are_left()
    once = ScriptRunner._run_script
    forget_pages_that_are_left()
    assert ScriptRunner._run_script is once


@pytest.mark.long
def test_a_layer_stays_chosen_though_the_browser_shows_the_one_before():
    query = "network=resnet20-cifar10&refine=False&grid=4&view=layer&layer=layer1.0"
    with serving() as (address, _), stream(address) as visitor:
        deltas = [each.delta for each in run(visitor, asked(query)) if each.HasField("delta")]
        slider = next(each.new_element.slider for each in deltas if each.new_element.slider.id.endswith("w_layer"))
        # Where the slider stands: first where it was moved to, then where it is still drawn.
        moved, drawn = asked(query), asked(query)
        for layer, message in (("layer2.0", moved), ("layer1.0", drawn)):
            at = next(option for option in slider.options if layer in option)
            message.rerun_script.widget_states.widgets.add(id=slider.id).string_array_value.data.append(at)
        deltas = [each.delta for each in run(visitor, moved) if each.HasField("delta")]
        drawn.rerun_script.fragment_id = next(each.fragment_id for each in reversed(deltas) if each.fragment_id)
        drawn.rerun_script.is_auto_rerun = True
        for message in (drawn, asked(query)):
            visitor.send(message.SerializeToString())
            received = quiet(visitor)
    addresses = {each.page_info_changed.query_string for each in received if each.HasField("page_info_changed")}
    assert {dict(parse_qsl(each))["layer"] for each in addresses} == {"layer2.0"}


@pytest.mark.long
@pytest.mark.parametrize("poll", [True, False], ids=["poll", "click"])
def test_a_part_of_a_page_that_was_left_says_nothing(poll):
    query = "network=resnet20-cifar10&refine=False&grid=4&view=layer&layer=layer1.0"
    with serving() as (address, _), stream(address) as visitor:
        before = run(visitor, asked(query))
        late = asked(query)
        (page,) = (each.navigation.page_script_hash for each in before if each.HasField("navigation"))
        late.rerun_script.page_script_hash = page
        late.rerun_script.fragment_id = next(each.delta.fragment_id for each in before if each.delta.fragment_id)
        late.rerun_script.is_auto_rerun = poll
        visitor.send(late.SerializeToString())
        assert "new_session" in kinds(quiet(visitor)), "a part of the page that is shown runs"
        visitor.send(asked(page="about").SerializeToString())
        while not ForwardMsg.FromString(visitor.recv(timeout=60)).HasField("new_session"):
            pass
        # While the next page is drawn, what it takes the place of is still there.
        visitor.send(late.SerializeToString())
        received = quiet(visitor)
    assert "What this is" in told(received)
    # The browser would take it for the page before, come back, and show neither.
    pages = {each.navigation.page_script_hash for each in received if each.HasField("navigation")}
    begun = [each.new_session.page_script_hash for each in received if each.HasField("new_session")]
    assert page not in pages
    assert page not in begun


def kinds(received: list[ForwardMsg]) -> set[str | None]:
    return {each.WhichOneof("type") for each in received}


def quiet(visitor) -> list[ForwardMsg]:
    """All that comes until nothing has come for a while."""
    received = []
    with contextlib.suppress(TimeoutError):
        while True:
            received.append(ForwardMsg.FromString(visitor.recv(timeout=2)))
    return received
