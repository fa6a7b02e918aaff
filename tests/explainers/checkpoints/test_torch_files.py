"""Files of torch.save, read without unpickling: what torch reads is read the same; what would stop a server is not."""

import io
import pickle
import struct
import tempfile
import time
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import nn

from explainers.checkpoints.archives import TooManyEntries, open_archive
from explainers.checkpoints.errors import CheckpointError
from explainers.checkpoints.load import DTYPES, read_state_dict
from explainers.checkpoints.process import convert_apart
from tests.support.archives import zipped
from tests.support.hostile_weights import replaced, saved

BOTH = [True, False]
pytestmark = pytest.mark.filterwarnings("ignore:Detected pickle protocol")


@some.composite
def tensors(draw) -> torch.Tensor:
    """Of any type and shape, as a whole, transposed, or a part of a larger one."""
    shape = draw(some.lists(some.integers(0, 4), max_size=4))
    whole = torch.randint(0, 2, [2, *shape], generator=torch.Generator().manual_seed(draw(some.integers(0, 99))))
    whole = whole.to(draw(some.sampled_from(DTYPES)))
    part = whole[1] if draw(some.booleans()) else whole[1].clone()
    return part.transpose(0, -1) if len(shape) > 1 and draw(some.booleans()) else part


@settings(max_examples=80, deadline=None)
@given(
    some.dictionaries(some.text(min_size=1, max_size=5), tensors(), min_size=1, max_size=4),
    some.sampled_from(BOTH),
    some.sampled_from([None, "state_dict", "model"]),
)
def test_what_torch_writes_is_read_the_same(state, new, within):
    data = saved(
        OrderedDict(state) if within is None else {within: state, "epoch": 3}, _use_new_zipfile_serialization=new
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "weights.pt").write_bytes(data)
        found = read_state_dict(Path(folder) / "weights.pt")
    assert found.keys() == state.keys()
    for key, value in state.items():
        assert (found[key].dtype, found[key].shape) == (value.dtype, value.shape)
        assert torch.equal(bits(found[key]), bits(value))


def bits(value: torch.Tensor) -> torch.Tensor:
    return value.contiguous().flatten().view(torch.uint8)


@pytest.mark.parametrize("new", BOTH)
def test_a_checkpoint_of_a_training_gives_its_weights(new):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    optimiser = torch.optim.Adam(net.parameters())
    net(torch.randn(2, 1, 4, 4)).sum().backward()
    optimiser.step()
    checkpoint = {"net": net.state_dict(), "optimizer": optimiser.state_dict(), "epoch": 1, "betas": (0.9, 0.99)}
    data = saved(checkpoint, _use_new_zipfile_serialization=new)
    assert all(torch.equal(value, net.state_dict()[key]) for key, value in read_state_dict(data).items())
    parameters = saved(dict(net.named_parameters()), _use_new_zipfile_serialization=new)
    assert torch.equal(read_state_dict(parameters)["0.weight"], net[0].weight)


def doubling(depth: int) -> bytes:
    """A pickle of a dictionary whose key is a tuple of tuples, each the one before twice: 2^depth steps to hash."""
    twice = b"".join(b"h%ch%c\x86q%c" % (n, n, n + 1) for n in range(depth))
    return b"\x80\x02})q\x00" + twice + b"K\x01s."


def calling(module: str, name: str, argument: bytes) -> bytes:
    return b"\x80\x02}X\x01\x00\x00\x00wc" + f"{module}\n{name}\n".encode() + argument + b"\x85Rs."


def legacy(pickled: bytes) -> bytes:
    """The old format around a pickle."""
    plain = saved({}, _use_new_zipfile_serialization=False)
    start = plain.index(b"}q\x00.", plain.index(b"type_sizes")) - 2
    return plain[:start] + pickled + pickle.dumps([], 2)


