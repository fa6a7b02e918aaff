"""Descriptive accuracy and localisation, against Quantus and by hand; boxes from files."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap
from torch import nn

from explainers.evaluation.measures import (
    bootstrap_interval,
    box_share,
    descriptive_accuracy,
    localisation,
    read_boxes,
)

SIZE = 8


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 6, channels: int = 3) -> torch.Tensor:
    return torch.randn(count, channels, SIZE, SIZE, generator=noise())


def distinct_maps(count: int = 6) -> torch.Tensor:
    """Every pixel of another importance, all of them positive, as Quantus wants them."""
    orders = [torch.randperm(SIZE * SIZE, generator=noise(i)) for i in range(count)]
    return (torch.stack(orders).float() + 1).view(count, 1, SIZE, SIZE)


class Sign(nn.Module):
    """Class 0 where a fixed sum over the picture is positive, else class 1."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, SIZE, SIZE, generator=noise(9)))

    def forward(self, x):
        score = (x * self.weight).sum(dim=(1, 2, 3))
        return torch.stack([score, -score], dim=1)


def test_pixels_leave_in_the_order_of_quantus_pixel_flipping(quantus):
    """Flipping the highest of 65 − map first removes the least important first, one of three channels a step."""
    images, maps, net = pictures(), distinct_maps(), Sign().eval()
    means = images.mean(dim=(2, 3), keepdim=True).expand_as(images).flatten(1).numpy()

    def to_mean(arr, indices, **_):
        rows = np.arange(len(arr))[:, None]
        arr[rows, indices] = means[rows, indices]
        return arr

    options = {"abs": False, "normalise": False, "disable_warnings": True, "perturb_func": to_mean}
    flipping = quantus.PixelFlipping(features_in_step=1, **options)
    labels = net(images).argmax(1)
    attributions = (SIZE**2 + 1 - maps).expand_as(images).numpy()
    scores = flipping(net, images.numpy(), labels.numpy(), attributions, softmax=False, channel_first=True)
    # A positive score of the label is a right decision; one within the rounding of its 192 terms may fall either way.
    found = np.array(scores)[:, 2::3]
    right, decided = found > 0, np.abs(found) > 1e-4
    fractions = [step / SIZE**2 for step in range(1, SIZE**2 + 1)]
    ours = descriptive_accuracy(net, images, labels, maps, fractions)
    assert right.shape == (6, 64)
    assert 0 < right.mean() < 1
    assert decided.mean() > 0.95
    assert np.array_equal(ours.correct.numpy()[decided], right[decided])
    assert ours.accuracy == pytest.approx(ours.correct.double().mean(0).tolist())


def test_localisation_is_quantus_relevance_rank_accuracy(quantus):
    maps = distinct_maps()
    boxes = [(0, 0, 3, 4), (2, 1, 8, 8), (5, 5, 6, 6), (0, 0, 8, 8), (1, 0, 2, 8), (3, 3, 7, 5)]
    masks = np.zeros((6, 1, SIZE, SIZE), dtype=bool)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes, strict=True):
        mask[0, y0:y1, x0:x1] = True
    rank = quantus.RelevanceRankAccuracy(abs=False, normalise=False, disable_warnings=True)
    images = pictures().numpy()
    scores = rank(Sign().eval(), images, np.zeros(6, dtype=int), maps.numpy(), s_batch=masks, channel_first=True)
    assert [localisation(m, box) for m, box in zip(maps, boxes, strict=True)] == pytest.approx(scores)


def removed(replacement: str = "mean", maps: torch.Tensor | None = None, **options) -> list[torch.Tensor]:
    """What the classifier is shown, one tensor per fraction."""
    shown, images = [], pictures()

    def classify(x):
        shown.append(x.clone())
        return x.flatten(1)

    maps = distinct_maps() if maps is None else maps
    labels = torch.zeros(len(images), dtype=torch.long)
    descriptive_accuracy(classify, images, labels, maps, (0, 0.25, 1), replacement, **options)
    return shown


@pytest.mark.parametrize("replacement", ["mean", "blur", "noise"])
def test_only_the_least_important_pixels_change_and_in_all_channels(replacement):
    whole, quarter, nothing = removed(replacement)
    least = (distinct_maps() <= SIZE * SIZE / 4).expand_as(whole)
    assert torch.equal(whole, pictures())
    assert torch.equal(quarter != whole, least)
    assert torch.equal(quarter[least], nothing[least])
    assert not (nothing == whole).any()


