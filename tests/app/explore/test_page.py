"""Every page, run without a browser on the smallest shipped network and cheap settings."""

import io
import pickle
import re
import threading
import tomllib
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from streamlit.runtime.scriptrunner import RerunData
from streamlit.testing.v1 import AppTest, local_script_runner

from app.address.selection import Selection
from app.jobs import work
from app.jobs.backend import the_backend
from app.jobs.owners import mark
from app.jobs.runner import CancelledError
from app.sidebar import controls
from app.sidebar.weights_choice import MEGABYTES
from explainers.methods.request import MapRequest
from tests.support.pages import CHEAP, chosen, done, drawn, says, until, uploaded, visit, words
from tests.support.picture_files import noise
from tests.support.places import MAIN, ROOT
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("fresh_backend")


def mean(at: AppTest) -> str:
    (found,) = [metric.value for metric in at.metric if metric.label.startswith("Mean CID")]
    return found


def test_the_first_visit_shows_a_map_without_a_click():
    at = AppTest.from_file(MAIN, default_timeout=120).run()
    until(at, lambda at: "passes" in str(drawn(at, "grid")))
    assert chosen(at).network == Selection().network
    at.button(key="grid_cancel").click().run()
    assert says(at, "Cancelled")


def test_one_layer_shows_picture_map_on_two_scales_and_numbers():
    at = until(visit(), done)
    assert "−" in mean(at)
    assert len(at.get("plotly_chart")) == 4


def test_ru_shows_the_reconstruction_its_error_and_the_decoders_share():
    at = until(visit(metric="ru", layer="layer3.2"), lambda at: says(at, "mean RU"))
    assert len(at.get("plotly_chart")) == 5
    found = {metric.label: metric.value for metric in at.metric}
    assert 0.01 < float(found["Decoder's error (of 1)"]) < 0.5
    assert found["Its own share"].endswith("%")
    assert found["Mean RU (nats)"].removeprefix("at least ").startswith("−")


def test_ru_of_a_layer_without_a_decoder_says_what_it_needs():
    at = visit(metric="ru", layer="layer1.0")
    assert says(at, "That takes a **decoder**")
    at.button_group(key="w_metric_layer").set_value("cid").run()
    until(at, done)


@pytest.mark.long
def test_all_layers_of_ru_are_those_with_a_decoder():
    at = visit(metric="ru", view="layers")
    at.button(key="layers_again").click().run()
    until(at, lambda at: says(at, "All 5 layers are ready"), every=1.0)
    assert "mean RU" in at.get("plotly_chart")[-2].proto.spec


@pytest.mark.long
def test_one_of_all_layers_is_opened_alone():
    at = visit(view="layers")
    at.button(key="layers_again").click().run()

    def offered(at: AppTest) -> list[str]:
        return [name for group in at.button_group if group.key == "w_open_layer" for name in group.options]

    until(at, lambda at: "layer1.0" in offered(at), every=1.0)
    at.button_group(key="w_open_layer").set_value("layer1.0").run()
    until(at, lambda at: done(at) and says(at, "**layer1.0**"))
    assert chosen(at).layer == "layer1.0"
    assert at.session_state["grid_choice"].view == "layer"


def test_a_changed_layer_gives_another_map_and_the_way_back_is_instant():
    at = until(visit(), done)
    first = mean(at)
    at.select_slider(key="w_layer").set_value("layer2.1").run()
    until(at, lambda at: done(at) and says(at, "**layer2.1**"))
    assert mean(at) != first
    at.select_slider(key="w_layer").set_value("layer1.0").run()
    assert done(at)
    assert mean(at) == first


def test_a_link_is_blamed_only_until_something_else_is_chosen():
    at = until(visit(opacity="7", layers="layer1.0 conv9", target="99"), done)
    (warning,) = at.warning
    assert all(f"`{value}`" in warning.value for value in ("7", "conv9", "99"))
    at.select_slider(key="w_layer").set_value("layer2.1").run()
    assert not at.warning


def test_the_address_bar_holds_the_selection():
    at = until(visit(beta="0.001", seed="7"), done)
    assert not at.warning
    assert (chosen(at).beta, chosen(at).seed, chosen(at).grid, chosen(at).refine) == (1e-3, 7, 4, False)
    assert at.query_params["layer"] in ("layer1.0", ["layer1.0"])