def long_directory(count: int) -> bytes:
    """The directory of an archive that lists one entry `count` times."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count & 0xFFFF, count & 0xFFFF, len(entry) * count, 4, 0)
    return b"PK\x03\x04" + entry * count + end


def shared(count: int, size: int) -> bytes:
    """Many tensors that lie over each other in the file."""
    one = torch.zeros(size)
    return saved({str(number): one[number:] for number in range(count)})


BILLION = b"J\x00\xca\x9a\x3b"
ATTACKS = {
    "a key that takes for ever to hash": lambda: doubling(60),
    "the same in a list": lambda: doubling(60).replace(b"\x80\x02}", b"\x80\x02}]"),
    "a billion zeros": lambda: calling("builtins", "bytearray", BILLION),
    "a billion zeros in a tensor's place": lambda: calling("torch._utils", "_rebuild_parameter", BILLION),
    "a count of a billion zeros": lambda: calling("collections", "Counter", BILLION),
    "many dictionaries": lambda: b"\x80\x02" + b"}" * 12_000_000 + b".",
    "tuples in tuples": lambda: b"\x80\x02)" + b"\x85" * 1_000_000 + b".",
    "marks without an end": lambda: b"\x80\x02" + b"(" * 1_000_000 + b".",
    "a text of 4 GB": lambda: b"\x80\x02X\xff\xff\xff\xffabc.",
    "a line without an end": lambda: b"\x80\x02c" + b"a" * 10_000_000,
    "a name of another module": lambda: calling("torch.hub", "load", b"K\x01"),
}


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_a_file_that_would_stop_the_server_is_refused_by_the_other_process(name, form):
    pickled = ATTACKS[name]()
    data = replaced(saved({"w": torch.zeros(1)}), {"data.pkl": pickled}) if form == "zip" else legacy(pickled)
    with pytest.raises(CheckpointError, match=r"^expected"):
        read_state_dict(data)


ARCHIVES = {
    "a million files": lambda: long_directory(1_000_000),
    "one number as 2²⁸": lambda: saved({"w": torch.zeros(1).expand(1 << 28)}),
    "10,000 tensors over each other": lambda: shared(10_000, 20_000),
    "a file of LZMA": lambda: zipped({"a/data.pkl": bytes(1 << 20), "a/data/0": b""}, zipfile.ZIP_LZMA),
    "a file of bzip2": lambda: zipped({"a/data.pkl": bytes(1 << 20), "a/data/0": b""}, zipfile.ZIP_BZIP2),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_claims_more_than_it_holds_is_refused(name, tmp_path):
    data = ARCHIVES[name]()
    (tmp_path / "weights.pt").write_bytes(data)
    for source in (data, tmp_path / "weights.pt"):
        with pytest.raises(CheckpointError, match=r"^expected"):
            read_state_dict(source)


def test_a_directory_is_not_read_before_it_is_bounded():
    with pytest.raises(TooManyEntries):
        open_archive(io.BytesIO(long_directory(100_000)), 200)
    assert len(open_archive(io.BytesIO(long_directory(200)), 200).namelist()) == 200


def test_what_no_longer_interests_anybody_is_ended(monkeypatch):
    monkeypatch.setattr("explainers.checkpoints.process.PROGRAM", "import time\ntime.sleep(60)")
    ended = []

    def unwanted() -> None:
        ended.append(time.monotonic())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert_apart(bytes(1 << 20), unwanted)
    assert len(ended) == 1


def test_limits_of_time_end_the_other_process(monkeypatch):
    monkeypatch.setattr("explainers.checkpoints.process.PROGRAM", "while True: pass")
    monkeypatch.setattr("explainers.checkpoints.process.SECONDS", 0.3)
    with pytest.raises(CheckpointError, match="cannot"):
        convert_apart(b"data")


def test_limits_of_memory_end_the_other_process(monkeypatch):
    import explainers.checkpoints.process as process

    start = process.PROGRAM.replace("convert()", "").replace(" import convert", " import _limit")
    monkeypatch.setattr(process, "PROGRAM", f"{start}\n_limit(256 << 20)\nbytes(1 << 30)")
    with pytest.raises(CheckpointError, match="cannot"):
        convert_apart(b"data")
    monkeypatch.setattr(process, "PROGRAM", f"{start}\n_limit(256 << 20)\nbytes(1 << 20)")
    assert convert_apart(b"data") == b""


def test_python_2_wrote_ordered_dictionaries_with_their_items():
    class Old(OrderedDict):
        def __reduce__(self):
            return OrderedDict, ([[key, value] for key, value in self.items()],)

    assert torch.equal(read_state_dict(saved(Old(w=torch.ones(2))))["w"], torch.ones(2))
    assert isinstance(Counter(), dict)  # and no other dictionary is made
    with pytest.raises(CheckpointError, match="never loaded"):
        read_state_dict(saved({"w": Counter("a")}))
