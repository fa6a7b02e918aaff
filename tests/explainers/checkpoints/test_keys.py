"""Names in weights files: whatever wrapped the network, the same weights are found, and never another set's."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations, prune
from torch.optim.swa_utils import AveragedModel

from explainers.checkpoints.keys import PROFILED, WRAPPERS, alignments, merged
from explainers.checkpoints.load import CheckpointError, expected_shapes, read_weight_sets
from explainers.networks.architectures.resnet_cifar import ResNetCIFAR
from explainers.networks.catalogue import load_checkpoint
from tests.support.hostile_weights import saved

CLASSES = 7


def build(classes: int) -> nn.Module:
    return ResNetCIFAR(8, classes)


EXPECTED = expected_shapes(build)


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return build(CLASSES).state_dict()


def same(found, state) -> bool:
    return found.complete and all(found.state[key] is state[key] for key in EXPECTED if "num_batches" not in key)


SEGMENTS = st.lists(st.sampled_from(sorted(WRAPPERS)), max_size=2).map(lambda parts: "".join(f"{p}." for p in parts))
PREFIXES = st.sampled_from(["", "model.", "net.", "backbone.", "encoder.", "model.backbone.", "model_q."])


@settings(max_examples=60, deadline=None)
@given(data=st.data(), prefix=PREFIXES, head=st.sampled_from(["fc", "linear", "head", "classifier", "fc.1"]))
def test_wrappers_anywhere_prefixes_other_heads_and_counters_change_nothing(state, data, prefix, head):
    wrapped = {}
    around = {key: data.draw(SEGMENTS) for key in ("", "conv1", "layer1", "layer1.0", "layer3.0.conv2", "fc")}
    for key, value in state.items():
        name = key
        for module in sorted(around, key=len, reverse=True):
            if key.startswith(f"{module}." if module else ""):
                name = f"{module}.{around[module]}{name.removeprefix(module + '.')}" if module else around[""] + name
        name = name.replace("fc.", f"{head}.", 1) if key.startswith("fc.") else name
        wrapped[prefix + name] = value
    if data.draw(st.booleans()):
        wrapped = {key: value for key, value in wrapped.items() if "num_batches" not in key}
    wrapped |= {"n_averaged": torch.tensor(3), "val_acc.tp": torch.zeros(CLASSES, dtype=torch.int64)}
    wrapped |= {f"{prefix}val_loss.sum": torch.tensor(0.5)}
    found = alignments(EXPECTED, wrapped)
    assert same(found[0], state)
    assert sum(one.complete for one in found) == 1


@pytest.mark.long
def test_torch_s_own_wrappers_are_seen_through(state):
    net = build(CLASSES)
    net.load_state_dict(state)
    inner = build(CLASSES)
    inner.load_state_dict(state)
    inner.layer2 = nn.DataParallel(inner.layer2)
    for wrapped in (AveragedModel(net), nn.DataParallel(net), torch.compile(net), inner):
        found = alignments(EXPECTED, wrapped.state_dict())[0]
        assert found.complete
        assert all(torch.equal(found.state[key], state[key]) for key in found.state)


def test_pruned_and_normalised_weights_are_put_together():
    for change in (
        lambda conv: prune.l1_unstructured(conv, "weight", 0.5),
        parametrizations.weight_norm,
        nn.utils.weight_norm,
    ):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2))
        change(net[0])
        x = torch.randn(2, 3, 3, 3)
        plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2))
        plain.load_state_dict(merged(net.state_dict()))
        # Two ways to divide by a norm may differ in the last bit of each weight.
        torch.testing.assert_close(plain(x), net(x), rtol=1e-5, atol=1e-6)


def test_parts_that_do_not_belong_together_are_left_alone():
    apart = {"a_orig": torch.zeros(2, 3), "a_mask": torch.zeros(3), "b_g": torch.zeros(2), "b_v": torch.zeros(2, 3)}
    assert merged(apart) == apart


@pytest.mark.parametrize("average", ["model_ema", "state_dict_ema", "ema", "teacher"])
def test_sets_of_weights_are_told_apart(average, state):
    other = {key: value + 1 for key, value in state.items()}
    sets = read_weight_sets(saved({"epoch": 1, "model": state, average: {"module": other}, "optimizer": {"state": {}}}))
    assert list(sets) == ["model", f"{average}/module"]
    assert torch.equal(sets[f"{average}/module"]["fc.bias"], other["fc.bias"])


def test_an_averaged_copy_among_the_names_is_a_second_set(state):
    flat = {f"model.{k}": v for k, v in state.items()} | {f"ema_model.module.{k}": v + 1 for k, v in state.items()}
    complete = [found for found in alignments(EXPECTED, flat) if found.complete]
    assert {found.prefix for found in complete} == {"model.", "ema_model."}


def test_a_surplus_layer_is_not_a_counter(state):
    for extra in ({"layer1.0.se.weight": torch.zeros(16, 16)}, {"extra.weight": torch.zeros(1)}):
        found = alignments(EXPECTED, state | extra)[0]
        assert found.unexpected == tuple(extra)


def test_what_a_profiler_left_in_every_module_is_no_layer(state):
    left = {f"{layer}{name}": torch.zeros(1).double() for layer in ("", "layer1.0.", "fc.") for name in PROFILED}
    found = alignments(EXPECTED, state | left)[0]
    assert found.complete
    assert not found.unexpected


def test_two_layers_that_could_be_the_last_are_not_chosen_between(state):
    heads = {"linear.weight": state["fc.weight"], "linear.bias": state["fc.bias"]}
    heads |= {"rotation.weight": state["fc.weight"][:4], "rotation.bias": state["fc.bias"][:4]}
    found = alignments(EXPECTED, {k: v for k, v in state.items() if not k.startswith("fc.")} | heads)[0]
    assert set(found.missing) == {"fc.weight", "fc.bias"}


@pytest.mark.long
def test_a_name_of_many_segments_costs_no_time(state):
    long = {"a." * 500_000 + "weight": torch.zeros(1, 1)}
    with pytest.raises(CheckpointError, match="1 unexpected"):
        load_checkpoint("resnet20-cifar10", saved(ResNetCIFAR(20).state_dict() | long))
