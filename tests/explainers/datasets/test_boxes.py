"""Boxes lie where their subjects are, whatever wrote them and however the picture was held; or they are left out."""

import io
import json
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from explainers.datasets.box_places import matched, placed
from explainers.datasets.boxes import Declared, Shares, read_box_files, read_boxes
from explainers.datasets.pictures import TURNS
from explainers.evaluation.pictures import read_folder

SIZE = (120, 80)
BOX = (30, 10, 90, 50)


def picture(size: tuple[int, int] = SIZE, box: tuple[int, int, int, int] = BOX, orientation: int = 1) -> bytes:
    """White where the box is; `size` and `box` are those of the pixels as they are stored."""
    image = Image.new("RGB", size)
    image.paste((255, 255, 255), box)
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    image.save(buffer, "PNG", exif=exif)
    return buffer.getvalue()


def white(image: Image.Image) -> tuple[int, int, int, int]:
    mask = np.asarray(image.convert("L")) > 127
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def shares(box=BOX, size=SIZE) -> tuple[float, ...]:
    return tuple(end / size[axis % 2] for axis, end in enumerate(box))


def yolo() -> str:
    x0, y0, x1, y1 = shares()
    return f"0 {(x0 + x1) / 2:.6f} {(y0 + y1) / 2:.6f} {x1 - x0:.6f} {y1 - y0:.6f}\n"


def coco(box=BOX, name: str = "a.png", **size: int) -> str:
    bbox = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
    image = {"id": 1, "file_name": name, **size}
    return json.dumps({"images": [image], "annotations": [{"image_id": 1, "bbox": bbox}]})


def table(columns: str, *numbers: float) -> str:
    return f"name,{columns}\na.png,{','.join(map(str, numbers))}\n"


X0, Y0, X1, Y1 = shares()
CENTRES = ((X0 + X1) / 2, (Y0 + Y1) / 2, X1 - X0, Y1 - Y0)
WRITTEN = {
    "pixels": ("b.csv", table("x0,y0,x1,y1", *BOX)),
    "lengths": ("b.csv", table("x,y,width,height", 30, 10, 60, 40)),
    "centres in pixels": ("b.csv", table("cx,cy,w,h", 60, 30, 60, 40)),
    "shares": ("b.csv", table("xmin,ymin,xmax,ymax", *shares())),
    "shares of the centre": ("b.csv", table("x_center,y_center,width,height", *CENTRES)),
    "YOLO": ("a.txt", yolo()),
    "YOLO's predictions": ("a.txt", yolo().strip() + " 0.93\n"),
    "COCO": ("b.json", coco()),
    "COCO with sizes": ("b.json", coco(width=120, height=80)),
    "COCO of a larger copy": ("b.json", coco(tuple(3 * end for end in BOX), width=360, height=240)),
    "COCO in shares": ("b.json", coco(shares())),
}


@pytest.mark.parametrize("way", WRITTEN)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_box_lies_on_its_subject(orientation, way):
    name, text = WRITTEN[way]
    folder, problems = read_folder([("a.png", picture(orientation=orientation))], read_boxes(text.encode(), name), "")
    assert problems == ()
    assert folder.boxes == (white(folder.images[0]),)
    assert any("upright" in note for note in folder.notes) == (orientation != 1)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_box_that_was_drawn_on_the_upright_picture_stays(orientation):
    data = picture(orientation=orientation)
    upright = read_folder([("a.png", data)], {}, "")[0].images[0]
    box = white(upright)
    text = coco(box, width=upright.width, height=upright.height)
    if orientation >= 5:
        assert read_folder([("a.png", data)], read_boxes(text.encode()), "")[0].boxes == (box,)
    # Without a declared size a box that the stored pixels cannot hold is one of the upright picture.
    assert placed((0, 90, 20, 115), SIZE, 6) == (0, 90, 20, 115)


RECTANGLES = st.tuples(*[st.integers(0, 39)] * 2, *[st.integers(1, 20)] * 2)


@given(RECTANGLES, st.sampled_from(sorted(TURNS)), st.integers(40, 60), st.integers(40, 70))
def test_turning_a_box_is_turning_its_pixels(rectangle, orientation, width, height):
    x, y, w, h = rectangle
    box = x, y, min(x + w, width), min(y + h, height)
    image = Image.new("L", (width, height))
    image.paste(255, box)
    if TURNS[orientation] is not None:
        image = image.transpose(TURNS[orientation])
    assert placed(box, (width, height), orientation) == white(image)
    exact = Shares(*(end / (width, height)[axis % 2] for axis, end in enumerate(box)))
    assert placed(exact, (width, height), orientation) == white(image)


