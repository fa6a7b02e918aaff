"""The diagram over the tabs of Explore chooses layers, knows what is kept, and computes nothing."""

from functools import partial

import pytest
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.testing.v1 import AppTest, local_script_runner

from app.jobs.backend import the_backend
from app.sidebar.settings import SETTINGS
from explainers import CIDSettings
from tests.support.pages import chosen, done, page, says, until, visit
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("fresh_backend")

GRID = {"network": "resnet20-cifar10", "refine": "False", "grid": "4", "methods": "saliency", "layers": "conv1 fc"}


def rules(at: AppTest) -> str:
    (found,) = [html.proto.body for html in at.get("html") if "st-key-network_diagram" in html.proto.body]
    return found


def test_a_click_chooses_the_layer_and_a_second_one_keeps_it():
    at = until(visit(), done)
    group = at.button_group(key="w_diagram")
    assert len(group.options) == 12
    group.set_value("layer2.1").run()
    assert chosen(at).layer == "layer2.1"
    assert at.select_slider(key="w_layer").value == "layer2.1"
    at.button_group(key="w_diagram").set_value(None).run()
    assert chosen(at).layer == "layer2.1"
    until(at, lambda at: done(at) and says(at, "**layer2.1**"))


@pytest.mark.parametrize(("name", "colours"), [("compare", 1), ("evaluate", 0)])
def test_it_chooses_the_layer_on_other_pages_too_coloured_where_there_is_one_picture(name, colours):
    query = {"network": "resnet20-cifar10", "refine": "False", "grid": "4", "layer": "layer1.0"}
    at = page(name, **query).run()
    if colours:
        until(at, lambda at: says(at, "mean CID differs by")).run()
    assert rules(at).count("· mean CID") == colours
    legend = [html.proto.body for html in at.get("html") if "Height: resolution" in html.proto.body]
    assert "Colour: mean CID" in legend[0] if colours else "Colour" not in legend[0]
    at.button_group(key="w_diagram").set_value("layer2.1").run()
    assert chosen(at).layer == at.select_slider(key="w_layer").value == "layer2.1"


def test_the_slider_moves_the_diagram():
    at = until(visit(), done)
    at.select_slider(key="w_layer").set_value("conv1").run()
    assert at.button_group(key="w_diagram").value == "conv1"


def test_layers_whose_map_is_kept_are_coloured_and_nothing_is_computed_for_the_others():
    at = until(visit(), done)
    at.run()
    assert rules(at).count("· mean CID") == 1
    assert the_backend().maps.count == 0
    at.select_slider(key="w_layer").set_value("layer2.1").run()
    until(at, lambda at: done(at) and says(at, "**layer2.1**"))
    at.run()
    assert rules(at).count("· mean CID") == 2


def test_a_look_at_what_is_polled_colours_what_has_come_since_the_page_ran(monkeypatch):
    at = until(visit(), done)
    at.run()
    store, now = the_backend(), chosen(at)
    network = store.network(now.network, "somebody else").value
    settings = CIDSettings(**{name: getattr(now, name) for name in SETTINGS})
    deepest = store.network_input(network, now.picture).request(network, network.layer("fc"), "cid", settings)
    wait_until(lambda: store.ask(deepest, "somebody else").state == "done")
    assert rules(at).count("· mean CID") == 1
    parts = list(at._fragment_storage._fragments)
    monkeypatch.setattr(local_script_runner, "RerunData", partial(RerunData, fragment_id_queue=parts))
    at.run()
    found = [html.proto.body for html in at.get("html") if "st-key-network_diagram" in html.proto.body]
    # Each place that is polled says it.
    assert {one.count("· mean CID") for one in found} == {2}


def test_in_a_grid_of_layers_it_chooses_the_columns_and_no_more_than_there_is_room_for():
    at = until(page(**GRID).run(), lambda at: says(at, "ready"))
    group = at.button_group(key="w_diagram_columns")
    assert group.value == ["conv1", "fc"]
    group.set_value(["conv1", "fc", "layer2.0"]).run()
    assert at.session_state["grid_choice"].layers == ("conv1", "fc", "layer2.0")
    assert at.multiselect(key="w_columns_layers").value == ["conv1", "layer2.0", "fc"]
    many = ["conv1", "layer1.0", "layer1.1", "layer2.0", "layer3.0", "fc"]
    at.button_group(key="w_diagram_columns").set_value(many).run()
    assert at.session_state["grid_choice"].layers == ("conv1", "fc", "layer2.0")
    assert any("room for 5 columns" in toast.value for toast in at.toast)


def test_a_grid_of_pictures_is_of_the_one_layer_that_is_chosen():
    at = page(**GRID | {"across": "pictures", "pictures": "bird/1", "layer": "layer1.0"}).run()
    at.button_group(key="w_diagram").set_value("layer3.0").run()
    assert chosen(at).layer == "layer3.0"
