"""Laws of the rendered birds. Networks are trained on them: the digests below must not change."""

from collections import Counter

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from explainers.datasets.birds import render, source
from explainers.datasets.birds.drawing import draw_bird
from explainers.datasets.birds.render import MEAN, SPECIES, STD, label_of, render_bird
from explainers.datasets.birds.source import CHUNK, HELD_OUT, SHOWN, TRAINING, RenderedBirds, drawn_side
from explainers.decoders.pictures import BirdSource
from explainers.evaluation.pictures import Birds
from explainers.networks.preprocessing import Preprocessing
from explainers.train import recipes
from explainers.train.recipes import RECIPES
from tests.support.records import digest

INDICES = range(8)
DIGEST_64 = "7591f71334742459cc77f823235f113e019f155471576838c9bd20056615fd25"
DIGEST_MASKS = "cf015013c7b036ed4727f5a1e67445cc1c408c846695aebc22aaf393d8c77d54"
DIGEST_224 = "ce68ac2702499fcb10af91f6fd462e89d496bb100cb1fd82f61b03f46d4a6beb"


@pytest.fixture(scope="module")
def some():
    return [render_bird(index, size=96, seed=3) for index in INDICES]


def test_version_1_is_frozen():
    pictures = [render_bird(index, 64, seed=5) for index in range(24)]
    assert render.VERSION == 1
    assert digest(*[np.array(bird.image) for bird in pictures]) == DIGEST_64
    assert digest(*[bird.mask for bird in pictures]) == DIGEST_MASKS
    assert digest(np.array(render_bird(3, 224, seed=5).image)) == DIGEST_224


def test_same_index_same_picture_and_another_index_another(some):
    again = render_bird(2, size=96, seed=3)
    assert np.array_equal(np.array(again.image), np.array(some[2].image))
    assert len({digest(np.array(bird.image)) for bird in some}) == len(some)
    assert not np.array_equal(np.array(render_bird(2, 96, seed=4).image), np.array(some[2].image))


def test_global_random_state_is_neither_read_nor_changed():
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    first = np.array(render_bird(0, 32).image)
    assert np.array_equal(np.random.get_state()[1], before)
    np.random.seed(2)
    assert np.array_equal(np.array(render_bird(0, 32).image), first)


def test_mask_box_and_parts_agree(some):
    for bird in some:
        x0, y0, x1, y1 = bird.box
        inside = np.zeros_like(bird.mask)
        inside[y0:y1, x0:x1] = True
        assert not bird.mask[~inside].any()
        for edge in (bird.mask[y0], bird.mask[y1 - 1], bird.mask[:, x0], bird.mask[:, x1 - 1]):
            assert edge.any()
        assert set(bird.parts) == {
            "bill", "crown", "eye", "breast", "belly", "back", "wing", "tail", "leg",
        }  # fmt: skip
        for name, (x, y) in bird.parts.items():
            near = bird.mask[max(0, int(y) - 1) : int(y) + 2, max(0, int(x) - 1) : int(x) + 2]
            assert near.any(), name


def test_whole_bird_is_in_the_picture_and_of_a_fair_size():
    for index in range(36):
        bird = render_bird(index, 32, seed=11)
        edge = np.concatenate([bird.mask[0], bird.mask[-1], bird.mask[:, 0], bird.mask[:, -1]])
        assert not edge.any()
        assert 0.03 < bird.mask.mean() < 0.45


@pytest.mark.parametrize("index", [0, 5])
def test_every_size_shows_the_same_bird(index):
    small, large = render_bird(index, 64, seed=3), render_bird(index, 192, seed=3)
    assert small.label == large.label
    assert small.scene == large.scene
    share = np.asarray(large.mask, float).reshape(64, 3, 64, 3).mean((1, 3))
    assert np.mean((share >= 0.5) != small.mask) < 0.01
    shrunk = np.asarray(large.image.reduce(3), float)
    assert np.abs(shrunk - np.asarray(small.image, float)).mean() < 6
    for name, place in small.parts.items():
        assert np.allclose(np.array(large.parts[name]) / 3, place)


@pytest.mark.parametrize("size", [16, 33, 100, 512])
def test_any_size_between_the_bounds(size):
    bird = render_bird(1, size)
    assert bird.image.size == (size, size)
    assert bird.image.mode == "RGB"
    assert bird.mask.shape == (size, size)
    assert bird.mask.dtype == bool


@pytest.mark.parametrize("size", [15, 513])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match="from 16 to 512"):
        render_bird(0, size)


def test_classes_are_balanced_in_every_block():
    labels = [label_of(index, seed=7) for index in range(120)]
    assert set(Counter(labels).values()) == {10}
    assert labels[:12] != labels[12:24]