def test_boxes_are_cut_to_their_pictures_and_left_out_beside_them():
    assert placed((-5, 10, 20, 900), SIZE) == (0, 10, 20, 80)
    assert placed((300, 10, 320, 20), SIZE) is None
    files = [("a.png", picture()), ("b.png", picture())]
    folder, _ = read_folder(files, {"a.png": (300, 10, 320, 20), "b.png": BOX}, "")
    assert folder.boxes == (None, BOX)
    assert any("outside" in note and "a.png" in note for note in folder.notes)


def test_a_box_of_a_picture_of_another_shape_is_left_out_by_name():
    boxes = read_boxes(coco(width=640, height=640).encode())
    assert boxes.sizes == {"a.png": Declared(640, 640)}
    folder, _ = read_folder([("a.png", picture())], boxes, "")
    assert folder.boxes == (None,)
    assert folder.notes == (
        "a.png: expected a picture of the shape 640×640 as its boxes say, got 120×80; take the boxes of this picture",
    )


def test_large_pictures_are_made_smaller_with_their_boxes():
    folder, _ = read_folder(
        [("a.png", picture((1200, 800), (300, 100, 900, 500), 6))], {"a.png": (300, 100, 900, 500)}, ""
    )
    assert max(folder.images[0].size) == 512
    assert np.abs(np.subtract(folder.boxes[0], white(folder.images[0]))).max() <= 1


# x, y in shares may be a corner or the centre: only where one of both is impossible is the other taken.
@pytest.mark.parametrize(
    ("numbers", "expected"),
    [((0.1, 0.1, 0.8, 0.8), Shares(0.1, 0.1, 0.9, 0.9)), ((0.75, 0.75, 0.5, 0.5), Shares(0.5, 0.5, 1, 1))],
)
def test_lengths_in_shares_are_read_as_the_picture_allows(numbers, expected):
    assert read_boxes(table("x,y,width,height", *numbers).encode()) == {"a.png": expected}


def test_lengths_in_shares_that_could_be_either_are_refused():
    with pytest.raises(ValueError, match="corner or their centre"):
        read_boxes(table("x,y,width,height", 0.5, 0.5, 0.2, 0.2).encode())


def test_rows_that_are_no_boxes_are_left_out_and_counted():
    content = json.loads(coco())
    content["annotations"] += [{"image_id": 1, "bbox": [5, 5, 0, 9]}, {"image_id": 9, "bbox": [1, 1, 2, 2]}, {}]
    boxes = read_boxes(json.dumps(content).encode())
    assert boxes == {"a.png": BOX}
    assert boxes.problems == ("3 of 4 boxes are left out: expected a box with an area in annotation 2, got 5, 5, 0, 9",)
    folder, _ = read_folder([("a.png", picture())], boxes, "")
    assert folder.notes == boxes.problems
    mixed = read_boxes(b"name,x0,y0,x1,y1\na,1,2,30,40\nb,0.1,0.2,0.3,0.4\nc,1,2,three,4\n")
    assert mixed == {"a": (1, 2, 30, 40)}
    assert "2 of 3 boxes are left out: expected pixels as in the other rows in row 2" in mixed.problems[0]


def test_files_of_yolo_belong_to_the_picture_of_their_name():
    boxes = read_box_files([("labels/a.txt", yolo().encode()), ("labels/b.txt", yolo().encode())])
    assert set(boxes) == {"labels/a", "labels/b"}
    folder, _ = read_folder([("b.png", picture()), ("a.PNG", picture())], boxes, "")
    assert folder.boxes == (BOX, BOX)
    among = read_box_files([("labels/a.txt", yolo().encode()), ("labels/b.txt", b"\n"), ("classes.txt", b"cat\n")])
    assert set(among) == {"labels/a"}
    (problem,) = among.problems
    assert problem.startswith("classes.txt: expected")
    with pytest.raises(ValueError, match=r"^classes\.txt: expected"):
        read_box_files([("notes.txt", b""), ("classes.txt", b"cat\n")])


