"""Slices with membranes: reading, cutting out, drawing, scoring, and whether the shipped U-Net finds them."""

import numpy as np
import pytest
import torch
from PIL import Image

from explainers import load_network
from explainers.datasets.membranes import CLASSES, load_membranes
from explainers.datasets.membranes_rendered import SIDE, render_tissue
from explainers.train.augmentation import cut_out
from explainers.train.segmentation import foreground_rand, intersection_over_union
from tests.support.places import ROOT

SLICES = ROOT.parent / "shared" / "data" / "isbi-membrane"


def _write(folder, count=8):
    for part in ("image", "label"):
        (folder / part).mkdir()
    for n in range(count):
        wall = np.full((24, 24), 255, np.uint8)
        wall[:, n : n + 6] = 0
        Image.fromarray(np.full((24, 24), 20 * n, np.uint8)).save(folder / "image" / f"{n}.png")
        Image.fromarray(wall).save(folder / "label" / f"{n}.png")


def test_the_last_six_slices_by_number_are_held_out(tmp_path):
    _write(tmp_path, count=12)
    train, labels = load_membranes(tmp_path, "train", side=24)
    test, _ = load_membranes(tmp_path, "test", side=24)
    assert train[:, :, 0, 0].tolist() == [[20 * n] * 3 for n in range(6)]
    assert test[:, 0, 0, 0].tolist() == [20 * n for n in range(6, 12)]
    assert labels.dtype == torch.int64
    assert labels[2, 5].nonzero().flatten().tolist() == [2, 3, 4, 5, 6, 7]


def test_scaled_labels_say_what_covers_most_of_a_pixel(tmp_path):
    _write(tmp_path)
    _, labels = load_membranes(tmp_path, "train", side=8)
    assert labels[0, 0].tolist() == [1, 1, 0, 0, 0, 0, 0, 0]
    assert labels[1, 0].tolist() == [1, 1, 0, 0, 0, 0, 0, 0]


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="'image' and 'label'"):
        load_membranes(tmp_path, "train")
    _write(tmp_path)
    (tmp_path / "label" / "3.png").unlink()
    with pytest.raises(ValueError, match="got 8 pictures and 7 labels"):
        load_membranes(tmp_path, "train")


def test_a_cut_out_label_stays_with_its_pixels():
    labels = (torch.rand(5, 12, 12, generator=torch.Generator().manual_seed(0)) < 0.5).long()
    x = 0.4 + 0.2 * labels[:, None].repeat(1, 3, 1, 1).float()
    views = set()
    for seed in range(6):
        found, targets = cut_out(x, labels, 8, torch.Generator().manual_seed(seed))
        assert found.shape == (5, 3, 8, 8)
        assert targets.shape == (5, 8, 8)
        for picture, target in zip(found, targets, strict=True):
            assert picture[:, target == 1].min() > picture[:, target == 0].max()
        views.add(targets.numpy().tobytes())
    assert len(views) == 6


def test_scores_against_counting_pairs():
    random = np.random.default_rng(0)
    true, found = random.random((2, 6, 7)) < 0.4
    from skimage.measure import label

    cells, parts = label(~true, connectivity=1), label(~found, connectivity=1)
    places = np.argwhere(~true)
    together = [0, 0, 0]
    for i, a in enumerate(places):
        for b in places[:i]:
            one_cell, one_part = cells[tuple(a)] == cells[tuple(b)], parts[tuple(a)] == parts[tuple(b)]
            together = [n + k for n, k in zip(together, (one_cell and one_part, one_part, one_cell), strict=True)]
    precision, recall = together[0] / together[1], together[0] / together[2]
    assert foreground_rand(found, true) == pytest.approx(2 * precision * recall / (precision + recall))
    assert intersection_over_union(true, true) == 1
    assert intersection_over_union(true, ~true) == 0


def test_a_gap_in_a_wall_costs_rand_more_than_overlap():
    wall = np.zeros((20, 20), bool)
    wall[:, 10] = True
    broken = wall.copy()
    broken[10, 10] = False
    assert intersection_over_union(broken, wall) == 0.95
    assert foreground_rand(broken, wall) < 0.7


def test_tissue_is_drawn_again_the_same_and_dark_on_membranes():
    one, again, other = render_tissue(1), render_tissue(1), render_tissue(2)
    assert one.image.tobytes() == again.image.tobytes()
    assert one.image.tobytes() != other.image.tobytes()
    assert render_tissue(1, seed=5).image.tobytes() != one.image.tobytes()
    grey = np.asarray(one.image)
    assert one.mask.shape == (SIDE, SIDE)
    assert (grey == grey[..., :1]).all()
    assert grey[~one.mask].mean() - grey[one.mask].mean() > 40


def _found(network, picture: Image.Image) -> np.ndarray:
    with torch.no_grad():
        return network.module(network.preprocess(picture)[None]).argmax(1)[0].numpy() == CLASSES.index("membrane")


@pytest.mark.long
def test_the_shipped_network_finds_the_membranes_of_rendered_tissue():
    network = load_network("unet-membranes")
    assert network.segments
    overlap, rand = [], []
    for index in range(6):
        tissue = render_tissue(index)
        mask = np.asarray(network.preprocessing.cut(Image.fromarray(tissue.mask.astype(np.uint8) * 255))) >= 128
        found = _found(network, tissue.image)
        overlap.append(intersection_over_union(found, mask))
        rand.append(foreground_rand(found, mask))
    assert np.mean(overlap) > 0.7
    assert np.mean(rand) > 0.85


@pytest.mark.skipif(not SLICES.is_dir(), reason="the ISBI slices are not on this machine")
def test_the_shipped_network_scores_on_held_out_slices_what_its_card_says():
    network = load_network("unet-membranes")
    pictures, labels = load_membranes(SLICES, "test")
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (network.mean, network.std))
    with torch.no_grad():
        found = network.module((pictures.float() / 255 - mean) / std).argmax(1)
    assert (found == labels).float().mean().item() == pytest.approx(network.accuracy, abs=1e-3)