def test_background_does_not_know_the_species(monkeypatch):
    """With another species at the same index, only pixels that one of the two birds touches change."""
    covers = []

    def draw_and_keep(canvas, *rest):
        places = draw_bird(canvas, *rest)
        covers.append(np.asarray(canvas.cover))
        return places

    monkeypatch.setattr(render, "draw_bird", draw_and_keep)
    for index in range(3):
        one, other = (render_bird(index, 64, label=label) for label in (0, 7))
        touched = np.maximum(*covers[-2:]).reshape(64, 3, 64, 3).any((1, 3))
        differs = (np.array(one.image) != np.array(other.image)).any(2)
        assert not (differs & ~touched).any()
        assert differs.any()
        assert touched.mean() < 0.6
        assert one.scene == other.scene


def test_each_species_looks_different_in_the_same_pose():
    pictures = [np.asarray(render_bird(4, 64, label=k).image, float) for k in range(len(SPECIES))]
    for i, a in enumerate(pictures):
        for b in pictures[:i]:
            assert np.abs(a - b).mean() > 0.5
    assert len(SPECIES) == len(set(SPECIES)) == 12


def test_all_kinds_of_background_occur():
    scenes = {render.draw_scene(32, render._stream(0, index, 1)).kind for index in range(40)}
    assert scenes == {"foliage", "sky", "water", "branches"}


def test_unknown_label_is_refused():
    with pytest.raises(ValueError, match="expected a label from 0 to 11, got 12"):
        render_bird(0, label=12)


def test_data_loader_collates_it():
    data = RenderedBirds(24, size=32, seed=1)
    pictures, labels = next(iter(DataLoader(data, batch_size=12)))
    assert pictures.shape == (12, 3, 32, 32)
    assert sorted(labels.tolist()) == list(range(12))
    assert data.bird(3).label == labels[3]
    with pytest.raises(IndexError):
        data.bird(24)


def test_tensors_equal_single_pictures_and_network_units():
    data = RenderedBirds(3, size=32, seed=9)
    pictures, labels = data.tensors(workers=0)
    assert pictures.dtype == torch.uint8
    mean, std = (torch.tensor(v)[:, None, None] for v in (render.MEAN, render.STD))
    for k in range(3):
        assert torch.equal(pictures[k], torch.from_numpy(np.array(data.bird(k).image)).permute(2, 0, 1))
        assert torch.allclose(data[k][0] * std + mean, pictures[k].float() / 255, atol=1e-6)
        assert labels[k] == data[k][1]


@pytest.mark.long
def test_another_process_does_not_change_the_result():
    one, two = (RenderedBirds(CHUNK + 1, size=16, seed=2).tensors(workers) for workers in (0, 1))
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[1], two[1])


def test_birds_of_a_set_are_drawn_one_after_the_other_as_they_are_asked_for(monkeypatch):
    drawn = []
    monkeypatch.setattr(source, "render_bird", lambda *a, **more: drawn.append(a) or render_bird(*a, **more))
    birds = RenderedBirds(3, size=16, seed=HELD_OUT).birds()
    assert next(birds).label == label_of(0, HELD_OUT)
    assert drawn == [(0, 16, HELD_OUT)]
    assert [bird.label for bird in birds] == [label_of(1, HELD_OUT), label_of(2, HELD_OUT)]


def test_what_trains_what_judges_and_what_is_shown_share_no_bird():
    sets = [
        [render_bird(index, 16, seed).image.tobytes() for index in range(12)] for seed in (SHOWN, TRAINING, HELD_OUT)
    ]
    assert len(set().union(*sets)) == 36


@pytest.mark.parametrize("resize", [1, 16, 100, 512, 4000])
def test_birds_are_drawn_as_large_as_a_network_wants_them_where_that_can_be(resize):
    assert drawn_side(resize) == min(render.SIZES, key=lambda size: abs(size - resize))


def test_training_judging_and_decoders_draw_from_one_source(monkeypatch, tmp_path):
    """With the seeds and sizes that shipped weights and kept results have."""
    seen, preprocessing = [], Preprocessing(20, 16, MEAN, STD)
    monkeypatch.setattr(source, "render_bird", lambda *a, **more: seen.append(a) or render_bird(*a, **more))
    list(Birds(2).items(preprocessing))
    assert seen == [(0, 20, 2), (1, 20, 2)]
    seen.clear()
    list(BirdSource(20).images(preprocessing))
    assert seen == [*((index, 20, 1) for index in range(20)), (0, 20, 2), (1, 20, 2)]
    seen.clear()
    monkeypatch.setattr(recipes, "BIRDS_SPLIT", {split: (seed, 2) for split, (seed, _) in recipes.BIRDS_SPLIT.items()})
    for split in ("train", "test"):
        RECIPES["vgg16-birds"].load(tmp_path, split)
    assert seen == [(0, 64, 1), (1, 64, 1), (0, 64, 2), (1, 64, 2)]
    assert (Birds(24).key, BirdSource(400).key) == ("birds 1 2 24", "birds 1 400")