MATCHES = {
    "one base name in two folders": (["a/1.png", "b/1.png"], ["a/1.png"], ["a/1.png", None]),
    "both given": (["a/1.png", "b/1.png"], ["b/1.png", "a/1.png"], ["a/1.png", "b/1.png"]),
    "without folders for two": (["a/1.png", "b/1.png"], ["1.png"], [None, None]),
    "two uploads of one name": (["1.png", "1.png"], ["1.png"], [None, None]),
    "two uploads, two folders": (["1.png", "1.png"], ["a/1.png", "b/1.png"], [None, None]),
    "without folders for one": (["a/1.png", "a/2.png"], ["1.png"], ["1.png", None]),
    "longer in the file": (["1.png", "2.png"], ["train/1.png", "C:\\x\\2.png"], ["train/1.png", "C:\\x\\2.png"]),
    "two in the file": (["1.png"], ["train/1.png", "test/1.png"], [None]),
    "another folder": (["a/1.png"], ["b/1.png"], [None]),
    "part of a name": (["11.png"], ["1.png"], [None]),
    "without an ending": (["a/1.png", "2.jpeg"], ["1", "2"], ["1", "2"]),
    "an ending that fits two": (["1.png", "1.jpg"], ["1"], [None, None]),
    "from here": (["1.png"], ["./1.png"], ["./1.png"]),
    "in capitals": (["IMG.JPG", "a/Two.png"], ["img.jpg", "A/two"], ["img.jpg", "A/two"]),
    "capitals that tell apart": (["A.png", "a.png"], ["a.png", "A.png"], ["A.png", "a.png"]),
    "capitals that fit two": (["A.png", "a.png"], ["A.PNG"], [None, None]),
}


@pytest.mark.parametrize("way", MATCHES)
def test_a_box_goes_to_its_own_picture_or_to_none(way):
    pictures, boxes, expected = MATCHES[way]
    found, notes = matched(pictures, boxes)
    assert found == tuple(expected)
    ambiguous = [None] * len(expected) == expected and way not in ("another folder", "part of a name")
    assert len(notes) == ambiguous


@pytest.mark.parametrize("name", ["Größe é.png", "naïve/å.png", "ガ.png", "각.png"])
def test_composed_and_decomposed_names_are_the_same(name):
    here, there = unicodedata.normalize("NFD", name), unicodedata.normalize("NFC", name)
    assert here != there
    for pictures, boxes in (([here], [there]), ([there], [here])):
        assert matched(pictures, boxes) == ((boxes[0],), ())


def test_pictures_that_got_no_box_are_named():
    folder, _ = read_folder([("a/1.png", picture()), ("b/1.png", picture())], {"a/1.png": BOX}, "")
    assert folder.boxes == (BOX, None)
    assert folder.notes == ("1 of 2 pictures have no box (1.png)",)


@pytest.mark.parametrize(
    "data",
    [
        b"name,x0,y0,x1,y1\n" + b"a.png,1,1,5,5\n" * 1_000_000,
        b'{"images": [], "annotations": [' + b'{"bbox": []},' * 1_000_000,
        b"name," + b"x," * 10_000_000,
    ],
    ids=["rows", "annotations", "columns"],
)
def test_more_boxes_than_are_wanted_are_refused_before_they_are_read(data, monkeypatch):
    monkeypatch.setattr("explainers.datasets.boxes.read_boxes", None)
    with pytest.raises(ValueError, match="expected at most 50,000 boxes, got more"):
        read_box_files([("boxes", data)], 50_000)


@pytest.mark.parametrize("over", [1.0000002, 1.01, 1.02, 1.4])
@pytest.mark.parametrize("way", ["YOLO", "COCO", "CSV", "CSV of centres"])
def test_shares_that_reach_beyond_the_picture_are_cut_to_it_and_never_taken_for_pixels(way, over):
    beyond = {
        "YOLO": (f"0 0.5 0.5 {over} 0.5\n", "a.txt"),
        "COCO": (coco((0.5 - over / 2, 0.25, 0.5 + over / 2, 0.75)), "b.json"),
        "CSV": (table("x0,y0,x1,y1", 0, 0.25, over, 0.75), "b.csv"),
        "CSV of centres": (table("cx,cy,w,h", 0.5, 0.5, over, 0.5), "b.csv"),
    }
    text, name = beyond[way]
    (box,) = read_boxes(text.encode(), name).values()
    assert isinstance(box, Shares)
    assert box == pytest.approx((0, 0.25, 1, 0.75), abs=1e-6)


def test_a_line_of_yolo_that_is_in_pixels_spoils_no_other():
    mixed = read_boxes(b"0 50 50 20 20\n0 0.5 0.5 0.2 0.2\n0 1.9 0.5 0.2 0.2\n", "a.txt")
    assert mixed == {"a": Shares(0.4, 0.4, 0.6, 0.6)}
    assert "2 of 3 boxes are left out: expected shares of the picture's sides, 0 to 1, in line 1" in mixed.problems[0]
    with pytest.raises(ValueError, match="expected shares"):
        read_boxes(b"0 50 50 20 20\n", "a.txt")
    # Whole numbers of a table are pixels, however small.
    assert read_boxes(table("x0,y0,x1,y1", 0, 0, 2, 2).encode(), "b.csv") == {"a.png": (0, 0, 2, 2)}
