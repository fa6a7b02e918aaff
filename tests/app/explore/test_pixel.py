"""The pixel that stays marked, and the player: kept in the address, and what they show of all layers."""

import json

import numpy as np
import pytest

from app.explore.grid_choice import GridChoice
from app.figures.pixel import value_at
from tests.support.pages import drawn, metrics, says, until, visit

pytestmark = pytest.mark.usefixtures("fresh_backend")


def curve(at) -> list[dict]:
    (found,) = [
        json.loads(chart.proto.spec) for chart in at.get("plotly_chart") if "mean of the map" in chart.proto.spec
    ]
    return found["data"]


@pytest.mark.long
def test_a_marked_pixel_is_drawn_through_the_layers_that_are_there():
    at = until(visit(pin="20 9"), lambda at: says(at, "row 20, column 9"))
    # A map that comes while the page is drawn may stand in one of its parts only.
    until(at, lambda at: at.metric and any(y is not None for y in curve(at)[0]["y"]))
    values = curve(at)[0]
    assert [y is not None for y in values["y"]] == [name == "layer1.0" for name in values["x"]]
    assert "row 20, column 9" in values["name"]
    assert says(at, "The maps of 11 layers are not there yet")
    assert at.query_params["pin"] in ("20 9", ["20 9"])
    at.button(key="w_pixel_more_cid").click().run()
    at.button(key="layers_again").click().run()
    until(at, lambda at: says(at, "All 12 layers are ready"), every=1.0)
    values = curve(at)[0]
    maps = drawn(at, "strip")["data"]
    shown = {trace["name"]: trace for trace in maps if trace["type"] == "heatmap"}
    assert len(shown) == 12
    assert all(shown[name]["meta"]["probe"]["opens"] == name for name in shown)
    assert None not in values["y"]


def test_a_mean_that_its_constraint_does_not_bear_out_is_rounded_and_its_points_are_open(monkeypatch):
    for place in ("app.figures.means", "app.explore.one_layer", "app.explore.pixel"):
        monkeypatch.setattr(f"{place}.is_certain", lambda said: False)
    # A map that comes while the page is drawn may stand in one of its parts only.
    at = until(
        visit(pin="20 9"), lambda at: "Mean CID (nats)" in metrics(at) and any(y is not None for y in curve(at)[0]["y"])
    )
    assert metrics(at)["Mean CID (nats)"].startswith("about −")
    assert says(at, "mean CID about −")
    assert says(at, "Open points are uncertain")
    for line in curve(at):
        there = [name for name, y in zip(line["x"], line["y"], strict=True) if y is not None]
        symbols = line["marker"]["symbol"]
        assert [name for name, symbol in zip(line["x"], symbols, strict=True) if symbol == "circle-open"] == there


def test_a_pixel_that_the_picture_does_not_have_is_said():
    at = visit(pin="40 9")
    assert "`40 9`" in at.warning[0].value
    assert "pin" not in at.query_params


@pytest.mark.parametrize("text", ["", "3", "a b", "3 4 5", "-1 2", "٣ ٤", "99999 1"])
def test_what_is_no_pixel_marks_none(text):
    assert GridChoice.from_query({"pin": text}).pin == ""


def test_the_cell_of_a_pixel_is_the_one_that_covers_it():
    cells = np.arange(12.0).reshape(3, 4)
    whole = np.kron(cells, np.ones((2, 3)))
    found = [[value_at(cells, whole.shape, (row, column)) for column in range(12)] for row in range(6)]
    np.testing.assert_array_equal(found, whole)


@pytest.mark.long
def test_the_player_has_a_frame_for_each_layer_that_is_there_on_one_scale():
    at = visit(play="1")
    assert says(at, "Nothing can be played before the maps of two layers are there.")
    at.button(key="layers_again").click().run()
    until(at, lambda at: says(at, "All 12 layers are ready"), every=1.0)
    (film,) = [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]
    names = [frame["name"] for frame in film["frames"]]
    assert names == [step["label"] for step in film["layout"]["sliders"][0]["steps"]]
    assert len(names) == 12
    assert names[film["layout"]["sliders"][0]["active"]] == "layer1.0"
    for frame in film["frames"]:
        shown, *marks = frame["data"]
        assert (shown["type"], shown["coloraxis"], len(marks)) == ("heatmap", "coloraxis", 3)
        assert frame["name"] in frame["layout"]["annotations"][0]["text"]
        assert "mean −" in frame["layout"]["annotations"][0]["text"]
    at.toggle(key="w_play_layer").set_value(False).run()
    assert "play" not in at.query_params
    assert len(at.get("plotly_chart")) > 1
