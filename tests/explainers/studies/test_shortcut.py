"""Which map points at a planted mark: the score against maps whose answer is known."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from explainers import load_network
from explainers.datasets.birds.render import LOOKALIKES
from explainers.evaluation.methods import Importance
from explainers.studies import shortcut
from explainers.studies.shortcut import CHANCE, FOUND, MarkedItem, measure, tasks
from explainers.sweeps.items import BirdItem
from explainers.sweeps.pictures import find_pictures

NETWORK = load_network("resnet18-lookalikes")
ITEM = MarkedItem(BirdItem(3, LOOKALIKES))


class Marks(nn.Module):
    """Says class 1 where a picture in network units is more than a little unlike `plain`, else 0."""

    def __init__(self, plain: torch.Tensor) -> None:
        super().__init__()
        self.plain = plain

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.zeros(len(x)), (x - self.plain).abs().flatten(1).sum(1) - 0.1], 1)


def test_the_mark_is_where_the_marked_picture_differs_and_pictures_are_told_apart():
    plain, marked = (item.seen_by(NETWORK).x for item in (ITEM.plain, ITEM))
    differs = ((plain - marked).abs().sum(0) > 0).numpy()
    mark = ITEM.bird(64).mark
    assert mark.any()
    assert not (differs & ~mark).any()
    assert ITEM.identity() != ITEM.plain.identity()
    assert (ITEM.name, ITEM.packed()) == ("lookalike/3", ITEM)


@pytest.mark.parametrize(("sign", "share"), [(1.0, 1.0), (-1.0, 0.0)])
def test_a_map_of_the_mark_finds_all_of_it_and_its_opposite_none(monkeypatch, sign, share):
    reads = replace(NETWORK, module=Marks(ITEM.plain.seen_by(NETWORK).x))
    mark = torch.from_numpy(ITEM.bird(64).mark).float()
    found = Importance(sign * mark[None, None], (0, 0))
    monkeypatch.setattr(shortcut, "importance", lambda *about: found)
    rows = list(measure(reads, NETWORK.layer("fc"), ITEM, ("cid", "saliency")))
    assert [(row.method, row.value) for row in rows] == [
        (CHANCE, float(np.mean(ITEM.bird(64).mark))), ("cid", share), ("saliency", share),
    ]  # fmt: skip
    # What does not depend on the layer is asked for once.
    assert [row.method for row in measure(reads, NETWORK.layer("layer4.1"), ITEM, ("cid", "saliency"))] == [
        CHANCE,
        "cid",
    ]


def test_a_picture_that_is_answered_alike_without_the_mark_does_not_count():
    blind = replace(NETWORK, module=Marks(torch.full((3, 64, 64), 9.0)))
    (row,) = measure(blind, NETWORK.layer("fc"), ITEM, ("cid",))
    assert (row.quantity, math.isnan(row.value)) == (FOUND, True)


def test_nothing_can_be_planted_on_a_photograph():
    with pytest.raises(ValueError, match="expected rendered birds to plant marks on, got"):
        tasks(find_pictures("photographs", most=1).items, False)
    assert len(list(tasks([ITEM.plain], True))) == 3
