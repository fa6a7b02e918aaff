"""The grid of maps: methods by layers, pictures or networks, without a browser on cheap settings."""

import threading

import pytest
from streamlit.testing.v1 import AppTest

from app.explore.grid import AGAIN, turn
from app.explore.grid_choice import GridChoice
from app.jobs.backend import the_backend
from app.parts.take_files import record
from app.words import NONE
from explainers.methods.registry import methods
from explainers.methods.request import MapRequest
from explainers.networks.catalogue import network_catalogue
from tests.support.pages import address, drawn, page, until
from tests.support.places import MAIN

CHEAP = {
    "network": "resnet20-cifar10",
    "refine": "False",
    "grid": "4",
    "layers": "layer1.0 layer3.2",
    "methods": "cid grad_cam lrp",
}

pytestmark = pytest.mark.usefixtures("fresh_backend")


def test_cheap_maps_come_first_then_previews_of_the_deepest_and_the_rest_of_what_one_looks_at():
    cid, ru, lrp, grad_cam = (methods()[name] for name in ("cid", "ru", "lrp", "grad_cam"))
    cheap = [turn(lrp, 2, 3, False), turn(grad_cam, 1, 9, True)]
    early, deep = turn(cid, 900, 0, True), turn(ru, 3000, 9, False)
    assert max(cheap) < min(early, deep)
    (first, *_), (group, *_) = early, deep
    assert first == group
    assert deep[1] < early[1]
    assert early[2] < deep[2]


def visit(**query: str) -> AppTest:
    return page(**CHEAP | query).run()


def ready(at: AppTest) -> bool:
    return any(
        element.value.split(": ")[-1].startswith("All ") or "map is ready" in element.value for element in at.markdown
    )


def figure(at: AppTest) -> dict:
    return drawn(at, "grid")


def maps(at: AppTest) -> list[dict]:
    return [trace for trace in figure(at)["data"] if trace["type"] == "heatmap"]


def texts(at: AppTest) -> list[str]:
    return [annotation["text"].replace("<br>", " ") for annotation in figure(at)["layout"]["annotations"]]


def choice(at: AppTest) -> GridChoice:
    return at.session_state["grid_choice"]


@pytest.mark.long
def test_rows_are_methods_and_columns_layers_with_the_cost_under_every_map():
    at = until(visit(), ready)
    assert [trace["name"] for trace in maps(at)] == [
        "CID · layer1.0",
        "CID · layer3.2",
        "Grad-CAM · layer1.0",
        "Grad-CAM · layer3.2",
        "LRP · layer1.0",
    ]
    words = texts(at)
    assert sum("mean −" in text or "largest" in text for text in words) == 5
    hints = [note.get("hovertext", "").replace("<br>", " ") for note in figure(at)["layout"]["annotations"]]
    assert sum("forward + backward passes" in hint for hint in hints) == 5
    assert sum("the same for every layer" in text for text in words) == 1


def test_that_a_row_has_one_map_for_all_layers_is_said_once():
    at = until(visit(layers="conv1 layer1.0 layer3.2", methods="lrp"), ready)
    assert [trace["name"] for trace in maps(at)] == ["LRP · conv1"]
    words = texts(at)
    assert sum("the same for every layer" in text for text in words) == 1
    assert words.count(NONE) == 1
    assert "the same for every layer" in record(methods()["lrp"], None, AGAIN, 0, "cpu")


@pytest.mark.long
def test_one_scale_for_a_row_and_zoom_for_all():
    layout = figure(until(visit(), ready))["layout"]
    scales = {trace["coloraxis"] for trace in maps(until(visit(), ready))}
    assert scales == {"coloraxis", "coloraxis2", "coloraxis3"}
    assert layout["coloraxis3"]["cmin"] == -layout["coloraxis3"]["cmax"]
    axes = [axis for name, axis in layout.items() if name.startswith("xaxis")]
    assert len(axes) == 6
    assert all(axis["matches"] == "x" for axis in axes if axis is not layout["xaxis"])


