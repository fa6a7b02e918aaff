"""The chart of several networks' curves: places along the axis, intervals, gaps, and one style for each network."""

import math

from hypothesis import given
from hypothesis import strategies as st

from app.figures.layer_curves import Line, layer_curves_figure, places
from app.figures.networks import COLOURS, MARKERS, SYMBOLS, Style, styles_of
from app.figures.style import DARK, LIGHT

NAN = math.nan
NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1)


def line(family: str = "R", layers: tuple[str, ...] = ("a", "b", "c"), **values) -> Line:
    count = len(layers)
    plain = {
        "name": f"weights of {family}",
        "title": f"Network {family}",
        "family": family,
        "style": Style("#0072B2", "circle"),
        "layers": layers,
        "depths": tuple(place / max(count - 1, 1) for place in range(count)),
        "mean": tuple(float(place) for place in range(count)),
        "low": tuple(place - 0.25 for place in range(count)),
        "high": tuple(place + 0.5 for place in range(count)),
        "counts": (4,) * count,
    }
    return Line(**plain | values)


def test_a_point_behind_which_a_map_does_not_meet_its_constraint_is_open_and_says_so():
    (trace,) = layer_curves_figure([line(unsure=(0, 2, 0))], "layer", "mean CID (nats)", LIGHT).data
    assert list(trace.marker.symbol) == ["circle", "circle-open", "circle"]
    assert ["uncertain" in text for text in trace.hovertext] == [False, True, False]
    assert layer_curves_figure([line()], "layer", "mean CID (nats)", LIGHT).data[0].marker.symbol == "circle"


def test_points_stand_at_their_layers_with_the_ends_of_their_intervals():
    figure = layer_curves_figure([line()], "layer", "mean CID (nats)", LIGHT)
    (trace,) = figure.data
    assert list(trace.x) == [0, 1, 2]
    assert list(figure.layout.xaxis.ticktext) == ["a", "b", "c"]
    assert [y + up for y, up in zip(trace.y, trace.error_y.array, strict=True)] == [0.5, 1.5, 2.5]
    assert [y - down for y, down in zip(trace.y, trace.error_y.arrayminus, strict=True)] == [-0.25, 0.75, 1.75]
    assert (
        trace.hovertext[1]
        == "Network R<br>b, 50% of the way<br>1.000 nats<br>95 % interval 0.750 to 1.500<br>4 pictures"
    )
    assert [tuple(one) for one in trace.customdata] == [("weights of R", name, 0) for name in "abc"]


def test_what_is_not_ready_is_a_gap_and_one_picture_has_no_interval():
    some = line(mean=(1.0, NAN, 3.0), low=(NAN, NAN, 2.0), high=(NAN, NAN, 4.0), counts=(1, 0, 4))
    (trace,) = layer_curves_figure([some], "layer", "q", LIGHT).data
    assert math.isnan(trace.y[1])
    assert not trace.connectgaps
    assert list(trace.error_y.array) == [0, 0, 1]
    assert trace.hovertext[0].endswith("1.000 nats<br>1 picture")
    nothing = line(mean=(NAN,) * 3, low=(NAN,) * 3, high=(NAN,) * 3, counts=(0,) * 3)
    figure = layer_curves_figure([nothing], "layer", "q", DARK)
    assert "no point is ready yet" in [note.text for note in figure.layout.annotations]


def test_the_axis_fits_what_is_drawn():
    nothing = line("V", ("a", "b", "c", "d"), mean=(NAN,) * 4, low=(NAN,) * 4, high=(NAN,) * 4, counts=(0,) * 4)
    figure = layer_curves_figure([nothing, line("R")], "layer", "q", LIGHT)
    assert [list(trace.x) for trace in figure.data] == [[0, 1, 2]]
    assert tuple(figure.layout.xaxis.range) == (-0.6, 2.6)
    assert list(figure.layout.xaxis.ticktext) == ["a", "b", "c"]
    assert not figure.layout.annotations


def test_families_stand_one_after_the_other_and_share_nothing():
    figure = layer_curves_figure([line("R"), line("V", ("a", "b"))], "layer", "q", LIGHT)
    assert [list(trace.x) for trace in figure.data] == [[0, 1, 2], [3, 4]]
    assert [note.text for note in figure.layout.annotations] == ["R", "V"]
    deep = layer_curves_figure([line("R"), line("V", ("a", "b"))], "depth", "q", LIGHT)
    assert [list(trace.x) for trace in deep.data] == [[0, 0.5, 1], [0, 1]]
    assert not deep.layout.annotations


@given(NAMES, NAMES)
def test_every_layer_has_one_place_and_the_first_networks_keep_their_order(one, other):
    order = [layer for _, layer in places([line("R", tuple(one)), line("R", tuple(other))])]
    assert sorted(order) == sorted({*one, *other})
    assert [layer for layer in order if layer in one] == one
    new = [layer for layer in other if layer not in one]
    for layer in new:
        before = other[: other.index(layer)]
        assert not before or order.index(before[-1]) < order.index(layer)


def test_another_setting_has_another_dash_and_the_same_colour():
    both = [line(setting_title="β = 10⁻³"), line(setting=1, setting_title="β = 10⁻²")]
    first, second, *keys = layer_curves_figure(both, "layer", "q", LIGHT).data
    assert [(key.name, key.line.dash) for key in keys] == [("β = 10⁻³", "solid"), ("β = 10⁻²", "dash")]
    assert (first.showlegend, second.showlegend) == (True, False)
    assert second.hovertext[0].startswith("Network R, β = 10⁻²<br>")
    assert (first.line.dash, second.line.dash) == ("solid", "dash")
    assert first.line.color == second.line.color
    assert [tuple(one)[2] for one in second.customdata] == [1, 1, 1]


@given(st.lists(st.integers(0, 30), unique=True, max_size=8))
def test_no_two_networks_look_alike_and_one_more_changes_none(chosen):
    known = [str(number) for number in range(20)]
    names = [str(number) for number in chosen]
    styles = styles_of(names, known)
    assert len({one.colour for one in styles.values()}) == len(names)
    assert len({one.symbol for one in styles.values()}) == len(names)
    assert all(styles_of(names[:-1], known)[name] == styles[name] for name in names[:-1])


def test_every_symbol_can_be_printed():
    assert set(MARKERS) == set(SYMBOLS)
    assert len(set(MARKERS.values())) == len(COLOURS) == 8
