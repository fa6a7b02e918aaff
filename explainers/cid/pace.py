"""When the processor looks at a device that does what it was given later: seldom, and not at what was just queued."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

from explainers.devices import works_ahead

Item = TypeVar("Item")
Frame = TypeVar("Frame")
# Between two frames; also the longest that whoever cancels waits, but for one chunk.
SECONDS = 0.05


class AllTrue:
    """Whether all flags of a round are true; where the device works ahead, as of the round before.

    Reading a flag of a round that was just queued would make the processor wait for all of that round, and the device
    then for the processor. A loop that goes on for one round more must lose nothing by it.

    >>> done = AllTrue()
    >>> done(torch.tensor([True, False])), done(torch.tensor([True, True]))
    (False, True)
    """

    def __init__(self) -> None:
        self._asked: tuple[Tensor, torch.Event] | None = None

    def __call__(self, flags: Tensor) -> bool:
        """Whether all of `flags` were true, of this round or of the one before."""
        if not works_ahead(flags.device):
            return bool(flags.all())
        before, copied = self._asked, torch.Event(flags.device)
        self._asked = flags.all().to("cpu", non_blocking=True), copied
        copied.record(torch.accelerator.current_stream(flags.device))
        if before is None:
            return False
        flag, arrived = before
        arrived.synchronize()
        return bool(flag)


def paced(
    items: Iterator[Item],
    device: torch.device,
    show: Callable[[Item], Frame],
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Frame]:
    """`show` of every item; where the device works ahead, of one in about `SECONDS`, and of the last.

    To show one is to copy it from the device, which waits for all that was queued before it. So the number of items
    between two frames is doubled while that takes less than half of `SECONDS`, and halved when it takes more than
    twice as long.
    """
    every, passed, started, waiting = 1, 0, clock(), None
    for item in items:
        passed, waiting = passed + 1, item
        if passed < every:
            continue
        frame, waiting = show(item), None
        spent = clock() - started
        yield frame
        if works_ahead(device):
            every = every * 2 if spent < SECONDS / 2 else max(1, every // 2) if spent > 2 * SECONDS else every
        passed, started = 0, clock()
    if waiting is not None:
        yield show(waiting)
