"""What is encoded comes back equal, and nothing comes back from what was not encoded."""

import json
import pickle
from dataclasses import dataclass, fields, is_dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from torch import nn

from explainers.baselines.explain import explain
from explainers.cid.explain import CID
from explainers.cid.results import CIDSettings, RUResult
from explainers.evaluation.scores import Scores
from explainers.storage.records import KNOWN, BrokenRecord, decode, encode
from tests.support.records import same

NUMBERS = st.one_of(st.integers(-(2**60), 2**60), st.floats(), st.booleans(), st.none(), st.text())
ARRAYS = arrays(
    st.sampled_from(["float32", "float64", "int64", "uint8", "bool"]), array_shapes(min_dims=0, max_dims=3, min_side=0)
)
VALUES = st.recursive(
    st.one_of(NUMBERS, ARRAYS, ARRAYS.map(lambda array: torch.from_numpy(array.copy()))),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


@dataclass(frozen=True)
class Foreign:
    number: int = 1


def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 4)).eval()


def cid_result():
    return CID(linear(), "1").explain(torch.rand(2, 3, 4, 4), CIDSettings(refine=False, grid=4))


def ru_result():
    cid = cid_result()
    return RUResult(
        **{field.name: getattr(cid, field.name) for field in fields(cid)},
        reconstruction=torch.rand(2, 3, 4, 4),
        error=torch.rand(2),
        decoder_share=torch.rand(2),
    )


def explanation():
    return explain("input_x_gradient", linear(), None, torch.rand(2, 3, 4, 4), target=1)


def scores():
    return Scores("cid", 2, 1.0, (3, 4.5), 2, 0.1, 0.2, (0.0, 0.5), torch.rand(2), torch.ones(2, 2) > 0, (0.25,), True)


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_any_value_comes_back_to_the_last_bit(value):
    assert same(decode(*encode(value)), value)


@pytest.mark.parametrize("made", [cid_result, ru_result, explanation, scores], ids=lambda made: made.__name__)
def test_records_come_back_to_the_last_bit(made):
    record = made()
    assert same(decode(*encode(record)), record)


def test_tensors_that_are_parts_of_others_are_kept_alone():
    whole = torch.arange(1_000_000.0)
    first, turned = whole[:2], whole[:6].view(2, 3).T
    text, data = encode((first, turned, first))
    assert len(data) < 1000
    assert same(decode(text, data), (first, turned.contiguous(), first))


def test_numbers_of_numpy_and_arrays_of_any_order_are_kept():
    backwards = np.arange(6.0)[::-1]
    locked = np.arange(3)
    locked.flags.writeable = False
    number, array, other = decode(*encode((np.float32(1.5), backwards, locked)))
    assert number == 1.5
    assert array.tolist() == backwards.tolist()
    assert other.tolist() == [0, 1, 2]


@pytest.mark.parametrize("value", [Foreign(), [1], {"a": [1]}, {1}, len, nn.ReLU(), (1, (Foreign(),))], ids=repr)
def test_other_types_are_refused_when_written(value):
    with pytest.raises(TypeError, match="expected a record of a known type"):
        encode(value)


def test_every_known_type_exists():
    for name, (module, version) in KNOWN.items():
        found = getattr(__import__(module, fromlist=[name]), name)
        assert is_dataclass(found)
        assert found.__module__ == module
        assert version >= 1


def broken_texts():
    text, _ = encode(CIDSettings())
    record = json.loads(text)
    yield "another version", record | {"version": 99}
    yield "an unknown type", record | {"record": "Popen"}
    yield "a field too few", record | {"fields": {"beta": 1e-4}}
    yield "a field too many", record | {"fields": record["fields"] | {"more": 1}}
    yield "a field of another type", record | {"fields": record["fields"] | {"seed": "0"}}
    yield "a value out of range", record | {"fields": record["fields"] | {"beta": 7}}
    yield "a tensor that is not there", {"tensor": "0"}
    yield "a list", [1]
    yield "an object", {"py/object": "os.system"}


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in broken_texts()])
def test_text_that_is_no_record_is_refused(content):
    with pytest.raises(BrokenRecord):
        decode(json.dumps(content).encode(), encode(1)[1])


def test_a_pickle_is_refused_and_not_run(tmp_path):
    class Planted:
        def __reduce__(self):
            return (open, (str(tmp_path / "run"), "w"))

    planted = pickle.dumps(Planted())
    text, data = encode(torch.zeros(3))
    for broken in (
        (planted, data),
        (text, planted),
        (text, data[:-1]),
        (text, b""),
        (b"\xff", data),
        (b"[" * 9999, data),
    ):
        with pytest.raises(BrokenRecord):
            decode(*broken)
    assert not (tmp_path / "run").exists()


def test_a_subclass_is_not_taken_for_its_parent():
    result = cid_result()
    assert type(decode(*encode(replace(result, progress=0.5)))) is type(result)
    assert type(decode(*encode(ru_result()))) is RUResult
