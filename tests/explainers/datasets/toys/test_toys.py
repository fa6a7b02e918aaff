"""The small problems: their symmetries, their split, and files of others."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from explainers.datasets.toys.digits import digits
from explainers.datasets.toys.neuron import four_numbers
from explainers.datasets.toys.spirals import spirals
from explainers.datasets.toys.twelve_bits import corners, patterns, pull, read_twelve_bits, twelve_bits

PROBLEMS = [four_numbers, twelve_bits, spirals, digits]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_problem_is_the_same_every_time_and_keeps_some_samples_back(problem):
    one, other = problem(), problem()
    assert torch.equal(one.x, other.x)
    assert torch.equal(one.y, other.y)
    assert torch.equal(one.train, other.train)
    assert one.x.dtype == torch.float32
    assert one.y.unique().tolist() == list(range(one.classes))
    assert {*one.train.tolist(), *one.held_out.tolist()} == set(range(len(one.y)))
    if problem is not four_numbers:
        assert not {*one.train.tolist()} & {*one.held_out.tolist()}
    assert one.trained_on()[1].unique().tolist() == one.kept_back()[1].unique().tolist()


@pytest.mark.parametrize("problem", PROBLEMS)
def test_some_samples_keep_their_labels(problem):
    whole = problem()
    x, y = whole.some(100)
    assert len(x) == len(y) == min(100, len(whole.y))
    for one, label in zip(x[:10], y[:10], strict=True):
        rows = (whole.x == one).flatten(1).all(1)
        assert label in whole.y[rows]


def test_twelve_bits_are_all_patterns_once_and_half_of_them_are_lopsided():
    problem = twelve_bits()
    assert len(problem.x.unique(dim=0)) == 4096
    assert set(problem.x.unique().tolist()) == {-1.0, 1.0}
    assert problem.y.float().mean() == pytest.approx(0.5, abs=0.01)


def test_corners_are_those_of_an_icosahedron():
    cosines = np.unique((corners() @ corners().T).round(12))
    assert cosines == pytest.approx([-1, -(5**-0.5), 5**-0.5, 1])


def test_no_symmetry_of_the_sphere_that_keeps_the_corners_changes_a_label():
    """Every rotation that maps corners to corners (60 of them), and the reflection in the centre."""
    x, moved = patterns(), set()
    for rotation in Rotation.create_group("I"):
        # Both icosahedra, this one and the one of the group, stand on the axes, the golden ratio on another side.
        for axes in ([0, 1, 2], [1, 0, 2]):
            turned = rotation.apply(corners()[:, axes])[:, np.argsort(axes)]
            if (match := (turned @ corners().T > 1 - 1e-9)).sum() == 12:
                moved.add(tuple(match.argmax(1).tolist()))
    assert len(moved) == 60
    for order in [*moved, np.argmin(corners() @ corners().T, 1).tolist()]:
        torch.testing.assert_close(pull(x[:, list(order)]), pull(x))
    # Any other order of the bits is another rule.
    assert not torch.allclose(pull(x[:, [1, 0, *range(2, 12)]]), pull(x))


def test_the_rule_needs_every_bit():
    problem = twelve_bits()
    number = (problem.x > 0).long() @ (2 ** torch.arange(11, -1, -1))
    assert number.tolist() == list(range(4096))
    for bit in range(12):
        assert (problem.y != problem.y[number ^ (1 << bit)]).float().mean() > 0.1


def test_spirals_are_apart_and_cannot_be_told_by_a_line():
    x, y = (values.numpy() for values in spirals().trained_on())
    held, label = (values.numpy() for values in spirals().kept_back())
    nearest = ((held[:, None] - x[None]) ** 2).sum(2).argmin(1)
    assert (y[nearest] == label).mean() > 0.99
    ones = np.c_[x, np.ones(len(x))]
    line = np.linalg.lstsq(ones, np.eye(3)[y], rcond=None)[0]
    assert ((ones @ line).argmax(1) == y).mean() < 0.6


def test_digits_are_pictures_from_paper_to_ink():
    x = digits().x
    assert (x.min(), x.max()) == (-1, 1)


def test_a_rule_in_a_file_is_read_as_it_was_written(tmp_path):
    own = twelve_bits()
    np.savez(tmp_path / "rule.npz", F=(own.x.numpy() > 0).astype(np.uint8), y=own.y.numpy()[None].astype(np.uint8))
    read = read_twelve_bits(tmp_path / "rule.npz")
    assert torch.equal(read.x, own.x)
    assert torch.equal(read.y, own.y)
    assert torch.equal(read.train, own.train)


BITS = (patterns().numpy() > 0).astype(np.uint8)


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"F": BITS}, "the arrays F and y"),
        ({"F": np.array([{}]), "y": np.zeros(1)}, "the arrays F and y"),
        ({"F": BITS[:8], "y": np.arange(8) % 2}, "every pattern of twelve bits"),
        ({"F": BITS, "y": np.arange(4096) % 3}, "every pattern of twelve bits"),
        ({"F": np.full((4096, 12), np.nan), "y": np.arange(4096) % 2}, "every pattern of twelve bits"),
        ({"F": BITS // 1 * BITS[5], "y": np.arange(4096) % 2}, "every pattern of twelve bits"),
    ],
)
def test_a_file_that_is_no_rule_is_one_sentence(tmp_path, arrays, told):
    np.savez(tmp_path / "rule.npz", **arrays)
    with pytest.raises(ValueError, match=told):
        read_twelve_bits(tmp_path / "rule.npz")


def test_a_file_of_anything_else_is_one_sentence(tmp_path):
    for content in (b"", b"text", b"PK\x03\x04 cut off"):
        (tmp_path / "rule.npz").write_bytes(content)
        with pytest.raises(ValueError, match="the arrays F and y"):
            read_twelve_bits(tmp_path / "rule.npz")


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"expected a file with a rule, 'rule\.npz' cannot be read: No such file"):
        read_twelve_bits(tmp_path / "rule.npz")
