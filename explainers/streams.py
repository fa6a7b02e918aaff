"""Answers that sharpen: an iterator gives one estimate after the other, and its last is the answer."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar, overload

Item = TypeVar("Item")
Shown = TypeVar("Shown")
Answer = TypeVar("Answer")


def last(stream: Iterable[Item]) -> Item:
    """The last item. Raises ValueError where there is none.

    >>> last(number**2 for number in range(4))
    9
    """
    items = deque(stream, maxlen=1)
    if not items:
        raise ValueError("expected a stream that gives something, got an empty one")
    return items.pop()


@overload
def relay(stream: Iterable[Item]) -> Generator[Item, None, Item]: ...
@overload
def relay(stream: Iterable[Item], show: Callable[[Item], Shown]) -> Generator[Shown, None, Item]: ...
def relay(stream: Iterable[Item], show: Callable[[Item], object] = lambda item: item) -> Generator[object, None, Item]:
    """Passes all items on as `show` has them, and answers with the last: `answer = yield from relay(stream)`.

    >>> def doubled_and_then_negative(numbers):
    ...     number = yield from relay(numbers, lambda number: 2 * number)
    ...     yield -number
    >>> list(doubled_and_then_negative([1, 2, 3]))
    [2, 4, 6, -3]
    """
    items: deque[Item] = deque(maxlen=1)
    for item in stream:
        items.append(item)
        yield show(item)
    return last(items)


def retold(work: Generator[Item, None, Answer], show: Callable[[Item], Shown]) -> Generator[Shown, None, Answer]:
    """What `show` has for every part of the work, and what the work answers: `answer = yield from retold(work, show)`.

    >>> def counted(numbers):
    ...     yield from numbers
    ...     return len(numbers)
    >>> def length_of(numbers):
    ...     yield (yield from retold(counted(numbers), "counting {}".format))
    >>> list(length_of([7, 8]))
    ['counting 7', 'counting 8', 2]
    """
    while True:
        try:
            part = next(work)
        except StopIteration as end:
            return end.value
        yield show(part)


def meanwhile(work: Generator[object, None, Item], shown: Shown) -> Generator[Shown, None, Item]:
    """`shown` after every part of the work, and what the work answers: `answer = yield from meanwhile(work, shown)`.

    >>> def counted(numbers):
    ...     yield from numbers
    ...     return len(numbers)
    >>> def length_of(numbers):
    ...     yield (yield from meanwhile(counted(numbers), "counting"))
    >>> list(length_of([7, 8]))
    ['counting', 'counting', 2]
    """
    return retold(work, lambda _: shown)
