"""The part of a picture that is used: its geometry, and the control in the app."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.inputs.crop import SMALLEST, WHOLE, Crop, joined, outlined, part, seen, split
from app.inputs.pictures import PictureGoneError, find_picture
from explainers.networks.preprocessing import Preprocessing
from tests.support.pages import chosen, done, says, until, visit

pytestmark = pytest.mark.usefixtures("fresh_backend")
THOUSANDTHS = st.integers(0, 1000)


@st.composite
def crops(draw) -> Crop:
    x0, y0 = (draw(st.integers(0, 950)) for _ in "xy")
    x1, y1 = (draw(st.integers(low + 50, 1000)) for low in (x0, y0))
    return Crop(x0 / 1000, y0 / 1000, x1 / 1000, y1 / 1000)


@given(crops())
def test_text_and_back(crop):
    assert Crop.from_text(crop.to_text()) == crop
    assert split(joined("photo/cat", crop))[0] == "photo/cat"
    assert joined(joined("photo/cat", WHOLE), crop) == joined("photo/cat@0,0,1,0.5", crop)


@given(st.text(max_size=40))
@pytest.mark.long
def test_any_text_names_a_part_or_is_refused(text):
    # Hardly any such text names a part; one that does says the same again.
    with contextlib.suppress(ValueError):
        crop = Crop.from_text(text)
        assert Crop.from_text(crop.to_text()) == crop


@pytest.mark.parametrize(
    "text", ["0,0,1", "0,0,1,2", "1,0,0,1", "nan,0,1,1", "0,0,0.01,1", "0,0,1e-1,1", "-0,0,1,1", "٠,0,1,1"]
)
def test_nonsense_is_refused(text):
    with pytest.raises(ValueError, match="expected a part of the picture"):
        Crop.from_text(text)
    with pytest.raises(PictureGoneError, match="expected a part of the picture"):
        part(find_picture("bird/1", 64), text)


@given(crops(), st.integers(1, 300), st.integers(1, 300))
def test_pixels_lie_inside_and_hold_at_least_one(crop, width, height):
    x0, y0, x1, y1 = crop.pixels((width, height))
    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height
    assert x1 - x0 >= round(SMALLEST * width) - 1
    assert WHOLE.pixels((width, height)) == (0, 0, width, height)


def test_mask_and_box_are_cut_along():
    bird = find_picture("bird/1", 128)
    cut = part(bird, "0.25,0.25,1,1")
    assert cut.image.size == (96, 96)
    assert np.array_equal(cut.mask, bird.mask[32:, 32:])
    assert np.array_equal(np.asarray(cut.image), np.asarray(bird.image)[32:, 32:])
    x0, y0, x1, y1 = cut.box
    assert (x1, y1) == (bird.box[2] - 32, bird.box[3] - 32)
    assert (x0, y0) == (max(bird.box[0] - 32, 0), max(bird.box[1] - 32, 0))
    assert part(bird, "0,0,0.05,0.05").box is None
    assert part(bird, "") is bird


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (256, 256), (1000, 100), (90, 700)])
@pytest.mark.parametrize("pre", [(256, 224), (64, 64), (40, 32)])
@pytest.mark.parametrize("crop", [WHOLE, Crop(0.2, 0.1, 0.7, 0.9)])
def test_what_is_said_to_be_seen_is_what_the_preprocessing_takes(size, pre, crop):
    """The ramp of columns and rows, through the preprocessing itself: its ends are the ends that are named."""
    preprocessing = Preprocessing(*pre, (0.5,) * 3, (0.25,) * 3)
    x0, y0, x1, y1 = seen(preprocessing, size, crop)
    left, top, *_ = box = crop.pixels(size)
    columns = np.broadcast_to(np.arange(size[0], dtype=np.float32), size[::-1])
    rows = np.broadcast_to(np.arange(size[1], dtype=np.float32)[:, None], size[::-1])
    for ramp, low, high in ((columns, x0, x1), (rows, y0, y1)):
        taken = np.asarray(preprocessing.cut(Image.fromarray(np.ascontiguousarray(ramp)).crop(box)))
        # Pixel centres, half an output pixel inside; rounding moves the window by at most one pixel of the resized.
        step = (high - low) / pre[1]
        assert abs(taken.min() - (low + step / 2 - 0.5)) <= step + 0.5
        assert abs(taken.max() - (high - step / 2 - 0.5)) <= step + 0.5
    assert left <= x0
    assert top <= y0


def test_the_outline_darkens_what_is_cut_away_and_nothing_else():
    white = Image.new("RGB", (200, 100), "white")
    drawn = np.asarray(outlined(white, Crop(0.5), (125, 25, 175, 75), 200))
    assert (drawn[:, :100] < 120).all()
    assert (drawn[0, 100:] == 255).all()
    assert (drawn[27, 127:173] == 0).all()
    assert outlined(white, WHOLE, (0, 0, 100, 100), 50).size == (50, 25)
    assert outlined(Image.new("RGB", (1, 1)), WHOLE, (0, 0, 1, 1), 50).size == (1, 1)


def test_a_part_of_a_photograph_is_another_picture_in_the_address():
    at = until(visit(picture="photo/rocket"), done)
    whole = [metric.value for metric in at.metric]
    assert says(at, "The network sees columns")
    at.slider(key="w_crop_across").set_value((20, 60)).run()
    until(at, lambda at: done(at) and [metric.value for metric in at.metric] != whole)
    assert chosen(at).picture == "photo/rocket@0.2,0,0.6,1"
    assert at.query_params["picture"] == "photo/rocket@0.2,0,0.6,1"
    assert says(at, "Dark: cut away")
    again = until(visit(picture="photo/rocket@0.2,0,0.6,1"), done)
    assert [m.value for m in again.metric][:3] == [m.value for m in at.metric][:3]
    at.button(key="crop_whole").click().run()
    assert until(at, done).query_params["picture"] == "photo/rocket"


def test_a_slider_closed_to_a_point_still_leaves_a_part():
    at = until(visit(picture="photo/rocket"), done)
    at.slider(key="w_crop_down").set_value((100, 100)).run()
    assert chosen(at).picture == "photo/rocket@0,0.95,1,1"
    until(at, done)


@pytest.mark.parametrize("text", ["0,0,9,9", "x", "@", "../../etc/passwd", "nan,nan,nan,nan", "1" * 5000])
def test_a_bad_part_in_the_address_is_one_sentence(text):
    at = visit(picture=f"photo/rocket@{text}")
    assert not at.exception
    (warning,) = at.warning
    assert warning.value.startswith("This link asks for the picture `photo/rocket@")
    assert "picture" not in at.query_params


def test_the_ground_under_an_upload_can_be_chosen():
    buffer = io.BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(buffer, "PNG")
    at = until(visit(), done)
    at.button_group(key="w_source").set_value("upload").run()
    at.file_uploader(key="w_upload").set_value(("clear.png", buffer.getvalue(), "image/png")).run()
    white = chosen(at).picture
    at.button_group(key="w_ground").set_value("black").run()
    assert not at.exception
    assert chosen(at).picture not in {white, ""}
    from app.jobs.backend import the_backend

    assert the_backend().uploaded(chosen(at).picture).image.getpixel((5, 5)) == (0, 0, 0)
    assert the_backend().uploaded(white).image.getpixel((5, 5)) == (255, 255, 255)
