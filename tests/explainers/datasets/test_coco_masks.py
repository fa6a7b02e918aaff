"""Masks of COCO's JSON: every form of a segmentation gives the mask that was put in, whatever else is a sentence."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, strategies
from PIL import Image

from explainers.datasets.coco_masks import read_masks

masks = strategies.integers(0, 2**32 - 1).map(
    lambda seed: (lambda draw: draw.random(draw.integers(1, 40, 2)) < draw.random())(np.random.default_rng(seed))
)


def runs(mask: np.ndarray) -> list[int]:
    """By turns of zeros and ones down the columns, beginning with zeros."""
    counts, last = [0], False
    for value in mask.ravel(order="F"):
        if value != last:
            counts.append(0)
            last = bool(value)
        counts[-1] += 1
    return counts


def letters(counts: list[int]) -> str:
    """As COCO writes them: from the fourth on what is more than two before, five bits a letter, the lowest first."""
    text = ""
    for place, count in enumerate(counts):
        value = count - counts[place - 2] if place > 2 else count
        while True:
            digit, value = value & 31, value >> 5
            last = value == (-1 if digit & 16 else 0)
            text += chr(48 + digit + 32 * (not last))
            if last:
                break
    return text


def coco(*told, size=(20, 30), **more) -> bytes:
    image = {"id": 7, "file_name": "a.png", "height": size[0], "width": size[1]}
    return json.dumps(
        {"images": [image | more], "annotations": [{"image_id": 7, "segmentation": t} for t in told]}
    ).encode()


def read(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(read_masks(data, ["a.png"])["a.png"])).convert("L")) > 0


@given(masks)
def test_runs_in_numbers_and_letters_give_the_mask(mask):
    mask[0, 0] = True
    for counts in (runs(mask), letters(runs(mask))):
        assert np.array_equal(read(coco({"size": list(mask.shape), "counts": counts}, size=mask.shape)), mask)


def test_polygons_cover_what_they_cover_by_half():
    assert not read(coco([[3, 2, 12.4, 2, 12.4, 9.4, 3, 9.4]]))[9:].any()
    assert not read(coco([[3.6, 2.6, 12.4, 2.6, 12.4, 9, 3.6, 9]]))[:, [3, 12]].any()
    box = [3, 2, 12, 2, 12, 9.6, 3, 9.6]
    expected = np.zeros((20, 30), bool)
    expected[2:10, 3:12] = True
    assert np.array_equal(read(coco([box])), expected)
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    ring = np.stack([100 + 80 * np.cos(angles), 90 + 80 * np.sin(angles)], 1).ravel().tolist()
    rows, columns = np.mgrid[:200, :200] + 0.5
    inside = np.hypot(rows - 90, columns - 100) < 80
    found = read(coco([ring], size=(200, 200)))
    assert (found != inside).mean() < 0.005
    both = read(coco([box, [20, 0, 30, 0, 30, 5, 20, 5]]))
    assert both.sum() == expected.sum() + 50


def test_of_several_the_largest_is_kept_and_what_is_none_is_told():
    small, large = [[0, 0, 4, 0, 4, 4, 0, 4]], [[0, 0, 9, 0, 9, 9, 0, 9]]
    found = read_masks(coco(small, large, small, [[1, 2, 3]], None), ["a.png"])
    assert found.notes == (
        "2 of 5 masks are left out: expected polygons or runs that fit the picture in annotation 4, got others",
    )
    assert np.array_equal(read(coco(small, large)), read(coco(large)))


def test_only_masks_of_pictures_that_are_there_are_drawn_and_what_could_be_several_is_said():
    box = [[0, 0, 4, 0, 4, 4, 0, 4]]
    images = [
        {"id": n, "file_name": name, "height": 9, "width": 9} for n, name in enumerate(["1.png", "z.png", "c.png"])
    ]
    told = [{"image_id": n, "segmentation": box if n != 1 else "broken"} for n in range(3)]
    data = json.dumps({"images": images, "annotations": told}).encode()
    found = read_masks(data, ["boxes/1.png", "b/1.png", "c.png"])
    assert set(found) == {"c.png"}
    (note,) = found.notes
    assert note.startswith(
        "2 pictures get no mask, since their names fit several pictures or masks (b/1.png, boxes/1.png)"
    )


WRONG = {
    "not JSON": b"name,x0",
    "bytes": b"\xff\xfe\x00",
    "another layout": b'{"images": 3}',
    "a list": b"[]",
    "only boxes": b'{"images": [], "annotations": [{"image_id": 1, "bbox": [1, 2, 3, 4]}]}',
    "no size": coco([[0, 0, 4, 0, 4, 4]], height=0),
    "a vast size": coco([[0, 0, 4, 0, 4, 4]], height=10**9, width=10**9),
    "a size that is no number": coco([[0, 0, 4, 0, 4, 4]], height="many"),
    "two corners": coco([[0, 0, 4, 4]]),
    "infinite": coco([[0, 0, float("inf"), 0, 4, 4]]),
    "far": coco([[0, 0, 1e30, 0, 4, 4]]),
    "nested": coco([[[0, 0], [4, 0], [4, 4]]]),
    "runs of another picture": coco({"size": [20, 30], "counts": [3, 4]}),
    "negative runs": coco({"size": [20, 30], "counts": [700, -100]}),
    "runs that end": coco({"size": [20, 30], "counts": "o"}),
    "no letters": coco({"size": [20, 30], "counts": "\u00e4"}),
    "endless letters": coco({"size": [20, 30], "counts": "o" * 5000 + "0"}),
    "no counts": coco({"size": [20, 30]}),
    "another size": coco({"size": [30, 20], "counts": [600]}),
    "no name": coco([[0, 0, 4, 0, 4, 4]], file_name=None),
    "another picture's": b'{"images": [], "annotations": [{"image_id": 3, "segmentation": []}]}',
}


@pytest.mark.parametrize("what", WRONG)
def test_whatever_else_is_one_sentence(what):
    with pytest.raises(ValueError, match=r"^expected ") as error:
        read_masks(WRONG[what], ["a.png"])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("data", [coco(), coco({"size": [20, 30], "counts": [600]})])
def test_where_nothing_is_masked_there_is_no_mask(data):
    assert read_masks(data, ["a.png"]) == {}