def test_maps_on_their_own_scale_keep_their_values_in_the_hover_text():
    at = until(visit(scale="own", methods="cid"), ready)
    assert figure(at)["layout"]["coloraxis"]["cmax"] == 1
    assert all("customdata" in trace and "nats" in trace["hovertemplate"] for trace in maps(at))


@pytest.mark.long
def test_a_method_that_does_not_apply_says_why_in_its_cell():
    at = until(visit(layers="layer3.2 fc", methods="grad_cam ru"), lambda at: len(maps(at)) >= 1)
    assert any("no positions" in text for text in texts(at))
    at = until(visit(layers="layer1.0", methods="ru saliency"), ready)
    assert any("needs a decoder" in text for text in texts(at))


@pytest.mark.long
def test_methods_are_chosen_from_a_list_that_explains_them():
    at = until(visit(), ready)
    labels = [box.label for box in at.checkbox]
    assert len(labels) == len(methods())
    assert all(len(label) > 60 for label in labels)
    at.checkbox(key="w_method_lrp").uncheck().run()
    until(at, ready)
    assert choice(at).methods == ("cid", "grad_cam")
    assert address(at)["methods"] == "cid grad_cam"
    at.checkbox(key="w_method_cid").uncheck().run()
    at.checkbox(key="w_method_grad_cam").uncheck().run()
    assert any("No method is chosen" in element.value for element in at.info)


@pytest.mark.long
def test_columns_may_be_pictures_or_networks():
    at = until(visit(across="pictures", methods="cid saliency", pictures="bird/1 photo/rocket"), ready)
    assert [trace["name"].split(" · ")[1] for trace in maps(at)] == ["Cardinal (rendered)", "Rocket"] * 2
    at = until(visit(across="networks", methods="cid", networks="resnet20-cifar10 resnet32-cifar10"), ready)
    assert [trace["name"] for trace in maps(at)] == ["CID · ResNet-20", "CID · ResNet-32"]


def test_ru_over_networks_takes_the_decoder_of_each():
    at = until(
        visit(across="networks", methods="ru", layer="conv1", networks="resnet20-cifar10 resnet32-cifar10"), ready
    )
    first, second = maps(at)
    assert [first["name"], second["name"]] == ["RU · ResNet-20", "RU · ResNet-32"]
    assert first["z"] != second["z"]


def test_ru_says_why_a_layer_without_a_decoder_has_no_map():
    at = until(visit(methods="ru", layers="conv1 layer1.0"), ready)
    assert [trace["name"] for trace in maps(at)] == ["RU · conv1"]
    assert "decoder" in str(figure(at))
    at.button(key="train_layer1.0").click().run()
    assert at.session_state["selection"].layer == "layer1.0"
    assert (choice(at).view, choice(at).metric) == ("layer", "ru")


@pytest.mark.long
def test_another_target_changes_the_maps_that_explain_a_class_and_no_other():
    at = until(visit(), ready)
    before = {trace["name"]: trace["z"] for trace in maps(at)}
    at.selectbox(key="w_target").set_value(3).run()
    until(at, ready)
    after = {trace["name"]: trace["z"] for trace in maps(at)}
    assert {name for name in before if before[name] != after[name]} == {
        "Grad-CAM · layer1.0",
        "Grad-CAM · layer3.2",
        "LRP · layer1.0",
    }
    assert address(at)["target"] == "3"


@pytest.mark.long
def test_the_address_bar_gives_the_same_grid_again():
    at = until(visit(scale="own", opacity="60", colours="magma", target="2"), ready)
    query = address(at)
    again = AppTest.from_file(MAIN, default_timeout=120)
    for name, value in query.items():
        again.query_params[name] = value
    until(again.run(), ready)
    assert choice(again) == choice(at)
    assert figure(again) == figure(at)


