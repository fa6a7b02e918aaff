"""Tuples, lists and dictionaries of whatever, as networks and weights files give them. Runs without torch."""

from collections.abc import Mapping
from typing import TypeGuard


def is_sequence(value: object) -> TypeGuard[tuple[object, ...] | list[object]]:
    """Whether it is a tuple or a list, of whatever.

    >>> is_sequence((1, "a")), is_sequence("ab")
    (True, False)
    """
    return isinstance(value, tuple | list)


def is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    """Whether it is a dictionary or the like, from whatever to whatever.

    >>> is_mapping({"a": 1}), is_mapping([("a", 1)])
    (True, False)
    """
    return isinstance(value, Mapping)
