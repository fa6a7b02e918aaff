"""Every kind of picture that people bring: shown right, or refused in one sentence before it does harm."""

import contextlib
import io
import resource
import struct
import threading
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from app.inputs.pictures import title_of, upload
from explainers.datasets import pictures
from explainers.datasets.pictures import GROUNDS, PictureError, open_picture

RED, BLUE = (220, 30, 30), (20, 40, 200)
# Red to the left and blue to the right, wide enough for JPEG's blocks.
HALVES = Image.fromarray(np.repeat(np.array([[RED, BLUE]], np.uint8), 16, 0).repeat(16, 1))


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *more: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def deep_rgb() -> bytes:
    """A PNG of 16 bits per channel, which Pillow reads but does not write."""
    row = b"\0" + b"".join(struct.pack(">HHH", *(257 * value for value in colour)) for colour in (RED, BLUE))
    return png(2, 1, 16, 2, row)


def animated(kind: str) -> bytes:
    frames = [HALVES, HALVES.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


def turned(orientation: int, kind: str = "JPEG") -> bytes:
    """HALVES as a camera stores it that was held as EXIF's `orientation` says."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(HALVES.transpose(undo[orientation]), kind, exif=exif)


SHOWN = {
    "png": lambda: encoded(HALVES),
    "jpeg": lambda: encoded(HALVES, "JPEG", quality=95),
    "progressive jpeg": lambda: encoded(HALVES, "JPEG", quality=95, progressive=True),
    "cmyk jpeg": lambda: encoded(HALVES.convert("CMYK"), "JPEG", quality=95),
    "webp": lambda: encoded(HALVES, "WEBP", lossless=True),
    "bmp": lambda: encoded(HALVES, "BMP"),
    "tiff": lambda: encoded(HALVES, "TIFF"),
    "compressed tiff": lambda: encoded(HALVES, "TIFF", compression="tiff_lzw"),
    "cmyk tiff": lambda: encoded(HALVES.convert("CMYK"), "TIFF"),
    "tiff of several pages": lambda: animated("TIFF"),
    "palette": lambda: encoded(HALVES.quantize(2)),
    "palette gif": lambda: encoded(HALVES, "GIF"),
    "animated gif": lambda: animated("GIF"),
    "animated png": lambda: animated("PNG"),
    "animated webp": lambda: animated("WEBP"),
    "16 bits a channel": deep_rgb,
    "opaque alpha": lambda: encoded(HALVES.convert("RGBA")),
} | {f"exif {orientation}": lambda o=orientation: turned(o) for orientation in range(2, 9)}


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


def test_the_key_of_an_upload_depends_on_bytes_and_ground():
    data = encoded(Image.new("RGBA", (3, 3), (0, 0, 0, 0)))
    keys = [upload(data, name, ground).key for name in ("a", "b") for ground in GROUNDS]
    assert len(set(keys)) == len(GROUNDS)


def test_names_become_plain_text():
    for name in ("../../passwd", "![x](http://example.org/x.png)", "<img src=x>", "a`b$c$", "x" * 5000, "\n\r", "…/"):
        title = title_of(name)
        assert title
        assert len(title) <= 60
        assert not set(title) & set("/\\<>[]()!`$*\n")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'


def zip_bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("picture.png", bytes(1 << 24))
    return buffer.getvalue()


def ihdr(width: int, height: int) -> bytes:
    return png(width, height, 8, 2, b"")


def big_bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def big_gif(width: int, height: int) -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", width, height, 0, 0, 0)
        + b","
        + struct.pack("<HHHHB", 0, 0, 1, 1, 0)
        + b"\x02\0;"
    )


def text_bomb() -> bytes:
    return png(1, 1, 8, 2, b"\0\0\0\0", *[chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 25)))] * 4)


REFUSED = {
    "empty": (b"", "empty file"),
    "text": (b"no picture\n" * 20, "got something else"),
    "svg": (SVG, "got something else"),
    "svg with a declaration": (
        b'<?xml version="1.0"?><!DOCTYPE svg SYSTEM "file:///etc/passwd">' + SVG,
        "something else",
    ),
    "html": (b"<html><script>alert(1)</script></html>", "got something else"),
    "pdf": (b"%PDF-1.7\n1 0 obj\n", "got something else"),
    "zip bomb": (zip_bomb(), "got something else"),
    "20,000 × 20,000": (ihdr(20_000, 20_000), "at most 50 megapixels"),
    "20,000 × 20,000 all there": (png(20_000, 20_000, 1, 0, bytes(20_000 * 2_501)), "at most 50 megapixels"),
    "10,000 × 6,000": (ihdr(10_000, 6_000), "at most 50 megapixels, got 60"),
    "2³¹ × 1": (ihdr(2**31 - 1, 1), "at most 50 megapixels"),
    "BMP of 20,000 × 20,000": (big_bmp(20_000, 20_000), "at most 50 megapixels"),
    "GIF of 65,000 × 65,000": (big_gif(65_000, 65_000), "at most 50 megapixels"),
    "header alone": (ihdr(6000, 6000), "damaged or incomplete"),
    "no side": (ihdr(0, 5), "expected a"),
    "cut png": (encoded(HALVES)[:-40], "damaged or incomplete"),
    "cut jpeg": (encoded(HALVES, "JPEG")[:-60], "damaged or incomplete"),
    "cut gif": (encoded(HALVES, "GIF")[:-60], "damaged or incomplete|expected a"),
    "cut webp": (encoded(HALVES, "WEBP")[:-20], "expected a"),
    "cut tiff": (encoded(HALVES, "TIFF")[:-300], "damaged or incomplete|expected a"),
    "texts that unfold": (text_bomb(), "damaged or incomplete"),
}


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