@pytest.mark.long
@pytest.mark.parametrize(
    "bad", [{"network": "../../etc"}, {"layer": "no"}, {"beta": "nan"}, {"grid": "-3"}, {"grid": "5"}]
)
def test_nonsense_in_the_address_bar_is_named_and_leaves_the_defaults(bad):
    at = until(visit(**bad), done)
    (value,) = bad.values()
    (warning,) = at.warning
    assert f"`{value}`" in warning.value
    assert "expected" in warning.value
    assert at.selectbox(key="w_network").value == (Selection().network if "network" in bad else CHEAP["network"])


@pytest.mark.parametrize("picture", ["bird/x", "bird/99999999", "photo/../../etc", "upload/0123", "nothing"])
def test_a_picture_that_is_not_here_is_one_sentence_above_the_usual_one(picture):
    at = until(visit(picture=picture), done)
    (warning,) = at.warning
    assert f"the picture `{picture}`" in warning.value
    assert chosen(at).picture == Selection().picture
    assert "picture" not in at.query_params


def test_a_picture_of_the_gallery_and_a_photograph_with_its_box():
    at = until(visit(), done)
    at.button_group(key="w_source").set_value("photo").run()
    at.button_group(key="w_picture").set_value("photo/rocket").run()
    until(at, done)
    assert chosen(at).picture == "photo/rocket"
    assert says(at, "Rocket")


def test_an_upload_becomes_the_picture_and_has_no_concentration():
    at = until(visit(), done)
    at.button_group(key="w_source").set_value("upload").run()
    at.file_uploader(key="w_upload").set_value(("noise.png", noise(), "image/png")).run()
    until(at, done)
    assert chosen(at).picture.startswith("upload/")
    (gain,) = [metric.value for metric in at.metric if metric.label.startswith("Concentration")]
    assert gain == "–"
    assert at.query_params["picture"] in ("upload", ["upload"])


@pytest.mark.long
def test_an_upload_belongs_to_the_session_that_brought_it():
    """Two bring the same bytes: results are shared, names are not, and nobody opens another's by its address."""
    anna, bert = uploaded("anna.png"), uploaded("bert.png")
    assert says(anna.run(), "anna.png")
    assert not says(anna, "bert.png")
    assert says(bert.run(), "bert.png")
    assert not says(bert, "anna.png")
    assert mean(anna) == mean(bert)
    key = chosen(anna).picture
    assert key != chosen(bert).picture
    for address in (key, f"{key}@0,0,1,0.5", key.replace("upload/", "upload/" + mark("")), "upload/"):
        carl = visit(picture=address)
        assert says(carl, "This link asks for the picture `upload/")
        assert not says(carl, "anna.png")
        assert not says(visit(view="grid", across="pictures", pictures=address), "anna.png")


@pytest.mark.long
def test_weights_belong_to_the_session_that_brought_them():
    anna = bring(visit(), "resnet20-cifar10", shipped("resnet20-cifar10"), "anna.safetensors")
    until(anna, done)
    key = chosen(anna).network
    for bert in (visit(network=key), visit(view="grid", across="networks", networks=key)):
        assert not says(bert, "own weights: mean CID")
        assert not any("anna" in option for box in bert.selectbox for option in box.options)
    assert says(visit(network=key), "Expected weights that were uploaded")
    assert the_backend().network(key, "bert/network").state == "gone"


def test_what_was_guessed_about_an_upload_is_said_while_it_is_shown():
    at = until(visit(), done)
    at.button_group(key="w_source").set_value("upload").run()
    buffer = io.BytesIO()
    Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64)).save(buffer, "PNG")
    at.file_uploader(key="w_upload").set_value(("deep.png", buffer.getvalue(), "image/png")).run()
    assert says(at, "values of 12 bits")
    at.file_uploader(key="w_upload").set_value(("noise.png", noise(), "image/png")).run()
    assert not says(at, "values of 12 bits")


@pytest.mark.parametrize("data", [b"", b"no picture at all", noise()[:60]])
def test_a_bad_upload_says_one_sentence_and_keeps_the_picture(data):
    at = until(visit(), done)
    before = chosen(at).picture
    at.button_group(key="w_source").set_value("upload").run()
    at.file_uploader(key="w_upload").set_value(("bad.png", data, "image/png")).run()
    assert not at.exception
    (error,) = at.error
    assert error.value.startswith("Expected")
    assert "/" not in error.value.replace("and/or", "")
    assert chosen(at).picture == before


def test_a_picture_keeps_a_lower_limit_than_weights():
    at = until(visit(), done)
    at.button_group(key="w_source").set_value("upload").run()
    at.file_uploader(key="w_upload").set_value(("large.png", bytes((20 << 20) + 1), "image/png")).run()
    (error,) = at.error
    assert error.value.startswith("Expected a picture of at most 20 MB")