def test_the_replacements_are_what_they_say():
    images = pictures()
    mean = images.mean(dim=(2, 3))
    grey, blurred, noisy = (removed(name)[2] for name in ("mean", "blur", "noise"))
    assert torch.allclose(grey, mean[:, :, None, None].expand_as(images))
    assert (blurred.std(dim=(2, 3)) < 0.6 * images.std(dim=(2, 3))).all()
    flat = torch.full_like(images, 3.0)
    assert torch.allclose(descriptive_views(flat, "blur"), flat)
    assert torch.allclose(descriptive_views(flat, "noise"), flat)
    assert torch.equal(noisy, removed("noise")[2])
    assert not torch.equal(noisy, removed("noise", seed=1)[2])
    # 64 draws: the mean within 4/8, the standard deviation within 50 %.
    assert ((noisy.mean(dim=(2, 3)) - mean).abs() < 0.5 * images.std(dim=(2, 3))).all()
    assert (noisy.std(dim=(2, 3)) / images.std(dim=(2, 3))).log().abs().max() < 0.5


def descriptive_views(images: torch.Tensor, replacement: str) -> torch.Tensor:
    shown = []
    labels = torch.zeros(len(images), dtype=torch.long)
    classify = lambda x: shown.append(x) or x.flatten(1)  # noqa: E731
    descriptive_accuracy(classify, images, labels, distinct_maps(len(images)), (1.0,), replacement)
    return shown[0]


