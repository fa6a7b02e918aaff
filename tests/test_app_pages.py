"""Every page, run without a browser on the smallest shipped network and cheap settings."""

import io
import threading
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from app.backend import backend
from app.state import Selection

CHEAP = {"network": "resnet20-cifar10", "refine": "False", "grid": "4", "layer": "layer1.0"}

pytestmark = pytest.mark.usefixtures("fresh_backend")


def visit(**query: str) -> AppTest:
    at = AppTest.from_file("../app/main.py", default_timeout=120)
    for name, value in (CHEAP | query).items():
        at.query_params[name] = value
    return at.run()


def until(at: AppTest, holds: Callable[[AppTest], object], every: float = 0.05) -> AppTest:
    """Runs the page again, as its poll does in a browser, until something holds; `every` in seconds."""
    for _ in range(400):
        assert not at.exception
        if holds(at):
            return at
        threading.Event().wait(every)
        at.run()
    raise AssertionError("it never came to hold: " + " | ".join(words(at)))


def words(at: AppTest) -> list[str]:
    return [element.value for element in (*at.markdown, *at.caption, *at.error, *at.warning)]


def says(at: AppTest, text: str) -> bool:
    return any(text in word for word in words(at))


def done(at: AppTest) -> bool:
    return says(at, "mean CID")


def mean(at: AppTest) -> str:
    (found,) = [metric.value for metric in at.metric if metric.label.startswith("Mean CID")]
    return found


def chosen(at: AppTest) -> Selection:
    return at.session_state["selection"]


def png(side: int = 40) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


def test_the_first_visit_shows_a_map_without_a_click():
    at = AppTest.from_file("../app/main.py", default_timeout=120).run()
    until(at, lambda at: len(at.metric) > 0)
    assert chosen(at).network == Selection().network
    assert "−" in mean(at)
    assert len(at.get("plotly_chart")) == 4


def test_a_changed_layer_gives_another_map_and_the_way_back_is_instant():
    at = until(visit(), done)
    first = mean(at)
    at.select_slider(key="w_layer").set_value("layer2.1").run()
    until(at, lambda at: done(at) and says(at, "**layer2.1**"))
    assert mean(at) != first
    at.select_slider(key="w_layer").set_value("layer1.0").run()
    assert done(at)
    assert mean(at) == first


def test_the_address_bar_holds_the_selection():
    at = until(visit(beta="0.001", seed="7"), done)
    assert (chosen(at).beta, chosen(at).seed, chosen(at).grid, chosen(at).refine) == (1e-3, 7, 4, False)
    assert at.query_params["layer"] in ("layer1.0", ["layer1.0"])


@pytest.mark.parametrize(
    "bad", [{"network": "../../etc"}, {"layer": "no"}, {"beta": "nan"}, {"grid": "-3"}, {"grid": "5"}]
)
def test_nonsense_in_the_address_bar_leaves_the_defaults(bad):
    at = until(visit(**bad), done)
    assert at.selectbox(key="w_network").value == (Selection().network if "network" in bad else CHEAP["network"])


@pytest.mark.parametrize("picture", ["bird/x", "bird/99999999", "photo/../../etc", "upload/0123", "nothing"])
def test_a_picture_that_is_not_here_is_one_sentence(picture):
    at = visit(picture=picture)
    assert not at.exception
    (warning,) = at.warning
    assert warning.value.startswith("Expected a picture")


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
    at.file_uploader(key="w_upload").set_value(("noise.png", png(), "image/png")).run()
    until(at, done)
    assert chosen(at).picture.startswith("upload/")
    (gain,) = [metric.value for metric in at.metric if metric.label.startswith("Concentration")]
    assert gain == "–"
    assert "picture" not in at.query_params


@pytest.mark.parametrize("data", [b"", b"no picture at all", png()[:60]])
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


def test_cancel_stops_the_work_and_go_on_resumes_it():
    at = visit(refine="True", grid="32", layer="fc")
    key = until(at, lambda at: at.button(key="map_cancel")) and next(iter(backend().maps._jobs))
    job = backend().maps.job(key)
    at.button(key="map_cancel").click().run()
    assert says(at, "Cancelled at")
    assert job.ended.wait(60)
    assert job.state == "cancelled"
    assert backend().results.get(key) is None
    at.button(key="map_again").click().run()
    assert backend().maps.job(key) is not None
    backend().maps.close()


def test_another_layer_ends_the_work_on_the_first():
    at = visit(refine="True", grid="32", layer="fc")
    (job,) = backend().maps._jobs.values()
    at.select_slider(key="w_layer").set_value("conv1").run()
    assert job.ended.wait(60)
    assert job.state == "cancelled"


def test_all_layers_appear_on_one_scale():
    at = visit()
    at.session_state["tab"] = "All layers"
    at.run()
    at.button(key="layers_again").click().run()
    until(at, lambda at: says(at, "All 12 layers are ready"), every=1.0)
    curve, strip = at.get("plotly_chart")[-2:]
    assert "layer3.2" in curve.proto.spec
    assert "coloraxis" in strip.proto.spec


def test_a_network_that_cannot_be_had_is_one_sentence(monkeypatch):
    from explainers.networks import WeightsUnavailable

    def missing(name, device="cpu", progress=None):
        raise WeightsUnavailable("vgg16.pth could not be downloaded; resnet20-cifar10 works without it")

    monkeypatch.setattr("app.backend.load_network", missing)
    at = until(visit(network="vgg16"), lambda at: says(at, "could not be downloaded"))
    assert at.selectbox(key="w_network").value == "vgg16"
    assert not at.metric


def test_an_unexpected_failure_tells_nothing_of_the_machine(monkeypatch):
    def broken(*args):
        raise RuntimeError("/home/someone/secret.py went wrong")

    monkeypatch.setattr("app.backend.CID", broken)
    at = until(visit(), lambda at: says(at, "failed unexpectedly"))
    assert not any("secret" in word for word in words(at))
    monkeypatch.undo()
    at.button(key="map_again").click().run()
    until(at, done)


def test_about_explains_the_unit_and_names_the_source():
    at = AppTest.from_string("from app.views import about; about.page()").run()
    assert not at.exception
    assert says(at, "nats")
    assert says(at, "ICML 2022")