def bring(at: AppTest, architecture: str, data: bytes, name: str = "mine.safetensors") -> AppTest:
    at.selectbox(key="w_architecture").set_value(architecture).run()
    at.file_uploader(key="w_weights").set_value((name, data, "application/octet-stream")).run()
    return at


def shipped(name: str) -> bytes:
    return (ROOT / "assets" / "networks" / f"{name}.safetensors").read_bytes()


@pytest.mark.long
def test_own_weights_become_the_network_of_this_session_alone():
    at = until(visit(), done)
    expected = mean(at)
    bring(at, "resnet20-cifar10", shipped("resnet20-cifar10"))
    until(at, lambda at: done(at) and chosen(at).layer)
    assert chosen(at).network.startswith("own/")
    assert at.query_params["network"] in ("own", ["own"])
    assert "mine.safetensors" in at.selectbox(key="w_network").options[0]
    assert says(at, "your own weights") or says(at, "own weights: mean CID")
    at.select_slider(key="w_layer").set_value("layer1.0").run()
    at.selectbox(key="w_grid").set_value(4).run()
    until(at, lambda at: done(at) and says(at, "**layer1.0**"))
    assert mean(at) == expected
    assert not any("mine" in option for option in visit().selectbox(key="w_network").options)


@pytest.mark.long
def test_weights_of_another_architecture_name_their_keys_and_the_right_one_takes_them():
    at = bring(visit(), "alexnet-birds", shipped("resnet20-cifar10"))
    until(at, lambda at: says(at, "Expected the weights of"))
    (sentence,) = [word for word in words(at) if "Expected the weights of" in word]
    assert "missing (features.conv1" in sentence
    assert re.search(r"unexpected \((layer\d|conv1|bn1|fc)\b", sentence)
    assert not at.metric
    at.selectbox(key="w_architecture").set_value("resnet20-cifar10").run()
    until(at, done)
    assert chosen(at).network.startswith("own/")


@pytest.mark.long
def test_weights_are_recognised_without_a_word():
    at = visit()
    assert at.selectbox(key="w_architecture").value == ""
    at.file_uploader(key="w_weights").set_value(("mine.th", shipped("resnet32-cifar10"), "")).run()
    until(at, done)
    assert says(at, "ResNet-32, your own weights")


@pytest.mark.long
def test_of_two_sets_of_weights_in_a_file_one_is_chosen():
    state = load_file(ROOT / "assets" / "networks" / "resnet20-cifar10.safetensors")
    buffer = io.BytesIO()
    torch.save({"model": state, "model_ema": {"module": {key: value * 1 for key, value in state.items()}}}, buffer)
    at = visit()
    at.file_uploader(key="w_weights").set_value(("both.pt", buffer.getvalue(), "")).run()
    until(at, lambda at: says(at, "got a file with 2: model, model_ema/module; choose one"))
    at.run()
    at.selectbox(key="w_weights_choice").set_value("model_ema/module").run()
    until(at, done)
    assert "both.pt · resnet20-cifar10 · model_ema/module" in at.selectbox(key="w_network").options[0]
    assert not [box for box in at.selectbox if box.key == "w_weights_choice"]


class Hostile:
    def __reduce__(self):
        return exec, ("import builtins; builtins.UNPICKLED = True",)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("data", [b"", b"no weights", pickle.dumps({"fc.weight": Hostile()})])
def test_a_file_that_holds_no_weights_is_one_sentence_and_never_run(data):
    import builtins

    at = bring(visit(), "resnet20-cifar10", data, "bad.pt")
    until(at, lambda at: says(at, "Expected a .safetensors file"))
    assert not hasattr(builtins, "UNPICKLED")
    assert not any(str(ROOT) in word for word in words(at))
    at.button(key="load_again").click().run()
    assert chosen(at).network == Selection().network


@pytest.mark.long
def test_keys_of_a_file_are_shown_as_plain_text():
    import safetensors.torch
    import torch

    data = safetensors.torch.save({"![a](http://example.org/a.png)": torch.zeros(1), "k" * 5000: torch.zeros(1)})
    at = until(bring(visit(), "resnet20-cifar10", data), lambda at: says(at, "Expected the weights of"))
    (sentence,) = [word for word in words(at) if "Expected the weights of" in word]
    assert "![" not in sentence
    assert len(sentence) < 1200


