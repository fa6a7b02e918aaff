"""Opening what people bring: one picture, or a folder of them."""

import zlib

import numpy as np
import pytest
from PIL import Image

from explainers.datasets.boxes import read_boxes
from explainers.datasets.folder import ImageFolder
from explainers.datasets.pictures import PictureError, open_picture
from explainers.evaluation.pictures import read_folder
from tests.support.picture_files import encoded, png

RNG = np.random.default_rng(0)
SMOOTH = Image.fromarray(RNG.integers(0, 256, (4, 6, 3), dtype=np.uint8)).resize((60, 40))


def huge_png(width: int, height: int) -> bytes:
    """A valid header that promises more pixels than follow."""
    return png(width, height, 8, 2, zlib.compress(b""))


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
BAD = {
    "empty": (b"", "empty file"),
    "text": (b"hello, I am no picture\n" * 9, "got something else"),
    "svg": (SVG, "got something else"),
    "eps": (EPS, "got something else"),
    "truncated": (encoded(SMOOTH)[:-300], "damaged or incomplete"),
    "truncated jpeg": (encoded(SMOOTH, "JPEG")[:-200], "damaged or incomplete"),
    "cut in the header": (encoded(SMOOTH)[:20], "expected a"),
    "60 megapixels": (huge_png(10_000, 6_000), "at most 50 megapixels, got 60"),
    "a bomb": (huge_png(60_000, 60_000), "at most 50 megapixels"),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_gets_one_sentence_without_a_path(name, tmp_path):
    data, expected = BAD[name]
    path = tmp_path / "secret.png"
    path.write_bytes(data)
    for source in (data, path):
        with pytest.raises(PictureError, match=expected) as caught:
            open_picture(source)
        assert "\n" not in str(caught.value)
        assert "secret" not in str(caught.value)


def test_lossless_formats_come_back_exactly():
    for kind in ("PNG", "BMP", "TIFF"):
        assert np.array_equal(np.asarray(open_picture(encoded(SMOOTH, kind))), np.asarray(SMOOTH))
    assert np.array_equal(np.asarray(open_picture(encoded(SMOOTH, "WEBP", lossless=True))), np.asarray(SMOOTH))


def test_palette_and_first_frame_of_an_animation():
    palette = SMOOTH.quantize(16)
    assert np.array_equal(np.asarray(open_picture(encoded(palette))), np.asarray(palette.convert("RGB")))
    red, blue = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    data = encoded(red, "GIF", save_all=True, append_images=[blue])
    assert open_picture(data).getpixel((3, 3)) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_from_the_full_range(kind):
    levels = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    grey = np.asarray(open_picture(encoded(Image.fromarray(levels), kind)))[..., 0]
    assert np.array_equal(grey, np.rint(levels / 257).astype(np.uint8))


def test_float_pixels_are_stretched_and_survive_nan():
    values = np.linspace(-3, 5, 64, dtype=np.float32).reshape(8, 8)
    values[0, 1] = np.nan
    picture = np.asarray(open_picture(encoded(Image.fromarray(values), "TIFF")))
    assert picture.min() == 0
    assert picture.max() == 255


def test_cmyk_jpeg():
    red = Image.new("RGB", (32, 32), (220, 30, 30)).convert("CMYK")
    r, g, b = open_picture(encoded(red, "JPEG")).getpixel((16, 16))
    assert r > 180
    assert max(g, b) < 80


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_become_white(mode):
    image = Image.new("RGBA", (8, 8), (10, 10, 10, 255))
    image.paste((200, 200, 200, 0), (0, 0, 4, 8))
    if mode == "P":
        data = encoded(image.convert("RGB").quantize(2), transparency=open_index(image))
    else:
        data = encoded(image.convert(mode))
    picture = open_picture(data)
    assert picture.getpixel((1, 1)) == (255, 255, 255)
    assert picture.getpixel((6, 6)) == (10, 10, 10)


def open_index(image: Image.Image) -> int:
    """The palette's entry of the upper left pixel."""
    return image.convert("RGB").quantize(2).getpixel((1, 1))


def test_half_transparent_is_mixed_with_white():
    value = open_picture(encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 128)))).getpixel((0, 0))
    assert value == (127, 127, 127)


