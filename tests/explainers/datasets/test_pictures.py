"""Every kind of picture that people bring: shown right, or refused in one sentence before it does harm."""

import contextlib
import io
import resource
import struct
import threading
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from app.inputs.pictures import upload
from explainers.datasets import pictures
from explainers.datasets.pictures import GROUNDS, PictureError, open_picture
from tests.support.picture_files import (
    BLUE,
    RED,
    REFUSED,
    SHOWN,
    chunk,
    encoded,
    png,
)


@pytest.mark.parametrize("name", SHOWN)
def test_shown_right(name):
    for picture in (open_picture(SHOWN[name]()), upload(SHOWN[name](), "a.png").image):
        assert picture.mode == "RGB"
        assert picture.width == 2 * picture.height
        for share, colour in ((0.25, RED), (0.75, BLUE)):
            found = picture.getpixel((int(share * picture.width), picture.height // 2))
            # Lossy and four-colour files come close; the two colours are 200 apart.
            assert np.abs(np.subtract(found, colour)).max() <= 20


@pytest.mark.parametrize(("mode", "value"), [("1", 1), ("L", 200), ("LA", (200, 255)), ("I;16", 51400), ("P", 0)])
def test_one_pixel_of_every_mode(mode, value):
    picture = open_picture(encoded(Image.new(mode, (1, 1), value)))
    assert picture.size == (1, 1)
    assert picture.getpixel((0, 0)) in {(200, 200, 200), (255, 255, 255), (0, 0, 0)}
    assert upload(encoded(Image.new(mode, (1, 1), value)), "dot").image.size == (1, 1)


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("alpha", [0, 51, 255])
def test_transparent_pixels_are_mixed_with_the_ground(ground, alpha):
    data = encoded(Image.new("RGBA", (3, 3), (200, 100, 0, alpha)))
    expected = (alpha * np.array((200, 100, 0)) + (255 - alpha) * np.array(GROUNDS[ground])) / 255
    found = open_picture(data, ground=ground).getpixel((1, 1))
    assert np.abs(found - expected).max() <= 1
    assert upload(data, "a.png", ground).image.getpixel((1, 1)) == found


def test_the_ground_under_a_gif_and_a_transparent_colour_of_a_png():
    gif = encoded(Image.new("P", (4, 4), 0), "GIF", transparency=0)
    keyed = png(1, 1, 8, 2, b"\0" + bytes(RED), chunk(b"tRNS", struct.pack(">HHH", *RED)))
    for data in (gif, keyed):
        assert open_picture(data, ground="grey").getpixel((0, 0)) == GROUNDS["grey"]


def test_a_transparent_level_of_a_deep_grey_png_shows_the_ground():
    rows = b"\0" + struct.pack(">HH", 0x1234, 0xFFFF)
    data = png(2, 1, 16, 0, rows, chunk(b"tRNS", struct.pack(">H", 0x1234)))
    picture = open_picture(data, ground="grey")
    assert [picture.getpixel((x, 0)) for x in range(2)] == [GROUNDS["grey"], (255, 255, 255)]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_sentence(name, tmp_path):
    data, expected = REFUSED[name]
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for way in (lambda: open_picture(data), lambda: open_picture(path), lambda: upload(data, "picture.png")):
        with pytest.raises(PictureError, match=expected) as caught:
            way()
        text = str(caught.value)
        assert text.startswith("expected")
        assert "\n" not in text
        assert str(tmp_path) not in text
    # In KiB: twenty thousand pixels squared would take 1.2 GB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250 << 10


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("seed", range(40))
def test_a_file_with_changed_bytes_is_shown_or_refused(seed):
    rng = np.random.default_rng(seed)
    data = bytearray(SHOWN[list(SHOWN)[seed % len(SHOWN)]]())
    for place in rng.integers(0, len(data), 5):
        data[place] = rng.integers(256)
    with contextlib.suppress(PictureError):
        assert open_picture(bytes(data), longest=64).mode == "RGB"


@pytest.mark.parametrize("kind", [np.float32, np.int32, np.uint16])
def test_deep_pictures_take_little_more_memory_than_their_pixels(kind):
    """A few hundred kilobytes unfold to megapixels; bringing them to 8 bits once took forty bytes for each."""
    side = 3000
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((side, side), kind)).save(buffer, "TIFF", compression="tiff_deflate")
    tracemalloc.start()
    try:
        assert open_picture(buffer.getvalue(), longest=256).size == (256, 256)
        assert tracemalloc.get_traced_memory()[1] < 10 * side**2
    finally:
        tracemalloc.stop()


def test_large_pictures_are_decoded_one_after_the_other(monkeypatch):
    decode, inside, most = pictures._decode, 0, 0

    def counting(*given):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        found = decode(*given)
        inside -= 1
        return found

    monkeypatch.setattr(pictures, "_decode", counting)
    buffer = io.BytesIO()
    Image.new("L", (2100, 2000)).save(buffer, "PNG")
    threads = [threading.Thread(target=open_picture, args=(buffer.getvalue(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
