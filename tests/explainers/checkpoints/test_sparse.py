"""Weights stored by their values and bits come back bit by bit; what does not fit together is one sentence."""

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from explainers.checkpoints.errors import CheckpointError
from explainers.checkpoints.load import read_state_dict
from explainers.checkpoints.sparse import BITS, MINUS, SHAPE, VALUES, pack, unpack
from explainers.networks.specs import NETWORKS, PRUNED, pruned_name

DTYPES = (
    *(torch.float16, torch.float32, torch.float64, torch.bfloat16, torch.float8_e5m2),
    *(torch.int64, torch.uint8, torch.uint16, torch.complex64),
)


def words(value):
    """A tensor's bytes, which tell −0 from 0 and one NaN from another."""
    return value.contiguous().flatten().view(torch.uint8)


def sparse(shape, share, dtype=torch.float32, seed=0):
    """Random numbers of which about `share` are not zero; half of the zeros have a minus, where there is one."""
    generator = torch.Generator().manual_seed(seed)
    value = 9 * torch.randn(shape, generator=generator)
    value = value * (torch.rand(shape, generator=generator) < share)
    return value.abs().to(dtype) if dtype in (torch.uint8, torch.uint16) else value.to(dtype)


@given(
    st.lists(st.integers(0, 9), max_size=4).map(tuple),
    st.floats(0, 1),
    st.sampled_from(DTYPES),
    st.integers(0, 2**31),
)
def test_it_comes_back_bit_by_bit(shape, share, dtype, seed):
    state = {"a.weight": sparse(shape, share, dtype, seed), "a.bias": torch.ones(3), "b": torch.full((40,), torch.nan)}
    packed = pack(state)
    stored = safetensors.torch.load(safetensors.torch.save(packed))
    again = unpack(stored)
    assert again.keys() == state.keys()
    for name, value in state.items():
        assert again[name].shape == value.shape
        assert again[name].dtype == value.dtype
        assert torch.equal(words(again[name]), words(value))
    taken = sum(len(words(value)) for value in packed.values())
    assert taken <= sum(len(words(value)) for value in state.values())


def test_what_has_few_zeros_stays_as_it_is():
    state = {"weight": sparse((8, 8), 1.0)}
    assert pack(state).keys() == {"weight"}
    assert unpack(state).keys() == {"weight"}


def test_names_of_others_stay():
    state = {"norm.shape": torch.tensor([2]), "half.bitmask": torch.ones(1), "a#bits": torch.ones(1)}
    assert unpack(state).keys() == state.keys()


LIES = {
    "a longer shape": {SHAPE: torch.tensor([64, 3])},
    "a negative shape": {SHAPE: torch.tensor([-8, -8])},
    "a shape of fractions": {SHAPE: torch.tensor([8.0, 8.0])},
    "no shape of one row": {SHAPE: torch.tensor([[8, 8]])},
    "too few values": {VALUES: torch.ones(1)},
    "values in rows": {VALUES: torch.ones(2, 2)},
    "bits too few": {BITS: torch.zeros(3, dtype=torch.uint8)},
    "bits that are none": {BITS: torch.zeros(8)},
    "a shape without end": {SHAPE: torch.full((60_000,), 2**62)},
    "a shape that overflows": {SHAPE: torch.tensor([2**62, 2**62, 0])},
    "values of another kind": {VALUES: torch.ones(9, dtype=torch.uint16)},
    "one that is whole already": {"": torch.ones(8, 8)},
    "signs too many": {MINUS: torch.zeros(90, dtype=torch.uint8)},
}


@pytest.mark.parametrize("lie", LIES)
def test_what_does_not_fit_together_is_one_sentence(lie, tmp_path):
    packed = pack({"fc.weight": sparse((8, 8), 0.2)})
    packed |= {"fc.weight" + ending: value for ending, value in LIES[lie].items()}
    file = tmp_path / "weights.safetensors"
    file.write_bytes(safetensors.torch.save(packed))
    with pytest.raises(CheckpointError, match=r"^expected values, bits and shape .* under 'fc.weight', got such "):
        read_state_dict(file)


@pytest.mark.parametrize("ending", [BITS, SHAPE])
def test_a_part_that_is_missing_is_one_sentence(ending):
    packed = pack({"fc.weight": sparse((8, 8), 0.2)})
    del packed["fc.weight" + ending]
    with pytest.raises(CheckpointError, match="expected values, bits and shape"):
        unpack(packed)


def test_bytes_of_a_stranger_are_never_unpacked():
    packed = pack({"fc.weight": sparse((8, 8), 0.2)})
    assert read_state_dict(safetensors.torch.save(packed)).keys() == packed.keys()


def test_bits_behind_the_last_value_are_not_taken_for_one():
    packed = pack({"weight": sparse((9, 7), 0.1)})
    packed["weight" + BITS][-1] |= 128
    packed["weight" + VALUES] = torch.cat([packed["weight" + VALUES], torch.ones(1)])
    with pytest.raises(CheckpointError, match="expected values, bits and shape"):
        unpack(packed)


def test_a_few_bits_that_stand_for_too_much_are_refused_before_they_are_spread():
    count = 2**28 + 8
    packed = {
        "fc.weight" + VALUES: torch.zeros(0, dtype=torch.float64),
        "fc.weight" + BITS: torch.zeros(count // 8, dtype=torch.uint8),
        "fc.weight" + SHAPE: torch.tensor([count]),
    }
    with pytest.raises(CheckpointError, match="expected at most 1 GiB of weights"):
        unpack(packed)


@pytest.mark.parametrize("percent", PRUNED)
def test_a_pruned_network_that_ships_takes_little_more_than_what_is_left_of_it(percent):
    path = NETWORKS / f"{pruned_name(percent)}.safetensors"
    state = read_state_dict(path)
    total = sum(value.numel() for value in state.values())
    left = sum(int((value != 0).sum()) for value in state.values())
    assert left == round(percent / 100 * total)
    # Two bytes for each that is left, two bits for all: whether it is there, and the sign of its zero.
    assert path.stat().st_size < 2 * left + total / 4 + 10_000
