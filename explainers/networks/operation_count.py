"""How many floating-point operations a computation takes.

By torch's own table for its operators. `torch.utils.flop_counter.FlopCounterMode` counts the same, but puts hooks on
every module of the process while it does: what another thread computes then runs through them, and fails.
"""

from collections.abc import Callable
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


def count_flops(compute: Callable[[], object]) -> int:
    """Floating-point operations of `compute()`, a multiplication and an addition as two; on this thread alone.

    >>> count_flops(lambda: torch.ones(2, 3) @ torch.ones(3, 4))
    48
    """
    with _Counter() as counter:
        compute()
    return counter.total


class _Counter(TorchDispatchMode):
    total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if (count := flop_registry.get(func._overloadpacket)) is not None:
            self.total += count(*args, **kwargs, out_val=result)
        return result