def test_exif_rotation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show rotated by 90 degrees clockwise
    picture = open_picture(encoded(SMOOTH, "PNG", exif=exif))
    assert picture.size == (40, 60)
    assert np.array_equal(np.asarray(picture), np.rot90(np.asarray(SMOOTH), k=-1))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_longest_bounds_the_side_and_never_enlarges(kind):
    assert open_picture(encoded(SMOOTH, kind), longest=30).size == (30, 20)
    assert open_picture(encoded(SMOOTH, kind), longest=500).size == (60, 40)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "mine"
    (root / "b").mkdir(parents=True)
    SMOOTH.save(root / "b" / "two.PNG")
    SMOOTH.save(root / "one.jpg")
    (root / "bad.png").write_text("no picture")
    (root / "notes.txt").write_text("not listed")
    (root / "drawing.svg").write_bytes(SVG)
    (root / ".hidden.png").write_bytes(encoded(SMOOTH))
    SMOOTH.save(tmp_path / "outside.png")
    (root / "leads-out.png").symlink_to(tmp_path / "outside.png")
    (root / "stays-in.jpg").symlink_to(root / "one.jpg")
    (root / "dangling.png").symlink_to(root / "gone.png")
    (root / "folder-out").symlink_to(tmp_path, target_is_directory=True)
    return root


def test_folder_lists_its_own_pictures_sorted(folder):
    pictures = ImageFolder(folder)
    assert pictures.names == ("b/two.PNG", "bad.png", "one.jpg", "stays-in.jpg")
    assert len(pictures) == 4
    assert np.array_equal(np.asarray(pictures[0]), np.asarray(SMOOTH))


def test_folder_names_what_it_cannot_read(folder):
    pictures = ImageFolder(folder)
    (problem,) = pictures.problems()
    assert problem.startswith("bad.png: expected a picture")
    with pytest.raises(PictureError, match=r"^bad\.png: "):
        pictures[1]
    (folder / "one.jpg").unlink()
    with pytest.raises(PictureError, match=r"one\.jpg: expected a readable file") as caught:
        pictures[2]
    assert str(folder) not in str(caught.value)


def test_no_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a folder, got 'nowhere'"):
        ImageFolder(tmp_path / "nowhere")
    assert len(ImageFolder(tmp_path)) == 0


PLACES = ("../outside.png", "/etc/passwd", "..\\outside.png", "b/../../outside.png", "file:///etc/passwd")


@pytest.mark.parametrize("name", PLACES)
def test_names_in_files_of_boxes_are_compared_and_never_opened(name, folder, monkeypatch):
    import json

    coco = {
        "images": [{"id": 1, "file_name": name}],
        "annotations": [{"image_id": 1, "bbox": [1, 2, 3, 4]}],
    }
    files = [(picture.name, picture.path.read_bytes()) for picture in ImageFolder(folder).pictures]
    # From here on nothing is opened: the boxes and the pictures are bytes.
    monkeypatch.setattr("builtins.open", None)
    monkeypatch.setattr("io.open", None)
    for data in (json.dumps(coco).encode(), f'name,x0,y0,x1,y1\n"{name}",1,2,4,6\n'.encode()):
        boxes = read_boxes(data)
        assert boxes == {name: (1, 2, 4, 6)}
        with pytest.raises(ValueError, match="expected boxes under the names of the pictures") as caught:
            read_folder(files, boxes, "key")
        assert "etc" not in str(caught.value)
        assert ".." not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"images": [], "annotations": ' + b"9" * 5000 + b"}", "expected"),
        (
            b'{"images": [{"id": 1, "file_name": "a"}], "annotations": [{"image_id": 1, "bbox": [0, 0, 1'
            + b"0" * 400
            + b", 1]}]}",
            "bbox",
        ),
        (b'{"images": [{"id": [], "file_name": "a"}], "annotations": []}', "another layout"),
        (
            b'{"images": [{"id": 1, "file_name": "a"}], "annotations": [{"image_id": [], "bbox": [0, 0, 1, 1]}]}',
            "annotation 1",
        ),
        (b"[" * 100_000, "not JSON"),
        (b"name,x0,y0,x1,y1\na,0,0,1e300,1\n", "expected pixels up to 1,000,000 in row 1"),
        (b"name,x0,y0,x1,y1\na,0,0,inf,1\n", "finite"),
        (b"name,x0,y0,x1,y1\na," + b"0" * 200_000 + b",0,1,1\n", "expected"),
        (b"\x89PNG\r\n\x1a\n\xff", "UTF-8"),
        (b"", "expected"),
    ],
)
def test_hostile_files_of_boxes_are_one_sentence(data, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_boxes(data)
    assert str(caught.value).startswith("expected")
    assert len(str(caught.value)) < 400


def test_a_pipe_and_a_device_are_no_pictures(folder):
    import os

    os.mkfifo(folder / "pipe.png")
    (folder / "zero.png").symlink_to("/dev/zero")
    assert not {"pipe.png", "zero.png"} & set(ImageFolder(folder).names)
