"""Independent random streams of one seed, each found by its name and place, whatever was drawn before.

They are drawn by the processor, whatever computes with them: a seed means the same noise on every device.
"""

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explainers.devices import works_ahead

# Torch gives no types for what its functions here take.
TORCH_RANDOM: Any = torch.random


class Randomness:
    """`randomness("check", 3)` is the same generator every time, and unlike that of any other name or place.

    >>> draw = lambda: torch.rand(2, generator=Randomness(7)("check", 3)).tolist()
    >>> draw() == draw()
    True
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, name: str, place: int = 0) -> torch.Generator:
        """A generator of this name and place at its beginning, on the processor."""
        entropy = [self.seed, place, *name.encode()]
        state = int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> 1)
        return torch.Generator().manual_seed(state)


def normal(*shape: int, like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Independent N(0, 1), in the type and on the device of `like`; without a generator, of torch's own."""
    return sent(torch.randn(shape, generator=generator, dtype=like.dtype), like.device)


def random_signs(*shape: int, like: Tensor, generator: torch.Generator) -> Tensor:
    """Independent ±1 with equal probability, in the type and on the device of `like`."""
    drawn = sent(torch.randint(0, 2, shape, generator=generator, dtype=torch.int8), like.device)
    return drawn.to(like.dtype).mul_(2).sub_(1)


def sent(values: Tensor, device: torch.device) -> Tensor:
    """`values` of the processor on `device`, which goes on with its work meanwhile: pinned memory can be read by it."""
    return values.pin_memory().to(device, non_blocking=True) if works_ahead(device) else values.to(device)


def drawn_apart(device: torch.device | None = None) -> AbstractContextManager[None]:
    """Whatever is drawn within, the generators of the processor and of `device` are afterwards where they were.

    >>> before = torch.random.initial_seed()
    >>> with drawn_apart():
    ...     _ = torch.manual_seed(before + 1)
    >>> torch.random.initial_seed() == before
    True
    """
    device = device or torch.device("cpu")
    return TORCH_RANDOM.fork_rng([device] if works_ahead(device) else [], device_type=device.type)
