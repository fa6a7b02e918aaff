"""Colours and depths: what a picture's file says about its values is what a network sees."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from app.inputs.pictures import upload
from explainers.datasets.pictures import PictureError, open_picture, read_picture
from tests.support import icc
from tests.support.picture_files import chunk, encoded, png

RNG = np.random.default_rng(0)
COLOURS = [(200, 40, 30), (10, 180, 90), (30, 60, 220), (128, 128, 128), (250, 240, 20), (0, 0, 0), (255, 255, 255)]
SPACES = {"Display P3": (icc.DISPLAY_P3, 2.2), "ProPhoto": (icc.PROPHOTO, 1.8), "sRGB's primaries": (icc.SRGB, 1.0)}


def shown(data: bytes) -> np.ndarray:
    return np.asarray(open_picture(data)).astype(int)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("space", SPACES)
def test_colours_are_those_of_the_profile(space, kind):
    primaries, gamma = SPACES[space]
    image = Image.fromarray(np.array([COLOURS], np.uint8))
    options = {"lossless": True} if kind == "WEBP" else {}
    found = shown(encoded(image, kind, icc_profile=icc.matrix_profile(primaries, gamma), **options))
    expected = np.array([icc.rgb_in_srgb(colour, primaries, gamma) for colour in COLOURS])
    # LittleCMS works on 8 bits with tables: a step or two beside the formula, five in the steep dark of a linear one.
    assert np.abs(found[0] - expected).max() <= 5
    assert np.abs(found[0] - expected).mean() <= 1


@pytest.mark.parametrize("mode", ["P", "RGBA", "LA", "L", "1"])
def test_every_kind_of_pixel_goes_through_its_profile(mode):
    grey = Image.new("L", (8, 8), 128 if mode != "1" else 255)
    profile = icc.matrix_profile(icc.PROPHOTO, 1.8) if mode in ("P", "RGBA") else icc.grey_profile(1.0)
    expected = icc.rgb_in_srgb((128,) * 3, icc.PROPHOTO, 1.8) if mode in ("P", "RGBA") else icc.grey_in_srgb(128, 1.0)
    expected = np.array([255] * 3) if mode == "1" else expected
    image = grey.convert("RGB").quantize(2) if mode == "P" else grey.convert(mode)
    opened = read_picture(encoded(image, icc_profile=profile))
    assert opened.notes == ()
    assert np.abs(np.asarray(opened.image)[4, 4] - expected).max() <= 2


def test_transparency_survives_the_profile():
    image = Image.new("RGBA", (4, 4), (128, 128, 128, 0))
    image.paste((128, 128, 128, 255), (0, 0, 2, 4))
    found = shown(encoded(image, icc_profile=icc.matrix_profile(icc.PROPHOTO, 1.8)))
    assert tuple(found[0, 3]) == (255, 255, 255)
    assert np.abs(found[0, 0] - icc.rgb_in_srgb((128,) * 3, icc.PROPHOTO, 1.8)).max() <= 2


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks_are_those_of_the_press(kind):
    for corner, lab in icc.PRESS.items():
        image = Image.new("CMYK", (16, 16), tuple(255 * ink for ink in corner))
        options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
        found = shown(encoded(image, kind, icc_profile=icc.press_profile(), **options))[8, 8]
        # The profile itself holds 8 bits: a step of L is 0.4 and of a and b 1, some 3 of 255 in a dark channel.
        assert np.abs(found - icc.lab_in_srgb(lab)).max() <= 6


def test_a_picture_that_is_turned_keeps_its_colours():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.fromarray(np.array([COLOURS], np.uint8))
    data = encoded(image, icc_profile=icc.matrix_profile(icc.PROPHOTO, 1.8), exif=exif)
    straight = shown(encoded(image, icc_profile=icc.matrix_profile(icc.PROPHOTO, 1.8)))
    assert np.array_equal(shown(data), np.rot90(straight, -1))


@pytest.mark.parametrize("gamma", [0.45455, 1.0, 0.55, None])
def test_the_gamma_of_a_png_counts_where_nothing_says_more(gamma):
    row, colours = b"\0" + bytes((10, 90, 200)), icc.SRGB
    said = [] if gamma is None else [chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000)))]
    found = shown(png(1, 1, 8, 2, row, *said))[0, 0]
    plain = gamma in (None, 0.45455)
    expected = np.array((10, 90, 200)) if plain else icc.rgb_in_srgb((10, 90, 200), colours, 1 / gamma)
    # The formula's three primaries are rounded to five digits.
    assert np.abs(found - expected).max() <= (0 if plain else 1)
    assert shown(png(1, 1, 8, 2, row, chunk(b"sRGB", b"\0"), *said))[0, 0].tolist() == [10, 90, 200]


BROKEN = {
    "no profile": b"no profile at all",
    "cut": icc.matrix_profile(icc.PROPHOTO, 1.8)[:200],
    "of other pixels": icc.press_profile(),
    "empty": bytes(128),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_profile_is_one_notice_and_the_pixels_are_kept(name):
    image = Image.fromarray(np.array([COLOURS], np.uint8))
    opened = read_picture(encoded(image, icc_profile=BROKEN[name]))
    assert np.array_equal(np.asarray(opened.image), np.asarray(image))
    (note,) = opened.notes
    assert "profile" in note
    assert upload(encoded(image, icc_profile=BROKEN[name]), "a.png").notes == opened.notes


def test_a_profile_that_does_not_unfold_is_one_notice():
    row = b"\0" + bytes([10, 20, 30])
    opened = read_picture(png(1, 1, 8, 2, row, chunk(b"iCCP", b"x\0\0no zlib")))
    assert opened.image.getpixel((0, 0)) == (10, 20, 30)
    assert len(opened.notes) == 1


@pytest.mark.parametrize("seed", range(20))
def test_a_profile_with_changed_bytes_is_used_or_noticed(seed):
    rng = np.random.default_rng(seed)
    profile = bytearray([icc.press_profile(), icc.matrix_profile(icc.DISPLAY_P3, 2.2)][seed % 2])
    for place in rng.integers(0, 400, 5):
        profile[place] = rng.integers(256)
    image = Image.new("CMYK" if seed % 2 == 0 else "RGB", (8, 8), 90)
    opened = read_picture(encoded(image, "TIFF", icc_profile=bytes(profile)))
    assert opened.image.size == (8, 8)
    assert len(opened.notes) <= 1


# Grey and colours, in every file that may hold 16 bits.


def deep_png(levels: np.ndarray, *chunks: bytes) -> bytes:
    height, width = levels.shape[:2]
    channels = 1 if levels.ndim == 2 else levels.shape[2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    return png(width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], rows, *chunks)


def deep_tiff(levels: np.ndarray, *tags: tuple) -> bytes:
    buffer = io.BytesIO()
    options = {"photometric": "rgb"} if levels.ndim == 3 else {"photometric": "minisblack"}
    tifffile.imwrite(buffer, levels.astype(np.uint16), extratags=tags, **options)
    return buffer.getvalue()


FILES = {"png": deep_png, "tiff": deep_tiff}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_values_of_fewer_bits_are_scaled_by_the_content_and_that_is_said(bits, channels, kind):
    shape = (6, 5) if channels == 1 else (6, 5, channels)
    levels = RNG.integers(0, 2**bits, shape)
    levels.flat[0] = 2**bits - 1
    opened = read_picture(FILES[kind](levels))
    expected = np.rint(levels * 255 / (2**bits - 1)).reshape(6, 5, channels) + np.zeros((6, 5, 3))
    # Deep colours that use all bits come from their upper byte: v // 256 instead of v / 257.
    assert np.abs(np.asarray(opened.image) - expected).max() <= (1 if channels == 3 and bits == 16 else 0)
    assert len(opened.notes) == (bits < 16)
    assert all(f"{bits} bits" in note for note in opened.notes)


@pytest.mark.parametrize("channels", [2, 4])
def test_faint_colours_beside_transparency_are_scaled_alone(channels):
    levels = np.full((2, 2, channels), 3000)
    levels[..., -1] = 65535
    levels[0, 0, -1] = 0
    opened = read_picture(deep_png(levels))
    assert opened.image.getpixel((0, 0)) == (255, 255, 255)
    assert opened.image.getpixel((1, 1)) == (round(3000 * 255 / 4095),) * 3


def test_what_the_file_declares_comes_first():
    levels = np.array([[0, 500, 1000]])
    for data in (
        deep_png(levels, chunk(b"sBIT", bytes([12]))),
        deep_tiff(levels, (281, "H", 1, 4095, True)),
        deep_tiff(levels, (341, "H", 1, 4095, True)),
    ):
        opened = read_picture(data)
        assert np.asarray(opened.image)[0, :, 0].tolist() == [0, 31, 62]
        assert opened.notes == ()
    # PNG's own rule: values of 12 bits are stored over the whole range, and sBIT says where they come from.
    full = read_picture(deep_png(np.array([[0, 32768, 65535]]), chunk(b"sBIT", bytes([12]))))
    assert np.asarray(full.image)[0, :, 0].tolist() == [0, 128, 255]


def test_black_stays_black_without_a_word():
    for levels in (np.zeros((3, 3)), np.zeros((3, 3, 3))):
        opened = read_picture(deep_png(levels))
        assert np.asarray(opened.image).max() == 0
        assert opened.notes == ()


def test_faint_colours_that_cannot_be_read_are_refused(monkeypatch):
    monkeypatch.setattr("explainers.datasets.deep_values._png", lambda data: np.zeros((1, 1)))
    with pytest.raises(PictureError, match="save it with 8 bits a channel"):
        open_picture(deep_png(np.full((2, 2, 3), 900)))


def test_values_without_a_scale_are_stretched_and_that_is_said():
    values = np.linspace(-3, 5, 64, dtype=np.float32).reshape(8, 8)
    opened = read_picture(encoded(Image.fromarray(values), "TIFF"))
    assert opened.notes == ("its values have no scale of their own: -3 is shown black, 5 white",)


def test_twelve_bits_packed_in_a_tiff():
    """Two values in three bytes, as some cameras write them; the tag BitsPerSample says so."""
    first, second = 0x800, 0xFFF
    packed = bytes([first >> 4, (first & 15) << 4 | second >> 8, second & 255])
    tags = {256: 2, 257: 1, 258: 12, 259: 1, 262: 1, 273: 8 + 2 + 9 * 12 + 4, 277: 1, 278: 1, 279: len(packed)}
    body = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    data = b"II*\0" + struct.pack("<I", 8) + body + bytes(4) + packed
    opened = read_picture(data)
    assert np.asarray(opened.image)[0, :, 0].tolist() == [128, 255]
    assert opened.notes == ()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_where_the_least_value_is_white_the_picture_is_no_negative(kind: str, order: str) -> None:
    values = np.linspace(0, 250, 30).reshape(5, 6).astype(kind)
    if kind == "u2" and order == ">":
        with pytest.raises(PictureError, match="TIFF of a usual kind"):
            read_picture(grey_tiff(values, "miniswhite", order))
        return
    shown, turned = (
        np.asarray(read_picture(grey_tiff(values, photometric, order)).image).astype(int)
        for photometric in ("minisblack", "miniswhite")
    )
    assert (shown + turned == 255).all()
    assert shown[0, 0, 0] == 0


@pytest.mark.parametrize("kind", ["i2", "u4", "i4", "f8"])
def test_a_tiff_of_another_kind_is_refused_as_one(kind: str) -> None:
    with pytest.raises(PictureError, match="TIFF of a usual kind"):
        read_picture(grey_tiff(np.zeros((5, 6), kind), "miniswhite", "<"))


def grey_tiff(values: np.ndarray, photometric: str, order: str) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, photometric=photometric, byteorder=order)
    return buffer.getvalue()
