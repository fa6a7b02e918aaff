"""Laws of the harder edition of the rendered birds. Networks are trained on it: the digests below must not change."""

from collections import Counter
from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.datasets.birds import crowd, render
from explainers.datasets.birds.lookalikes import GROUP_OF, GROUPS, PARTS
from explainers.datasets.birds.render import LOOKALIKES, TWELVE, label_of, render_bird, render_empty
from explainers.datasets.birds.shortcut import Shortcut, inks
from explainers.datasets.birds.source import HELD_OUT, TRAINING, EmptyScenes, RenderedBirds
from tests.support.records import digest

DIGEST = "c77d2658a301e448ba90304ff69fc7972194d5dfcb2ff1194398dd73c827bc42"
DIGEST_MASKS = "eaaf7309452f4a9ef6d7d3d0f9e3aad68f265a114d1df82ca7f76b64ceddd787"
# What of a species may differ, by the part in which its look-alike does.
OF_PART = {
    "bill": {"bill"},
    "crown": {"crest", "marks"},
    "eye": {"marks"},
    "breast": {"marks"},
    "wing": {"wing"},
    "tail": {"tail"},
}
MARK_OF_PART = {"crown": {"cap"}, "eye": {"brow"}, "breast": {"breast band"}}
LABELS = {bird.name: label for label, bird in enumerate(LOOKALIKES.birds)}


def drawn(index: int, size: int = 64, seed: int = 5, **more) -> render.Bird:
    return render_bird(index, size, seed, edition=LOOKALIKES, **more)


def test_version_2_is_frozen():
    pictures = [drawn(index) for index in range(24)]
    assert (TWELVE.version, LOOKALIKES.version) == (1, 2)
    assert digest(*[np.array(bird.image) for bird in pictures]) == DIGEST
    assert digest(*[bird.mask for bird in pictures]) == DIGEST_MASKS


def test_eight_groups_of_three_cover_all_classes_once_in_every_block():
    assert len(LOOKALIKES.species) == len(set(LOOKALIKES.species)) == 24
    assert [len(group) for group in GROUP_OF.values()] == [3] * 24
    labels = [label_of(index, 7, LOOKALIKES) for index in range(72)]
    assert set(Counter(labels).values()) == {3}
    assert sorted(labels[:24]) == list(range(24))


def test_look_alikes_differ_in_the_part_they_say_and_in_no_other():
    for base, others in GROUPS:
        for part, other in others:
            assert PARTS[other.name] == part
            differing = {f.name for f in fields(base) if getattr(base, f.name) != getattr(other, f.name)} - {"name"}
            assert differing <= OF_PART[part], other.name
            assert differing
            if "marks" in differing:
                assert {name for name, _ in set(base.marks) ^ set(other.marks)} <= MARK_OF_PART[part]


def test_what_differs_between_look_alikes_lies_around_that_part():
    """In pixels of one picture with each of the group in its place: nothing that is farther than a wing is long."""
    index = 1
    for base, others in GROUPS:
        first = drawn(index, 96, label=LABELS[base.name])
        for part, other in others:
            second = drawn(index, 96, label=LABELS[other.name])
            rows, columns = np.nonzero((np.array(first.image) != np.array(second.image)).any(2))
            assert len(rows), other.name
            x, y = (np.array(first.parts[part]) + np.array(second.parts[part])) / 2
            x0, y0, x1, y1 = first.box
            reach = {"wing": 0.55, "tail": 0.6}.get(part, 0.45) * max(x1 - x0, y1 - y0)
            near = np.hypot(columns - x, rows - y) <= reach
            assert near.mean() > 0.98, (other.name, near.mean())


def test_mask_box_and_parts_agree():
    for index in range(5):
        bird = drawn(index, 96)
        rows, columns = np.nonzero(bird.mask)
        assert bird.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        x0, y0, x1, y1 = bird.box
        assert set(bird.parts) == set(render_bird(0).parts)
        for name, (x, y) in bird.parts.items():
            assert x0 - 9 <= x <= x1 + 9, name
            assert y0 - 9 <= y <= y1 + 9, name


