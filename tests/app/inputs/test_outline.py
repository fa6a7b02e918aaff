"""The object that a reader draws: its geometry, what goes by it, and that no stored result depends on it."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path

from app.inputs.crop import Crop, joined, part, split
from app.inputs.network_input import prepare
from app.inputs.outline import MOST, Outline, drawn, split_outline, with_outline
from app.inputs.pictures import PictureGoneError, find_picture
from app.parts.draw import _corners
from explainers import CIDSettings, load_network
from tests.support.pages import chosen, done, metrics, says, until, uploaded, visit, words

pytestmark = pytest.mark.usefixtures("fresh_backend")
SHARES = st.integers(0, 1000).map(lambda number: number / 1000)
BOX = "0.2,0.3,0.7,0.9"


CORNER = st.tuples(SHARES, SHARES)
OUTLINES = st.lists(CORNER, min_size=2, max_size=8).map(Outline.of).filter(lambda outline: outline is not None)


@given(OUTLINES)
def test_text_and_back(outline):
    assert Outline.from_text(outline.to_text()) == outline
    key = drawn("photo/cat@0,0,1,0.5", outline)
    assert split_outline(key) == ("photo/cat@0,0,1,0.5", outline.to_text())
    assert split(key) == ("photo/cat", "0,0,1,0.5")
    assert joined(key, Crop()) == drawn("photo/cat", outline)
    assert drawn(key, None) == "photo/cat@0,0,1,0.5"


@given(st.text(alphabet="0123456789.,-e ~@nax٠", max_size=30))
def test_any_text_is_an_outline_or_refused(text):
    with contextlib.suppress(ValueError):
        outline = Outline.from_text(text)
        assert Outline.from_text(outline.to_text()) == outline


@pytest.mark.parametrize(
    "text",
    [
        *("", "0,0", "0,0,1", "0,0,1,2", "0,0,1,1,0.5", "0.2,0.2,0.2,0.9", "nan,0,1,1", "0,0,0.01,0.01"),
        *("0,0,1,1,0.5,0.5", ",".join(["0,0", "1,1"] * MOST)),
    ],
)
def test_nonsense_is_refused_in_one_sentence(text):
    with pytest.raises(ValueError, match="expected the object as a box"):
        Outline.from_text(text)


@settings(max_examples=40, deadline=None)
@given(OUTLINES, st.integers(1, 9), st.integers(1, 9))
def test_the_mask_is_of_the_pixels_whose_middle_the_line_winds_around(outline, width, height):
    corners = np.array(outline.as_kind("polygon"))
    for (row, column), inside in np.ndenumerate(outline.mask((width, height))):
        ahead = corners - ((column + 0.5) / width, (row + 0.5) / height)
        after = np.roll(ahead, -1, 0)
        angles = np.arctan2(ahead[:, 0] * after[:, 1] - ahead[:, 1] * after[:, 0], (ahead * after).sum(1))
        # Straight behind each other: the middle lies on the line, where either is right.
        if (abs(angles) < np.pi - 1e-6).all():
            assert inside == round(angles.sum() / (2 * np.pi)) % 2


def test_a_triangle_is_what_matplotlib_takes_for_one():
    corners = ((0.1, 0.05), (0.93, 0.4), (0.3, 0.97))
    rows, columns = np.mgrid[:50, :80]
    inside = Path(corners).contains_points(np.column_stack([(columns.ravel() + 0.5) / 80, (rows.ravel() + 0.5) / 50]))
    assert np.array_equal(Outline(corners).mask((80, 50)).ravel(), inside)


def test_what_is_drawn_takes_the_place_of_what_was_known_and_is_cut_along():
    bird = find_picture("bird/1", 100)
    boxed = with_outline(bird, BOX)
    assert boxed.mask is None
    assert boxed.box == (20, 30, 70, 90)
    assert boxed.key == f"bird/1~{BOX}"
    lasso = with_outline(bird, "0,0,1,0,0,1")
    assert lasso.box is None
    assert lasso.mask.mean() == pytest.approx(0.5, abs=0.01)
    cut = part(boxed, "0.5,0,1,1")
    assert cut.box == (0, 30, 20, 90)
    assert cut.key == f"bird/1@0.5,0,1,1~{BOX}"
    assert with_outline(bird, "") is bird
    with pytest.raises(PictureGoneError, match="expected the object"):
        with_outline(bird, "0,0,9,9")


def test_no_result_depends_on_what_a_stranger_draws():
    network = load_network("resnet20-cifar10")
    photo = find_picture("photo/cat", 64)
    plain, marked = (prepare(network, with_outline(photo, text)) for text in ("", BOX))
    requests = [
        network_input.request(network, network.layers[0], method, CIDSettings(), 1)
        for network_input in (plain, marked)
        for method in ("cid", "saliency", "lime")
    ]
    assert [request.key for request in requests[:3]] == [request.key for request in requests[3:]]
    assert plain.digest == marked.digest
    assert plain.box != marked.box


def test_a_box_in_numbers_moves_concentration_and_localisation_and_nothing_else():
    at = until(visit(picture="photo/rocket"), done)
    before = metrics(at)
    entropy = next(iter(at.get("plotly_chart"))).proto.spec
    for end, value in {"left": 20.0, "top": 30.0, "right": 70.0, "bottom": 90.0}.items():
        at.number_input(key=f"w_object_{end}").set_value(value)
    next(button for button in at.button if button.label == "Use these numbers").click().run()
    until(at, done)
    assert chosen(at).picture == f"photo/rocket~{BOX}"
    assert at.query_params["picture"] in (f"photo/rocket~{BOX}", [f"photo/rocket~{BOX}"])
    after = metrics(at)
    assert after["Mean CID (nats)"] == before["Mean CID (nats)"]
    assert after["Concentration (nats)"] != before["Concentration (nats)"]
    assert 0 <= float(after["Localisation (of 1)"]) <= 1
    assert next(iter(at.get("plotly_chart"))).proto.spec != entropy
    again = until(visit(picture=f"photo/rocket~{BOX}"), done)
    assert metrics(again)["Concentration (nats)"] == after["Concentration (nats)"]
    assert not again.warning
    at.button(key="object_away").click().run()
    assert metrics(until(at, done))["Concentration (nats)"] == before["Concentration (nats)"]


def test_a_polygon_typed_over_an_upload_without_a_mask_gives_it_a_concentration():
    at = uploaded("mine.png")
    assert metrics(at)["Concentration (nats)"] == metrics(at)["Localisation (of 1)"] == "–"
    at.button_group(key="w_object_kind").set_value("polygon").run()
    at.text_input(key="w_object_corners").set_value("20 20, 80 20, 50 90")
    next(button for button in at.button if button.label == "Use these numbers").click().run()
    until(at, done)
    assert metrics(at)["Concentration (nats)"] != "–"
    assert any("polygon that you have drawn" in metric.help for metric in at.metric)
    assert at.query_params["picture"] in ("upload", ["upload"])
    at.text_input(key="w_object_corners").set_value("20 20, x")
    next(button for button in at.button if button.label == "Use these numbers").click().run()
    assert any("Expected the object as a box" in error.value for error in at.error)


@pytest.mark.parametrize("text", ["", "0,0,9,9", "x", "~", "1" * 4000])
def test_a_bad_outline_in_the_address_is_one_sentence(text):
    at = visit(picture=f"photo/rocket~{text}")
    assert not at.exception
    if text:
        (warning,) = at.warning
        assert "This link asks for the picture `photo/rocket~" in warning.value
        assert "picture" not in at.query_params
    else:
        assert not at.warning


def test_a_part_of_a_picture_keeps_what_is_drawn_on_the_whole():
    at = until(visit(picture=f"photo/rocket~{BOX}"), done)
    at.slider(key="w_crop_across").set_value((10, 90)).run()
    assert chosen(at).picture == f"photo/rocket@0.1,0,0.9,1~{BOX}"
    assert says(until(at, done), "The object is the box that you have drawn: 30% of the picture.")


def test_the_picture_is_opened_to_be_drawn_on():
    at = until(visit(picture="photo/rocket"), done)
    at.button(key="object_draw").click().run()
    assert not at.exception
    assert any("Press at one corner" in word for word in words(at))


def test_only_corners_come_from_the_browser():
    bad = ("x", [[0, 0]], [[0, 0], [1]], [[0, 0], [2, 1]], [[0, 0], [True, 1]], [[0, 0]] * (MOST + 1))
    assert not any(_corners({"kind": "box", "corners": corners}, "box") for corners in bad)
    assert _corners({"kind": "polygon", "corners": [[0, 0], [1, 1]]}, "box") is None
