"""Where the arithmetic runs: a graphics card where there is one, else the processor."""

import torch


def best_device() -> torch.device:
    """What PyTorch calls this machine's accelerator (CUDA, Apple's Metal, Intel's XPU …), else the CPU.

    >>> str(best_device()) in (device.partition(":")[0] for device in devices())
    True
    """
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


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
    kind = best_device().type
    if kind in ("cpu", "mps"):
        return tuple(dict.fromkeys((kind, "cpu")))
    return (*(f"{kind}:{i}" for i in range(torch.accelerator.device_count())), "cpu")


def works_ahead(device: torch.device) -> bool:
    """Whether the processor may queue work and copies there and go on, to wait for an event later.

    Metal is not counted: it knows no pinned memory.

    >>> works_ahead(torch.device("cpu")), works_ahead(torch.device("cuda"))
    (False, True)
    """
    return device.type not in ("cpu", "mps")


def computes_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is worth it there: a processor without such instructions imitates it, many times as slowly.

    Those are where oneDNN has them; without oneDNN, and on graphics cards before Ampere, they are imitated, too.

    >>> computes_bfloat16(torch.device("meta"))
    True
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return True


def _present(device: torch.device) -> bool:
    if device.type == "cpu" or device.type != best_device().type:
        return device.type == "cpu"
    return (device.index or 0) < torch.accelerator.device_count()