def test_infinite_importance_goes_to_the_ends_and_ties_are_drawn_once():
    maps = torch.zeros(6, 1, SIZE, SIZE)
    maps[:, :, 0] = -torch.inf
    maps[:, :, 1:7] = torch.inf
    _, quarter, _ = removed(maps=maps)
    gone = (quarter != pictures()).any(1)
    assert gone[:, [0, 7]].all()
    assert not gone[:, 1:7].any()
    ties = torch.zeros(6, SIZE, SIZE)
    first, again, other = (removed(maps=ties, seed=seed)[1] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    places = (first != pictures()).any(1)[0].nonzero()[:, 0]
    assert len(places.unique()) > 4, "equal values leave all over the picture, not row by row"


def test_a_better_map_keeps_the_accuracy_longer():
    """A classifier that reads a single pixel: the map that knows it, the one that does not, by hand."""
    images = torch.zeros(4, 1, SIZE, SIZE)
    images[:, :, 2, 5] = 1
    score = lambda x: torch.stack([x[:, 0, 2, 5] - 0.5, torch.zeros(len(x))], 1)  # noqa: E731
    best, labels = images.clone(), torch.zeros(4, dtype=torch.long)
    fractions = [i / 64 for i in range(65)]
    known = descriptive_accuracy(score, images, labels, best, fractions)
    worst = descriptive_accuracy(score, images, labels, -best, fractions)
    assert known.accuracy == (1.0,) * 64 + (0.0,)
    assert worst.accuracy == (1.0,) + (0.0,) * 64
    assert known.area == pytest.approx(1 - 1 / 128)
    assert worst.area == pytest.approx(1 / 128)


def test_the_area_is_the_mean_of_the_pictures_areas_and_batches_do_not_matter():
    # In double precision no sum of another order falls on the other side of zero.
    images, maps, net = pictures().double(), distinct_maps(), Sign().double().eval()
    labels = torch.tensor([0, 1, 0, 1, 0, 1])
    fractions = [0.1, 0.2, 0.5, 0.9]
    whole = descriptive_accuracy(net, images, labels, maps, fractions)
    pieces = descriptive_accuracy(net, images, labels, maps.squeeze(1), fractions, batch=4)
    assert torch.equal(whole.correct, pieces.correct)
    assert whole.area == pytest.approx(np.trapezoid(whole.accuracy, fractions) / 0.8)
    assert whole.area == pytest.approx(whole.areas.mean().item())
    single = descriptive_accuracy(net, images, labels, maps, [0.5])
    assert single.area == pytest.approx(single.accuracy[0])


BAD = {
    "one picture": ({"images": torch.zeros(3, 8, 8)}, r"shape \(B, C, H, W\)"),
    "another size": ({"maps": torch.zeros(6, 1, 4, 4)}, "6 maps of 8×8 pixels"),
    "too few labels": ({"labels": torch.zeros(5)}, "expected 6 labels"),
    "NaN": ({"maps": torch.full((6, 8, 8), torch.nan)}, "without NaN"),
    "falling": ({"fractions": (0.5, 0.2)}, "ascending fractions"),
    "none": ({"fractions": ()}, "ascending fractions"),
    "too much": ({"fractions": (0.5, 1.2)}, "between 0 and 1"),
    "colour": ({"replacement": "black"}, "mean, blur, noise, got 'black'"),
}


@pytest.mark.parametrize(("changes", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_named(changes, message):
    given = {"images": pictures(), "labels": torch.zeros(6, dtype=torch.long), "maps": distinct_maps()}
    with pytest.raises(ValueError, match=message):
        descriptive_accuracy(Sign(), **(given | changes))


def localisation_by_hand(values: np.ndarray, box, draws: int) -> float:
    """The mean over random orders of equal values."""
    rng, scores = np.random.default_rng(0), []
    x0, y0, x1, y1 = box
    inside = np.zeros(values.shape, dtype=bool)
    inside[y0:y1, x0:x1] = True
    for _ in range(draws):
        order = np.lexsort((rng.random(values.size), -values.ravel()))
        scores.append(inside.ravel()[order[: inside.sum()]].mean())
    return float(np.mean(scores))


def test_ties_score_their_mean_over_all_orders():
    values = np.random.default_rng(1).integers(0, 3, (6, 7)).astype(float)
    values[0, :3], values[5, 4:] = np.inf, -np.inf
    for box in ((0, 0, 3, 3), (2, 1, 7, 6), (1, 0, 2, 1)):
        expected = localisation_by_hand(values, box, 4000)
        assert localisation(torch.tensor(values), box) == pytest.approx(expected, abs=0.03)
        x0, y0, x1, y1 = box
        mask = np.zeros(values.shape, bool)
        mask[y0:y1, x0:x1] = True
        assert localisation(torch.tensor(values), mask=mask) == localisation(torch.tensor(values), box)


@settings(max_examples=50, deadline=None)
@given(x0=st.integers(-3, 6), y0=st.integers(-3, 6), width=st.integers(4, 9), height=st.integers(4, 9))
def test_a_constant_map_scores_the_boxs_share_and_a_perfect_one_scores_one(x0, y0, width, height):
    box = (x0, y0, x0 + width, y0 + height)
    perfect = torch.zeros(SIZE, SIZE)
    perfect[max(y0, 0) : y0 + height, max(x0, 0) : x0 + width] = torch.inf
    assert localisation(torch.ones(1, SIZE, SIZE), box) == pytest.approx(box_share(box, SIZE, SIZE))
    assert localisation(perfect, box) == 1
    assert localisation(-perfect, box) <= localisation(torch.ones(SIZE, SIZE), box)


@pytest.mark.parametrize("box", [(8, 0, 9, 4), (-5, -5, 0, 3), (3, 3, 3, 5), (-9, 0, -4, 8)])
def test_a_box_outside_the_map_is_refused(box):
    with pytest.raises(ValueError, match="expected a box inside a map of 8×8 pixels"):
        localisation(torch.ones(SIZE, SIZE), box)
    assert box_share(box, SIZE, SIZE) == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mask": torch.zeros(8, 8)}, "expected a mask with at least one pixel"),
        ({"mask": torch.ones(4, 8)}, "expected a mask of 8×8 pixels like the map, got 8×4"),
        ({}, "either a mask or a box"),
        ({"mask": torch.ones(8, 8), "box": (0, 0, 1, 1)}, "either a mask or a box"),
    ],
)
def test_an_object_that_is_none_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        localisation(torch.ones(SIZE, SIZE), **given)


def test_a_map_with_nan_is_refused():
    with pytest.raises(ValueError, match="without NaN"):
        localisation(torch.full((2, 2), torch.nan), (0, 0, 1, 1))


def test_the_interval_is_that_of_the_normal_distribution_for_many_values():
    values = np.random.default_rng(0).normal(2, 1, 400)
    interval = bootstrap_interval(values)
    half = 1.96 * values.std() / 20
    assert interval.mean == pytest.approx(values.mean())
    assert (interval.low, interval.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)
    assert interval == bootstrap_interval(values)
    narrower = bootstrap_interval(values, confidence=0.5)
    assert interval.low < narrower.low < narrower.high < interval.high


def test_one_value_has_no_interval_and_no_value_no_mean():
    alone = bootstrap_interval([0.25])
    assert (alone.mean, alone.count) == (0.25, 1)
    assert math.isnan(alone.low)
    assert math.isnan(alone.high)
    for values in ([], [1.0, math.nan]):
        with pytest.raises(ValueError, match="at least one finite score"):
            bootstrap_interval(values)


COCO = {
    "images": [{"id": 7, "file_name": "a.png"}, {"id": 9, "file_name": "sub/b.png"}],
    "annotations": [
        {"image_id": 7, "bbox": [1, 2, 3, 4]},
        {"image_id": 9, "bbox": [0.5, 0.5, 2, 2]},
        {"image_id": 7, "bbox": [0, 0, 9, 9]},
    ],
}
BOXES = {
    "ends": "name,x0,y0,x1,y1\na.png,0,0,9,9\nsub/b.png,0.5,0.5,2.5,2.5\n",
    "sizes": "\ufeffY,X,h,w,File\n0,0,9,9,a.png\n\n 0.5,0.5,2,2, sub/b.png\n",
    "windows": "image,xmin,ymin,xmax,ymax,label\r\na.png,0,0,9,9,bird\r\nsub/b.png,0.2,0.9,2.5,2.1,cat\r\n",
    "COCO": json.dumps(COCO),
}


@pytest.mark.parametrize("text", BOXES.values(), ids=BOXES)
def test_boxes_are_read_from_csv_and_coco(text, tmp_path):
    expected = {"a.png": (0, 0, 9, 9), "sub/b.png": (0, 0, 3, 3)}
    assert read_boxes(text.encode()) == expected
    path = tmp_path / "boxes"
    path.write_text(text, encoding="utf-8", newline="")
    assert read_boxes(path) == read_boxes(str(path)) == expected


BAD_FILES = {
    "bytes": (b"\xff\xfe\x00\x01", "in UTF-8"),
    "empty": (b"", "header"),
    "other columns": (b"name,left,top\na,1,2\n", "expected the columns name, x0, y0, x1, y1 or"),
    "words": (b"name,x0,y0,x1,y1\nb,1,2,three,4\n", "four numbers in row 1, got b, 1, 2, three, 4"),
    "short row": (b"name,x0,y0,x1,y1\na,1,2\n", "in row 1"),
    "no area": (b"name,x0,y0,x1,y1\na,5,2,5,4\n", "with an area in row 1, got 5, 2, 5, 4"),
    "infinite": (b"name,x0,y0,x1,y1\na,5,2,inf,4\n", "finite numbers in row 1"),
    "no rows": (b"name,x0,y0,x1,y1\n", "at least one box"),
    "open quote": (b'name,x0,y0,x1,y1\n"a,1,2,3,4\n', "CSV file with a header"),
    "cut JSON": (b'{"images": [', "not JSON"),
    "list": (b"[1, 2]", "another layout"),
    "other JSON": (b'{"boxes": []}', "another layout"),
    "deep": (b"[" * 200_000, "not JSON"),
    "unknown picture": (b'{"images": [], "annotations": [{"image_id": 1, "bbox": [1, 2, 3, 4]}]}', "annotation 1"),
    "no bbox": (b'{"images": [{"id": 1, "file_name": "a"}], "annotations": [{"image_id": 1}]}', "annotation 1"),
    "text": (b"hello, I am no table", "expected the columns"),
}


@pytest.mark.parametrize(("data", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files_are_named_in_one_sentence(data, message):
    with pytest.raises(ValueError, match=message) as error:
        read_boxes(data)
    assert len(str(error.value)) < 300
    assert "\n" not in str(error.value)


@given(st.integers(2, 300), st.floats(0.5, 0.99), st.integers(0, 3))
@settings(max_examples=15, deadline=None)
def test_intervals_are_those_of_scipys_percentile_bootstrap(count, confidence, seed):
    values = np.random.default_rng(count).normal(size=count)
    ours = bootstrap_interval(values, confidence, 500, seed)
    theirs = bootstrap(
        (values,), np.mean, confidence_level=confidence, n_resamples=500, method="percentile",
        rng=np.random.default_rng(seed), batch=max(1, 250_000 // count),
    ).confidence_interval  # fmt: skip
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
