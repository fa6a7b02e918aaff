"""Arithmetic as the weights' type says, whatever the caller has switched on around it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

import torch

Item = TypeVar("Item")
DEVICE_TYPES = ("cpu", "cuda", "mps")


@contextmanager
def plain_arithmetic() -> Iterator[None]:
    """Without the caller's autocast and inference mode, and with gradients.

    >>> with torch.autocast("cpu", torch.bfloat16), plain_arithmetic():
    ...     (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
    torch.float32
    """
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for kind in DEVICE_TYPES:
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield


def with_plain_arithmetic(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each computed within `plain_arithmetic`; between two of them the caller's own holds."""
    nothing = object()
    try:
        while True:
            with plain_arithmetic():
                item = next(items, nothing)
            if item is nothing:
                return
            yield item
    finally:
        items.close()
