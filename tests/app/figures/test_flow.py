"""Curves over epochs with their spread, the stage with a frame for every epoch, points in their bins."""

import json
import math

import numpy as np
import pytest

from app.figures.clusters import clusters_figure
from app.figures.flow import BEFORE, Level, Series, flow_curves_figure, style_of
from app.figures.flow_neuron import Way, neuron_figure
from app.figures.flow_stage import Stage, Track, class_inks, stage_figure
from app.figures.style import DARK, LIGHT

NAN = math.nan
EPOCHS = (0, 1, 10, 100)


def series(**values) -> Series:
    plain = {
        "title": "layer 1",
        "style": style_of(0),
        "epochs": EPOCHS,
        "mean": (1.0, 2.0, 3.0, 2.5),
        "low": (0.5, 1.5, 2.5, 2.0),
        "high": (1.5, 2.5, 3.5, 3.0),
        "words": tuple(f"epoch {epoch}" for epoch in EPOCHS),
    }
    return Series(**plain | values)


def stage(units: int = 3, layers: int = 2, classes: int = 2) -> Stage:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(5), (2, len(EPOCHS)))
    tracks = tuple(
        Track(
            f"layer {place + 1}", style_of(place), (1.0, 2.0, 3.0, 2.0), ((0.5, 1.5),) * 4, (0.1, 0.2, 0.3, 0.4),
            ((NAN, NAN),) * 4,
        )
        for place in range(layers)
    )  # fmt: skip
    labels, points = np.arange(30) % classes, rng.normal(size=(len(EPOCHS), 30, units))
    return Stage(EPOCHS, tracks, (3.4, 0.69), "nats", "2", labels, points, np.linspace(0, 2, 6), *shares)


def test_a_curve_stands_at_its_epochs_with_the_first_before_the_axis_begins():
    figure = flow_curves_figure([series()], "I(X;T) (nats)", LIGHT, here=10, levels=[Level(3.4, "log n")])
    band, line = figure.data
    assert list(line.x) == [BEFORE, 1, 10, 100]
    assert list(line.y) == [1.0, 2.0, 3.0, 2.5]
    assert list(line.hovertext) == list(series().words)
    assert list(band.y) == [1.5, 2.5, 3.5, 3.0, 2.0, 2.5, 1.5, 0.5]
    assert list(figure.layout.xaxis.ticktext) == ["0", "1", "10", "100"]
    assert {shape.x0 for shape in figure.layout.shapes} == {10.0, 0}
    assert [note.text for note in figure.layout.annotations] == ["log n"]


def test_one_training_has_no_band_and_points_apart_have_bars_and_no_line():
    one = series(low=(NAN,) * 4, high=(NAN,) * 4)
    assert len(flow_curves_figure([one], "q", LIGHT).data) == 1
    (new,) = flow_curves_figure([series(points=True)], "q", LIGHT).data
    assert new.mode == "markers"
    assert [y + up for y, up in zip(new.y, new.error_y.array, strict=True)] == [1.5, 2.5, 3.5, 3.0]
    assert [y - down for y, down in zip(new.y, new.error_y.arrayminus, strict=True)] == [0.5, 1.5, 2.5, 2.0]
    nothing = series(mean=(NAN,) * 4, low=(NAN,) * 4, high=(NAN,) * 4)
    assert "no value" in [note.text for note in flow_curves_figure([nothing], "q", DARK).layout.annotations]


@pytest.mark.parametrize("units", [0, 2, 3])
def test_every_epoch_has_a_frame_that_is_the_figure_which_begins_there(units):
    """So that playing to an epoch and opening the page at it show the same."""
    what = stage(units)
    figure = stage_figure(what, 0, LIGHT)
    assert [frame.name for frame in figure.frames] == [str(epoch) for epoch in EPOCHS]
    (slider,) = figure.layout.sliders
    assert [list(step.args[0]) for step in slider.steps] == [[str(epoch)] for epoch in EPOCHS]
    for place, frame in enumerate(figure.frames):
        other = stage_figure(what, place, LIGHT)
        assert other.layout.sliders[0].active == place
        assert list(other.layout.yaxis3.range) == list(frame.layout.yaxis3.range)
        for number, trace in zip(frame.traces, frame.data, strict=True):
            assert json.loads(trace.to_json()) == json.loads(other.data[number].to_json())
        assert set(range(len(figure.data))) - set(frame.traces) == set(range(len(what.tracks)))


def test_the_stage_shows_ceilings_the_spread_and_every_class_s_points():
    what = stage(3, classes=3)
    figure = stage_figure(what, 2, DARK)
    notes = " ".join(note.text for note in figure.layout.annotations)
    assert "log n = 3.40 nats" in notes
    assert "H(Y) = 0.69 nats" in notes
    spots = [trace for trace in figure.data if trace.error_x.array is not None]
    assert [list(spot.x) for spot in spots] == [[3.0], [3.0]]
    assert [spot.error_x.array[0] for spot in spots] == [1.5, 1.5]
    assert [spot.error_y.array[0] for spot in spots] == [0, 0]
    clouds = [trace for trace in figure.data if trace.type == "scatter3d"]
    assert [len(cloud.x) for cloud in clouds] == [10, 10, 10]
    assert [cloud.marker.color for cloud in clouds] == list(class_inks(3, DARK))
    assert np.allclose(np.stack([clouds[1].x, clouds[1].y, clouds[1].z], 1), what.points[2][what.labels == 1])
    assert len(set(class_inks(10, LIGHT))) > 7


def test_bins_that_hold_a_point_are_shaded_unless_too_small_to_be_seen():
    points = np.array([[0.1, 0.1], [0.2, 0.3], [-0.1, 0.6]])
    labels = np.array([0, 0, 1])
    figure = clusters_figure(points, labels, 0.5, 1.0, LIGHT)
    corners = {(shape.x0, shape.y0, shape.x1, shape.y1) for shape in figure.layout.shapes}
    assert corners == {(0.0, 0.0, 0.5, 0.5), (-0.5, 0.5, 0.0, 1.0)}
    assert [len(trace.x) for trace in figure.data] == [2, 1]
    assert not clusters_figure(points, labels, 0.001, 1.0, LIGHT).layout.shapes


def test_the_neuron_s_map_has_every_weight_and_bias_and_each_training_s_way():
    ways = [Way((0.5, 1.0, 2.0), (0.0, -1.0, -2.0)), Way((1.0, 1.5), (1.0, 0.5))]
    values = np.arange(6.0).reshape(3, 2)
    heat, *lines = neuron_figure((0.0, 2.0), (-2.0, 0.0, 2.0), values, ways, "bits", LIGHT).data
    assert np.array_equal(np.array(heat.z), values)
    assert (list(heat.x), list(heat.y)) == ([0.0, 2.0], [-2.0, 0.0, 2.0])
    assert [(tuple(line.x), tuple(line.y)) for line in lines] == [(way.weights, way.biases) for way in ways]
    assert [line.marker.symbol[-1] for line in lines] == ["circle-open"] * 2