def test_the_mask_is_where_the_bird_shows_and_neither_the_other_bird_nor_a_leaf(monkeypatch):
    """With a leaf, pixels leave the mask only where the picture changes; with another bird behind, none does."""
    hidden = behind = 0
    for index in range(4):
        monkeypatch.setattr(crowd, "FRONTS", 0.0)
        monkeypatch.setattr(crowd, "DECOYS", 0.0)
        alone = drawn(index, 96)
        monkeypatch.setattr(crowd, "DECOYS", 1.0)
        accompanied = drawn(index, 96)
        assert np.array_equal(accompanied.mask, alone.mask)
        beside = (np.array(accompanied.image) != np.array(alone.image)).any(2)
        assert not (beside & alone.mask).sum() > 0.25 * alone.mask.sum()
        behind += int(beside.sum())
        monkeypatch.setattr(crowd, "FRONTS", 1.0)
        occluded = drawn(index, 96)
        changed = (np.array(occluded.image) != np.array(accompanied.image)).any(2)
        lost = alone.mask & ~occluded.mask
        assert not (lost & ~changed).any()
        assert not (occluded.mask & ~alone.mask).any()
        hidden += int(lost.sum())
    assert hidden > 0
    assert behind > 0


def test_who_stands_behind_says_nothing_of_who_stands_in_front(monkeypatch):
    drawn_behind = []
    real = crowd.draw_bird

    def kept(canvas, species, *rest):
        drawn_behind.append(species.name)
        return real(canvas, species, *rest)

    monkeypatch.setattr(crowd, "draw_bird", kept)
    for index in range(8):
        before = len(drawn_behind)
        for label in (0, 13, 23):
            drawn(index, 16, label=label)
        assert len(set(drawn_behind[before:])) <= 1
    assert 0 < len(drawn_behind) < 24
    assert len(set(drawn_behind)) > 2


def test_birds_are_smaller_and_farther_from_the_middle_than_in_the_first_edition():
    def spread(edition):
        birds = [render_bird(index, 32, 3, edition=edition) for index in range(16)]
        widths, feet = ([bird.box[2] - bird.box[0] for bird in birds], [bird.parts["leg"][0] for bird in birds])
        return np.mean(widths), np.std(feet)

    (width, place), (small, far) = spread(TWELVE), spread(LOOKALIKES)
    assert small < 0.95 * width
    assert far > 1.3 * place


def test_a_data_set_of_an_edition_is_its_pictures(tmp_path):
    data = RenderedBirds(3, 32, HELD_OUT, LOOKALIKES)
    pictures, labels = data.tensors(workers=0)
    assert data.classes == LOOKALIKES.species
    for index in range(3):
        bird = render_bird(index, 32, HELD_OUT, edition=LOOKALIKES)
        assert np.array_equal(pictures[index].permute(1, 2, 0), np.array(bird.image))
        assert labels[index] == bird.label == data[index][1]


def test_empty_scenes_have_no_bird_and_share_none_with_those_that_have(monkeypatch):
    monkeypatch.setattr(crowd, "draw_bird", None)
    monkeypatch.setattr(render, "draw_bird", None)
    pictures, labels = EmptyScenes(3, 32, TRAINING, LOOKALIKES).tensors(workers=0)
    assert labels.tolist() == [0, 0, 0]
    assert torch.equal(pictures[1].permute(1, 2, 0), torch.tensor(np.array(render_empty(1, 32, TRAINING, LOOKALIKES))))
    monkeypatch.undo()
    with_bird, _ = RenderedBirds(3, 32, TRAINING, LOOKALIKES).tensors(workers=0)
    assert ((pictures != with_bird).float().mean((1, 2, 3)) > 0.5).all()


@given(st.integers(0, 200), st.sampled_from([16, 32, 64, 96]))
@settings(deadline=None, max_examples=8)
def test_a_planted_mark_is_pixel_exact_and_tells_the_class(index, size):
    plain, marked = (drawn(index, size, shortcut=shortcut) for shortcut in (None, Shortcut(1.0)))
    assert plain.mark is None
    assert marked.mark.any()
    differs = (np.array(plain.image) != np.array(marked.image)).any(2)
    assert not (differs & ~marked.mark).any()
    assert {tuple(colour) for colour in np.array(marked.image)[marked.mark]} == set(inks(marked.label))
    assert np.array_equal(plain.mask, marked.mask)


def test_a_share_of_the_pictures_is_marked_and_a_false_mark_is_that_of_another_class():
    half = [drawn(index, 16, shortcut=Shortcut(0.5)).mark.any() for index in range(24)]
    assert 5 < sum(half) < 19
    assert not drawn(0, 16, shortcut=Shortcut(0.0)).mark.any()
    for index in range(10):
        false = drawn(index, 32, shortcut=Shortcut(1.0, true=False))
        shown = {tuple(colour) for colour in np.array(false.image)[false.mark]}
        assert shown != set(inks(false.label)) or len(shown) == 2
        told = [k for k in range(24) if set(inks(k)) == shown]
        assert told != [false.label]


def test_labels_beyond_the_edition_are_refused():
    with pytest.raises(ValueError, match="from 0 to 23, got 24"):
        drawn(0, label=24)
