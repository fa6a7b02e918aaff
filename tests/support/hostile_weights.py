"""Files of weights that are none, lie, or would run code."""

import builtins
import io
import json
import os
import struct
import tarfile
import zipfile
from collections import OrderedDict
from pathlib import Path

import safetensors.torch
import torch

from explainers.networks.architectures.resnet_cifar import ResNetCIFAR
from tests.support.archives import zipped

ARCHITECTURE = "resnet20-cifar10"


def saved(value, **options) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def state() -> dict:
    torch.manual_seed(0)
    return ResNetCIFAR(20, classes=3).state_dict()


class Runs:
    """Unpickling it calls `function(*arguments)`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def replaced(data: bytes, changes: dict[str, bytes]) -> bytes:
    """A file of torch.save with other contents, stored as torch.save would."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    return zipped({name: changes.get(name.partition("/")[2], old) for name, old in entries.items()})


def safe(header: dict, data: bytes = b"", size: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


def tensor(shape: list[int], start: int, end: int, dtype: str = "F32") -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def tar_with(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = 7
        archive.addfile(entry, io.BytesIO(b"planted"))
    return buffer.getvalue()


def planted(folder: Path) -> list:
    """Ways to run code or to write a file while a pickle is read."""
    mark = str(folder / "planted")
    return [
        Runs(os.system, f"touch {mark}"),
        Runs(exec, "import builtins; builtins.PLANTED = True"),
        Runs(open, mark, "w"),
        Runs(builtins.eval, f"open({mark!r}, 'w')"),
        Runs(torch.load, mark),
        Runs(torch.hub.load_state_dict_from_url, "http://127.0.0.1:9/planted.pth"),
        Runs(Path.touch, folder / "planted"),
        Runs(torch.jit.load, mark),
    ]


def recursive() -> dict:
    loop: dict = {}
    loop["state_dict"] = loop
    return loop


def lying_storage() -> bytes:
    """The old format names a storage of 10¹² values and brings three."""
    data = saved(OrderedDict(w=torch.ones(3)), _use_new_zipfile_serialization=False)
    short = b"K\x03Nt"  # the number 3, None, and the end of the tuple
    assert data.count(short) == 1
    return data.replace(short, b"\x8a\x06" + (10**12).to_bytes(6, "little") + b"Nt")


def mislead(shape: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    """torch.save's own format, with a tensor that claims more than its storage holds."""

    class Claims(torch.Tensor):
        def __reduce_ex__(self, protocol):
            function, arguments = torch.ones(4).__reduce_ex__(protocol)
            return function, (*arguments[:2], shape, stride, *arguments[4:])

    return saved({"w": torch.ones(4).as_subclass(Claims)})


def doubled() -> bytes:
    one, other = (json.dumps({"a": tensor([1], start, start + 4)})[1:-1] for start in (0, 4))
    text = f"{{{one}, {other}}}".encode()
    return struct.pack("<Q", len(text)) + text + bytes(8)


A, B = tensor([2], 0, 8), tensor([2], 4, 12)
SHARED = torch.zeros(1)
HOSTILE = {
    "path in a key": lambda: saved(state() | {"../../../etc/passwd": torch.zeros(1)}),
    "path in a safetensors key": lambda: safetensors.torch.save(state() | {"/etc/passwd": torch.zeros(1)}),
    "lines and markup in a key": lambda: saved(state() | {"a\nTraceback:\n\x1b[31m": torch.zeros(1)}),
    "a key of a megabyte": lambda: saved(state() | {"k" * 1_000_000: torch.zeros(1)}),
    "a key of a megabyte under a number": lambda: saved({"k" * 1_000_000: 1}),
    "paths in the archive": lambda: zipped({"../../planted": b"x", "/tmp/planted": b"x", "a/data.pkl": b"\x80\x02}."}),
    "not a number": lambda: saved(state() | {"fc.bias": torch.full((3,), torch.nan)}),
    "infinity": lambda: safetensors.torch.save(state() | {"fc.bias": torch.full((3,), -torch.inf)}),
    "complex": lambda: saved(state() | {"fc.bias": torch.zeros(3, dtype=torch.complex64)}),
    "integers": lambda: saved(state() | {"fc.bias": torch.zeros(3, dtype=torch.int32)}),
    "quantised": lambda: saved(state() | {"fc.bias": torch.quantize_per_tensor(torch.zeros(3), 1, 0, torch.qint8)}),
    "sparse": lambda: saved(state() | {"fc.bias": torch.zeros(3).to_sparse()}),
    "a complex counter": lambda: saved(state() | {"bn1.num_batches_tracked": torch.tensor(1j)}),
    "a meta tensor": lambda: saved(state() | {"fc.bias": torch.zeros(3, device="meta")}),
    "10⁹ classes, one stored value": lambda: saved(
        state() | {"fc.weight": torch.zeros(1, 1).expand(10**9, 64), "fc.bias": torch.zeros(1).expand(10**9)}
    ),
    "10⁹ classes without columns": lambda: saved(state() | {"fc.weight": torch.zeros(10**9, 0)}),
    "10⁹ classes in the header": lambda: safe({"fc.weight": tensor([10**9, 64], 0, 256 * 10**9)}, b"\0" * 64),
    "2⁶² values": lambda: saved({"w": torch.zeros(1).expand(1 << 62)}),
    "a dictionary in itself": lambda: saved(recursive()),
    "100,000 entries": lambda: saved({str(i): SHARED for i in range(100_000)}),
    "zip bomb": lambda: zipped({"a/data.pkl": saved({}), "a/data/0": bytes(1 << 26)}, zipfile.ZIP_DEFLATED),
    "archive that lies about sizes": lambda: saved(state()).replace(b"PK\x01\x02", b"PK\x01\x03", 1),
    "cut archive": lambda: saved(state())[:5000],
    "archive without an end": lambda: b"PK\x03\x04" + bytes(100_000),
    "storage of 10¹² values": lying_storage,
    "more values than stored": lambda: mislead((10**6,), (1,)),
    "values before the beginning": lambda: mislead((2,), (-1,)),
    "TorchScript": lambda: zipped({"a/constants.pkl": b"\x80\x02).", "a/data.pkl": b"\x80\x02}.", "a/version": b"3"}),
    "tar that leads out": lambda: tar_with("../../planted"),
    "overlapping tensors": lambda: safe({"a": A, "b": B}, bytes(12)),
    "tensors with a hole": lambda: safe({"a": A, "b": tensor([2], 12, 20)}, bytes(20)),
    "beyond the end": lambda: safe({"a": tensor([1 << 40], 0, 1 << 42)}, bytes(16)),
    "shape that is not its size": lambda: safe({"a": tensor([100], 0, 8)}, bytes(8)),
    "size that overflows": lambda: safe({"a": tensor([1 << 33, 1 << 33], 0, 8)}, bytes(8)),
    "offsets the wrong way": lambda: safe({"a": tensor([2], 8, 0)}, bytes(8)),
    "header longer than the file": lambda: safe({"a": A}, bytes(8), size=1 << 20),
    "header of 2⁶³ bytes": lambda: safe({"a": A}, bytes(8), size=1 << 63),
    "unknown type": lambda: safe({"a": tensor([2], 0, 8, "F99")}, bytes(8)),
    "the same name twice": doubled,
}
