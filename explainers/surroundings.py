"""Arithmetic as the weights' type says, whatever the caller has switched on around it."""

import threading
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import torch

Item = TypeVar("Item")
DEVICE_TYPES = ("cpu", "cuda", "mps")
# Where products of single precision may be rounded to fewer bits on the way: convolutions on NVIDIA's cards are unless
# told not to, to eleven bits, in which a difference of two features nearby is lost.
BACKENDS: Any = torch.backends
PRECISIONS = (
    *(BACKENDS.cuda.matmul, BACKENDS.cudnn.conv, BACKENDS.cudnn.rnn),
    *(BACKENDS.mkldnn.matmul, BACKENDS.mkldnn.conv, BACKENDS.mkldnn.rnn),
)
_lock = threading.Lock()
_found: list[str] = []
_within = 0


@contextmanager
def plain_arithmetic() -> Generator[None, None, None]:
    """Without the caller's autocast and inference mode, with gradients, and with all bits of single precision.

    >>> with torch.autocast("cpu", torch.bfloat16), plain_arithmetic():
    ...     (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
    torch.float32
    """
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(_all_bits())
        for kind in DEVICE_TYPES:
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield


@contextmanager
def _all_bits() -> Generator[None, None, None]:
    """These are switches of the process: the first thread that comes turns them, the last that goes turns them back."""
    global _within
    with _lock:
        if not _within:
            _found[:] = [place.fp32_precision for place in PRECISIONS]
            for place in PRECISIONS:
                place.fp32_precision = "ieee"
        _within += 1
    try:
        yield
    finally:
        with _lock:
            _within -= 1
            if not _within:
                for place, before in zip(PRECISIONS, _found, strict=True):
                    place.fp32_precision = before


def with_plain_arithmetic(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each computed within `plain_arithmetic`; between two of them the caller's own holds."""
    try:
        while True:
            with plain_arithmetic():
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item
    finally:
        if isinstance(items, Generator):
            items.close()
