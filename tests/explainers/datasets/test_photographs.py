"""The photographs that scikit-image brings."""

import socket

import pytest

from explainers.datasets.photographs import photographs

ALL = photographs()


def test_the_known_ones_are_there():
    names = [photograph.name for photograph in ALL]
    assert {"astronaut", "cat", "coffee", "rocket"} <= set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("photograph", ALL, ids=lambda photograph: photograph.name)
def test_each_loads_without_network_and_its_box_lies_inside(photograph, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("went to the network")

    monkeypatch.setattr(socket, "socket", refuse)
    picture = photograph.load()
    assert picture.mode == "RGB"
    assert picture.size == photograph.size
    x0, y0, x1, y1 = photograph.box
    assert 0 <= x0 < x1 <= picture.width
    assert 0 <= y0 < y1 <= picture.height
    # Concentration compares inside with outside: neither may be empty.
    assert 0 < (x1 - x0) * (y1 - y0) < picture.width * picture.height
    assert photograph.title
    assert photograph.source
