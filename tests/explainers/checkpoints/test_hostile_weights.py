"""Weights files made to do harm: refused in one sentence, nothing run, nothing written, nothing large allocated."""

import builtins
import io
import json
import os
import pickle
import resource
import struct
import tarfile
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision import models

from explainers.checkpoints import load
from explainers.checkpoints.load import MAX_BYTES, CheckpointError, read_state_dict
from explainers.networks.architectures.resnet_cifar import ResNetCIFAR
from explainers.networks.catalogue import load_checkpoint, registered
from explainers.networks.recognised_specs import expected_of
from explainers.networks.recognition import recognise

ARCHITECTURE = "resnet20-cifar10"
pytestmark = pytest.mark.filterwarnings("ignore:Detected pickle protocol")


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


def zipped(entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


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


@pytest.mark.parametrize("way", range(len(planted(Path()))))
def test_planted_code_does_not_run(way, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bomb = planted(tmp_path)[way]
    inside = {"conv1.weight": torch.zeros(1), "payload": bomb}
    forms = [
        pickle.dumps(bomb),
        *(pickle.dumps(inside, protocol=protocol) for protocol in (0, 2, 4, 5)),
        saved(inside),
        saved(inside, _use_new_zipfile_serialization=False),
        saved({"state_dict": inside}),
        replaced(saved(state()), {"data.pkl": pickle.dumps(bomb, protocol=2)}),
        tar_with("pickle") + pickle.dumps(bomb),
    ]
    for data in forms:
        for source in (data, write(tmp_path / "in" / "weights.pt", data)):
            with pytest.raises(CheckpointError) as caught:
                load_checkpoint(ARCHITECTURE, source)
            one_sentence(caught.value, tmp_path)
    assert not hasattr(builtins, "PLANTED")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_the_planted_code_would_run_if_it_were_unpickled(tmp_path):
    # What the test above relies on: the payload is live.
    pickle.loads(pickle.dumps(planted(tmp_path)[1]))
    assert builtins.PLANTED
    del builtins.PLANTED
    torch.load(io.BytesIO(saved({"payload": planted(tmp_path)[2]})), weights_only=False)["payload"].close()
    assert (tmp_path / "planted").is_file()


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def one_sentence(error: Exception, folder: Path) -> None:
    text = str(error)
    assert text.startswith("expected")
    assert "\n" not in text
    assert len(text) < 1200
    assert str(folder) not in text


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
SHARED = torch.zeros(1)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_one_sentence(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    data = HOSTILE[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for source in (data, write(tmp_path / "in" / "weights.pt", data)):
        with pytest.raises(CheckpointError) as caught:
            load_checkpoint(ARCHITECTURE, source)
        one_sentence(caught.value, tmp_path)
    # In KiB: what a refused file claims is never allocated.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert not Path("/tmp/planted").exists()


def test_the_largest_size_is_refused_before_it_is_read(tmp_path):
    large = tmp_path / "large.pt"
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # sparse: it takes no room
    with pytest.raises(CheckpointError, match="at most 1 GiB of weights"):
        read_state_dict(large)


def test_a_wrong_type_of_float_is_converted_and_a_good_file_is_not_refused():
    for dtype in (torch.float16, torch.bfloat16, torch.float64, torch.float8_e5m2):
        kept = {key: value.to(dtype) if value.is_floating_point() else value for key, value in state().items()}
        module = load_checkpoint(ARCHITECTURE, saved(kept)).module
        assert all(value.dtype in (torch.float32, torch.int64) for value in module.state_dict().values())
        assert torch.equal(module.state_dict()["fc.weight"], kept["fc.weight"].float())


def test_a_network_is_bounded_by_what_it_takes_and_not_by_what_was_stored(monkeypatch):
    half = saved({key: value.half() if value.is_floating_point() else value for key, value in state().items()})
    whole = sum(value.numel() * value.element_size() for value in state().values())
    monkeypatch.setattr(load, "MAX_BYTES", whole - 1)
    assert len(half) < whole
    with pytest.raises(CheckpointError, match="1 GiB in float32"):
        load_checkpoint(ARCHITECTURE, half)
    monkeypatch.setattr(load, "MAX_BYTES", whole)
    assert load_checkpoint(ARCHITECTURE, half).module is not None


class Largest(TorchDispatchMode):
    """Bytes of the largest storage that torch makes in the processor's memory."""

    bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        for value in found if isinstance(found, tuple | list) else [found]:
            if isinstance(value, torch.Tensor) and value.device.type == "cpu":
                self.bytes = max(self.bytes, value.untyped_storage().nbytes())
        return found


def test_recognising_takes_no_memory_for_weights():
    """Of a VGG-16 with widths of its own, which every way to recognise is tried for; its weights take 528 MB."""
    with torch.device("meta"):
        shapes = {key: value.shape for key, value in models.vgg16(num_classes=5).state_dict().items()}
    narrow = {key: tuple(24 if length == 64 else length for length in shape) for key, shape in shapes.items()}
    one = {key: torch.zeros(1).expand(shape) for key, shape in narrow.items()}
    # What was built before would not be built again.
    expected_of.cache_clear()
    with Largest() as largest:
        (found,) = recognise(registered().values(), {"": one})
    assert "VGG-16" in found.spec.title
    assert largest.bytes < 1 << 20