def test_cancel_keeps_what_is_there_and_go_on_completes_it(monkeypatch):
    go_on, stream = threading.Event(), MapRequest.stream

    def held(request, *rest):
        for frame in stream(request, *rest):
            yield frame
            # However slow the page is, the map is not finished before it is cancelled.
            assert not request.kind.entropy or go_on.wait(60)

    monkeypatch.setattr(MapRequest, "stream", held)
    at = visit(refine="True", grid="32", methods="saliency cid", layers="fc")
    until(at, lambda at: len(maps(at)) >= 1)
    at.button(key="grid_cancel").click().run()
    assert any("Cancelled: 1 of 2" in element.value for element in at.markdown)
    assert len(maps(at)) >= 1
    go_on.set()
    at.button(key="grid_again").click().run()
    assert the_backend().maps._jobs
    the_backend().maps.close()


@pytest.mark.parametrize("frame_is_given", [False, True])
def test_cancel_in_the_last_moment_of_a_map_that_has_one_frame_keeps_that_map(monkeypatch, frame_is_given):
    computed, go_on = threading.Event(), threading.Event()

    stream = MapRequest.stream

    def held(*asked):
        for frame in stream(*asked):
            if frame_is_given:
                yield frame
            computed.set()
            assert go_on.wait(60)
            if not frame_is_given:
                yield frame

    monkeypatch.setattr(MapRequest, "stream", held)
    at = visit(methods="saliency")
    assert computed.wait(60)
    (job,) = the_backend().maps._jobs.values()
    at.button(key="grid_cancel").click().run()
    assert not at.exception
    go_on.set()
    assert job.ended.wait(60)
    at.run()
    assert not at.exception
    assert ready(at)
    assert len(maps(at)) == 1


def test_a_network_that_cannot_be_had_leaves_the_other_columns(monkeypatch):
    from explainers.networks.catalogue import WeightsUnavailable, load_network

    def missing(name, device="cpu", progress=None):
        if name == "resnet32-cifar10":
            raise WeightsUnavailable("its weights could not be downloaded; choose another network")
        return load_network(name, device)

    monkeypatch.setattr("app.jobs.work.load_network", missing)
    assert any(entry.name == "resnet32-cifar10" for entry in network_catalogue())
    at = visit(across="networks", methods="saliency", networks="resnet20-cifar10 resnet32-cifar10")
    until(at, ready)
    assert any("could not be downloaded" in element.value for element in at.caption)
    assert len(maps(at)) == 1


@pytest.mark.long
def test_another_layer_on_the_left_takes_the_place_of_the_nearest_column():
    at = until(visit(methods="cid", layers="conv1 layer2.2 layer3.2", layer="layer1.0"), ready)
    assert choice(at).layers == ("conv1", "layer2.2", "layer3.2")
    at.select_slider(key="w_layer").set_value("layer2.0").run()
    assert choice(at).layers == ("conv1", "layer2.0", "layer3.2")
    at.select_slider(key="w_layer").set_value("conv1").run()
    assert choice(at).layers == ("conv1", "layer2.0", "layer3.2")
    assert address(at)["layers"] == "conv1 layer2.0 layer3.2"


def test_a_cell_without_a_decoder_leads_to_one_by_a_click():
    at = until(visit(methods="ru", layers="conv1 layer1.0"), ready)
    leads = [
        trace["meta"]["probe"]["opens"]
        for trace in figure(at)["data"]
        if "opens" in trace.get("meta", {}).get("probe", {})
    ]
    assert leads == ["layer1.0"]
    assert any("Click here to train one" in text for text in texts(at))
    at = visit(view="layers", metric="ru")
    at.button_group(key="w_train_layer").set_value("layer1.1").run()
    assert at.session_state["selection"].layer == "layer1.1"
    assert (choice(at).view, choice(at).metric) == ("layer", "ru")
