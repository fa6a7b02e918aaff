"""The app with an auto-encoder: what it answers is a picture, on every page."""

from functools import cache

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from app.explore.reports import answers_table
from app.export.picture import cell_subtitle
from app.export.record import taken
from app.export.report import choices
from app.export.script import cell_script
from app.export.table import cells_csv
from app.inputs.columns import Column
from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from app.jobs.backend import the_backend
from app.parts.given_back import ERROR, given_back, off_by
from app.parts.strange import GIVEN_BACK
from explainers import CIDSettings
from explainers.baselines.explain import applies
from explainers.methods.network_input import NetworkInput
from explainers.methods.registry import find_method
from explainers.methods.request import answer
from explainers.networks.catalogue import Network, load_network
from tests.support.pages import page, until

NAME = "autoencoder20-cifar10"


@cache
def network() -> Network:
    return load_network(NAME)


@cache
def network_input() -> NetworkInput:
    return prepare(network(), find_picture("bird/1", 32))


def visit(where: str, **query: str) -> AppTest:
    return page(where, **{"network": NAME, "picture": "bird/1", "refine": "False"} | query).run()


def words(at: AppTest) -> list[str]:
    return [element.value for kind in (at.markdown, at.caption) for element in kind]


@pytest.mark.usefixtures("fresh_backend")
def test_the_answer_is_the_picture_itself_and_its_channels():
    with torch.no_grad():
        said = network().module(network_input().x[None])[0]
    given = the_backend().answer(network(), network_input())
    assert torch.equal(given, said)
    assert given.shape == (3, 32, 32)
    channels = the_backend().predictions(network(), network_input())
    assert [name for name, _ in channels] == [network().classes[i] for i in said.mean((1, 2)).argsort(descending=True)]
    assert dict(channels)["red"] == pytest.approx(float(said[0].mean()))
    picture = given_back(the_backend(), network(), network_input())
    assert np.abs(picture / 255 - said.permute(1, 2, 0).numpy()).max() <= 0.5 / 255 + 1e-6
    seen = torch.from_numpy(network_input().picture / 255).permute(2, 0, 1)
    assert off_by(network_input(), picture) == pytest.approx(float((said - seen).square().mean().sqrt()), abs=2e-3)


@pytest.mark.usefixtures("fresh_backend")
def test_explore_shows_the_picture_and_how_far_it_is_off():
    at = until(visit("explore", view="layer", layer="conv1"), lambda at: any(one.label == ERROR for one in at.metric))
    [off] = [one.value for one in at.metric if one.label == ERROR]
    assert float(off) == pytest.approx(
        off_by(network_input(), given_back(the_backend(), network(), network_input())), abs=6e-4
    )
    assert "**What the network gives back**" in words(at)
    assert "**What the network answers**" not in words(at)
    assert any(text.startswith(f"{GIVEN_BACK} · 20 layers · off by 0.09") for text in words(at))


@pytest.mark.usefixtures("fresh_backend")
def test_side_by_side_a_channel_is_explained():
    at = until(visit("explore", methods="saliency"), lambda at: GIVEN_BACK in words(at))
    chosen = next(one for one in at.selectbox if one.key == "w_target")
    assert chosen.label == "Channel explained"
    assert chosen.options[0] == "The brightest"
    assert not any(text.startswith(("red ", "no answer")) for text in words(at))


@pytest.mark.usefixtures("fresh_backend")
def test_compare_shows_the_picture_beside_the_classes_of_the_other():
    asked = visit("compare", b="resnet20-cifar10", layer="conv1")
    at = until(asked, lambda at: any(one.label == ERROR for one in at.metric))
    assert [one.label for one in at.metric].count(ERROR) == 1
    keys = [chart.proto.id for chart in at.get("plotly_chart")]
    assert sum("compare_answers_a" in key for key in keys) == sum("compare_answers_b" in key for key in keys) == 1


@pytest.mark.usefixtures("fresh_backend")
def test_what_is_taken_away_speaks_of_a_channel():
    column = Column("one", "", network(), network_input(), network().layer("conv1"), 2)
    found = answer(network_input().request(network(), column.layer, "saliency", CIDSettings(), 2))
    cell = taken(find_method("saliency"), column, found, 0, "cpu")
    assert (cell.explains, cell.class_name) == ("channel", "blue")
    assert "# the channel blue" in cell_script(cell)
    assert ("Channel explained", "blue") in choices([cell])
    assert not any(name == "Class explained" for name, _ in choices([cell]))
    assert "channel explained: blue" in cell_subtitle(cell)
    assert b",blue (channel)," in cells_csv([cell])
    table = answers_table(the_backend(), [column])
    assert table.heads == ("Network and picture", "Answer")
    assert [row[1:] for row in table.rows] == [(GIVEN_BACK,)]


def test_a_bottleneck_has_no_class_to_keep():
    assert "has none: it gives the picture back" in applies("bottleneck", network(), "conv1")
    assert applies("bottleneck", load_network("resnet20-cifar10"), "conv1") is None


@pytest.mark.usefixtures("fresh_backend")
def test_evaluate_says_why_its_scores_do_not_apply():
    said = "This network gives the picture back, so they do not apply"
    at = until(visit("evaluate"), lambda at: any(said in text for text in words(at)))
    assert not at.get("plotly_chart")


@pytest.mark.long
@pytest.mark.usefixtures("fresh_backend")
def test_fairness_proves_that_no_value_of_the_picture_moves():
    at = until(visit("fairness"), lambda at: at.metric)
    values = {metric.label: metric.value for metric in at.metric}
    assert values["Largest change of a value of the picture"] == "0"
    assert "Answer" not in values
    assert any("no value of the picture moved" in success.value for success in at.success)
