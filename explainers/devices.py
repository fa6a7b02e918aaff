"""Where the arithmetic runs: a graphics card where there is one, else the processor."""

import torch


def best_device() -> torch.device:
    """CUDA, else Apple's Metal, else the CPU.

    >>> best_device().type in ("cuda", "mps", "cpu")
    True
    """
    return torch.device("cuda" if torch.cuda.is_available() else "mps" if _metal() else "cpu")


def parse_device(name: str | torch.device | None = None) -> torch.device:
    """The device called `name` ("cpu", "cuda", "cuda:1", "mps"); the best there is for None or "auto".

    Raises ValueError for a device that this machine does not have.

    >>> parse_device("cpu")
    device(type='cpu')
    """
    if name is None or name == "auto":
        return best_device()
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or not _present(device):
        raise ValueError(f"expected a device of this machine ({', '.join(devices())} or auto), got '{name}'")
    return device


def devices() -> tuple[str, ...]:
    """The names that `parse_device` takes here, the best first.

    >>> devices()[-1]
    'cpu'
    """
    cuda = tuple(f"cuda:{i}" for i in range(torch.cuda.device_count())) if torch.cuda.is_available() else ()
    return (*cuda, *(("mps",) if _metal() else ()), "cpu")


def works_ahead(device: torch.device) -> bool:
    """Whether the processor may queue work and copies there and go on, to wait for an event later.

    Metal is not counted: it knows no pinned memory.

    >>> works_ahead(torch.device("cpu")), works_ahead(torch.device("cuda"))
    (False, True)
    """
    return device.type not in ("cpu", "mps")


def _metal() -> bool:
    return torch.backends.mps.is_available()


def _present(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    return device.type == "cpu" or (device.type == "mps" and _metal())