def test_weights_that_are_no_longer_kept_are_one_sentence():
    at = visit(network="own/0123")
    assert not at.exception
    assert says(at, "Expected weights that were uploaded")
    at = until(bring(at, "resnet20-cifar10", shipped("resnet20-cifar10")), done)
    the_backend()._networks.clear()
    at.run()
    assert says(at, "upload them again")


def test_cancelled_weights_leave_no_network(monkeypatch):
    import app.jobs.work

    wait, load = threading.Event(), app.jobs.work.load_checkpoint

    def slow(*args, **options):
        wait.wait(60)
        return load(*args, **options)

    monkeypatch.setattr("app.jobs.work.load_checkpoint", slow)
    monkeypatch.setattr("app.jobs.backend.QUICK_LOAD", 0.05)
    at = bring(visit(), "resnet20-cifar10", shipped("resnet20-cifar10"))
    key = chosen(at).network
    job = the_backend().own_loads.job(key)
    at.button(key="load_cancel").click().run()
    assert chosen(at).network == Selection().network
    wait.set()
    assert job.ended.wait(60)
    assert job.state == "cancelled"
    assert not the_backend().has_network(key)


def test_cancelling_a_load_takes_effect_although_only_its_part_of_the_page_runs(monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr("app.jobs.work.load_network", lambda *asked, **options: go_on.wait(60))
    monkeypatch.setattr("app.jobs.backend.QUICK_LOAD", 0.05)
    at = visit(network="resnet32-cifar10")
    (part,) = at._fragment_storage._fragments
    with monkeypatch.context() as browser:
        browser.setattr(local_script_runner, "RerunData", partial(RerunData, fragment_id_queue=[part]))
        at.button(key="load_cancel").click().run()
    assert chosen(at).network == Selection().network
    stopped = the_backend().loads.job("resnet32-cifar10").stop.is_set()
    go_on.set()
    assert stopped


@pytest.mark.long
def test_the_published_descent_is_a_choice_and_in_the_address_bar():
    at = until(visit(), done)
    first = mean(at)
    at.selectbox(key="w_method").set_value("paper").run()
    until(at, lambda at: done(at) and mean(at) != first)
    assert at.query_params["method"] in ("paper", ["paper"])
    assert at.toggle(key="w_refine").disabled
    at.button(key="reset").click().run()
    assert chosen(at).method == "two-stage"


def test_cancel_stops_the_work_and_go_on_resumes_it():
    at = visit(refine="True", grid="32", layer="fc")
    key = until(at, lambda at: at.button(key="map_cancel")) and next(iter(the_backend().maps._jobs))
    job = the_backend().maps.job(key)
    at.button(key="map_cancel").click().run()
    assert says(at, "Cancelled at")
    assert job.ended.wait(60)
    assert job.state == "cancelled"
    assert the_backend().results.get(key) is None
    at.button(key="map_again").click().run()
    assert the_backend().maps.job(key) is not None
    the_backend().maps.close()


def test_another_layer_ends_the_work_on_the_first():
    at = visit(refine="True", grid="32", layer="fc")
    (job,) = the_backend().maps._jobs.values()
    at.select_slider(key="w_layer").set_value("conv1").run()
    assert job.ended.wait(60)
    assert job.state == "cancelled"


@pytest.mark.long
def test_all_layers_appear_on_one_scale():
    at = visit(view="layers")
    at.button(key="layers_again").click().run()
    until(at, lambda at: says(at, "All 12 layers are ready"), every=1.0)
    assert "layer3.2" in at.get("plotly_chart")[-2].proto.spec
    assert len([trace for trace in drawn(at, "strip")["data"] if trace.get("coloraxis") == "coloraxis"]) == 12


def test_all_layers_have_a_preview_before_any_is_finished_the_deepest_first_then_the_chosen_one(monkeypatch):
    go_on, came = threading.Event(), []

    def told(request, *rest):
        assert go_on.wait(60)
        for progress in (0.5, 0.9):
            came.append(request.layer.name)
            yield SimpleNamespace(preliminary=False, progress=progress)
        raise CancelledError

    monkeypatch.setattr(MapRequest, "stream", told)
    at = visit(view="layers", refine="True", layer="layer2.0")
    at.button(key="layers_again").click().run()
    go_on.set()
    wait_until(lambda: not the_backend().maps.count)
    stages = (f"layer{stage}.{block}" for stage in (3, 2, 1) for block in (2, 1, 0))
    deepest_first = ["fc", "avgpool", *stages, "conv1"]
    # Whichever was asked for when the work began: the others were asked for after it.
    began = came[0]
    previews = [began, *(name for name in deepest_first if name != began)]
    assert came == [*previews, "layer2.0", *(name for name in deepest_first if name != "layer2.0")]


@pytest.mark.long
def test_a_network_that_cannot_be_had_is_one_sentence(monkeypatch):
    from explainers.networks.catalogue import WeightsUnavailable

    def missing(name, device="cpu", progress=None):
        raise WeightsUnavailable("vgg16.pth could not be downloaded", "put the file into ~/.cache/torch/hub")

    load = work.load_network
    monkeypatch.setattr("app.jobs.work.load_network", missing)
    at = until(visit(network="vgg16", beta="7"), lambda at: says(at, "could not be downloaded"))
    assert at.selectbox(key="w_network").value == "vgg16"
    assert not at.metric
    assert at.query_params["network"] in ("vgg16", ["vgg16"])
    assert "beta" not in at.query_params
    assert "`7`" in at.warning[0].value
    assert says(at, "**VGG-16, ImageNet** cannot be shown")
    assert says(at, "AlexNet, rendered birds")
    assert not any("cache" in word or "alexnet-birds" in word for word in words(at))
    monkeypatch.setattr("app.jobs.work.load_network", load)
    at.button(key="load_back").click().run()
    assert chosen(at).network == Selection().network
    until(at, done)


def test_an_unexpected_failure_tells_nothing_of_the_machine(monkeypatch):
    def broken(*args):
        raise RuntimeError("/home/someone/secret.py went wrong")

    monkeypatch.setattr("explainers.methods.entropies.CID", broken)
    at = until(visit(), lambda at: says(at, "failed unexpectedly"))
    assert not any("secret" in word for word in words(at))
    monkeypatch.undo()
    at.button(key="map_again").click().run()
    until(at, done)


def test_about_explains_the_unit_and_names_the_source():
    at = AppTest.from_string("from app.about import page; page.page()").run()
    assert not at.exception
    assert says(at, "nats")
    assert says(at, "ICML 2022")


def test_variants_of_a_network_stand_in_a_list_of_their_own(monkeypatch):
    """The list of networks stays short; the layer is kept from one variant to the next."""
    real = controls.networks()
    grouped = tuple(
        replace(entry, group="resnet20-cifar10") if entry.name == "resnet32-cifar10" else entry for entry in real
    )
    monkeypatch.setattr(controls, "networks", lambda: grouped)
    at = until(visit(layer="layer1.1"), done)
    heads = at.selectbox(key="w_network").options
    assert len(heads) == sum(not entry.group for entry in grouped)
    assert not any("ResNet-32" in title for title in heads)
    damaged = [f"two 1×1 convolutions after stage {stage}" for stage in (1, 2)]
    assert at.selectbox(key="w_variant").options == ["as it is", "ResNet-32, CIFAR-10", *damaged]
    at.selectbox(key="w_variant").set_value("resnet32-cifar10").run()
    assert (chosen(at).network, chosen(at).layer) == ("resnet32-cifar10", "layer1.1")
    assert at.selectbox(key="w_network").value == "resnet20-cifar10"
    at.selectbox(key="w_network").set_value("alexnet-birds").run()
    assert not [box for box in at.selectbox if box.key == "w_variant"]


@pytest.mark.long
def test_a_network_of_look_alikes_begins_with_one_of_the_gallery():
    at = visit(network="alexnet-lookalikes", picture="lookalike/1", layer="conv1")
    until(at, done)
    assert chosen(at).picture == "lookalike/1"
    assert not at.exception
    assert at.button_group(key="w_source").options == ["Birds", "Photos", "Cells", "Your own"]
    at.selectbox(key="w_network").set_value("alexnet-birds").run()
    assert chosen(at).picture == "bird/1"
    at.selectbox(key="w_network").set_value("alexnet-lookalikes").run()
    assert chosen(at).picture == "lookalike/1"


def test_a_link_to_an_upload_says_that_it_stays_with_the_visit_that_brought_it():
    at = until(visit(picture="upload"), done)
    (warning,) = at.warning
    assert warning.value.startswith("This link was to a picture of somebody's own")
    assert chosen(at).picture == Selection().picture
    at.select_slider(key="w_layer").set_value("layer2.0").run()
    assert not at.warning


def test_a_link_to_a_network_of_ones_own_says_so():
    at = visit(network="own")
    assert says(at, "Expected weights that were uploaded")
    assert not at.warning


def test_what_an_uploader_of_weights_says_is_what_the_server_takes():
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings["server"]["maxUploadSize"] == MEGABYTES
