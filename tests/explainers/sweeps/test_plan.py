"""A plan's rows are the product of what was asked for, minus what is refused and what there is already."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.methods.registry import find_method
from explainers.networks.specs import SHIPPED
from explainers.sweeps.pictures import find_pictures
from explainers.sweeps.plan import LACKING, Plan, Problem, blocks, check_layers, parse_methods, swept_network, wanted
from tests.support.sweeps import NETWORK, QUICK, quick_plan, todo

LAYERS = ("conv1", "layer1.1", "layer2.1", "layer3.2", "fc")
METHODS = ("cid", "ru", "grad_cam", "saliency")


@settings(max_examples=30, deadline=None)
@given(
    layers=st.sets(st.sampled_from(LAYERS), min_size=1),
    methods=st.sets(st.sampled_from(METHODS), min_size=1),
    pictures=st.integers(1, 4),
    batch=st.integers(1, 3),
    skipped=st.integers(0, 40),
)
def test_rows_are_the_product_minus_refusals_and_what_is_done(layers, methods, pictures, batch, skipped):
    plan = quick_plan(pictures, layers=tuple(layers), methods=tuple(methods), batch=batch)
    network = swept_network(NETWORK)
    last = [layer.name for layer in network.layers if layer.name in layers][-1]
    expected = {
        (item.name, layer, method)
        for item in plan.items
        for layer in layers
        for method in methods
        if find_method(method).refuse(network, network.layer(layer)) is None
        and (find_method(method).uses_layer or layer == last)
    }
    everything = _cells(todo(plan))
    assert set(everything) == expected
    done = set(sorted(everything.values())[:skipped])
    left = _cells(todo(plan, done))
    assert set(left) == {cell for cell, row in everything.items() if row not in done}
    assert left.items() <= everything.items()
    assert not todo(plan, set(everything.values()))


def _cells(found) -> dict[tuple[str, str, str], str]:
    """Picture, layer and method of every row; none twice."""
    pairs = [
        ((item.name, cell.layer, cell.method), row)
        for block in found
        for cell in block.cells
        for item, row in zip(block.items, cell.rows, strict=True)
    ]
    assert len(dict(pairs)) == len({row for _, row in pairs}) == len(pairs)
    assert sum(block.count for block in found) == len(pairs)
    return dict(pairs)


def test_refusals_are_said_once():
    network = swept_network(NETWORK)
    cells, refused = wanted(quick_plan(methods=("cid", "ru")), network)
    assert cells == [("conv1", "cid"), ("conv1", "ru"), ("layer1.1", "cid")]
    assert [(one.layer, one.method) for one in refused] == [("layer1.1", "ru")]
    assert "decoder" in refused[0].reason


def test_all_layers_is_every_layer():
    network = swept_network(NETWORK)
    cells, _ = wanted(quick_plan(layers=None), network)
    assert [layer for layer, _ in cells] == [layer.name for layer in network.layers]


def test_a_layer_that_no_network_has_is_refused():
    with pytest.raises(ValueError, match=r"layers of the networks .*, got 'conv9'"):
        check_layers(quick_plan(layers=("conv1", "conv9")), [swept_network(NETWORK)])


def test_a_layer_that_one_of_the_networks_lacks_is_said():
    cells, lacking = wanted(quick_plan(layers=("conv1", "conv5")), swept_network(NETWORK))
    assert cells == [("conv1", "cid")]
    assert [(one.network, one.layer, one.reason) for one in lacking] == [(NETWORK, "conv5", LACKING)]


@pytest.mark.long
def test_two_weights_files_are_two_networks_that_stay_loaded(tmp_path):
    module = swept_network(NETWORK).module
    names = [str(tmp_path / place / "best.pt") for place in "ab"]
    for name in names:
        Path(name).parent.mkdir()
        torch.save(module.state_dict(), name)
    assert [swept_network(name).name for name in names] == names
    names += [spec.name for spec in SHIPPED if "resnet" in spec.name]
    everyone = [swept_network(name) for name in names]
    assert len(names) > 4
    assert all(swept_network(name) is one for name, one in zip(names, everyone, strict=True))


def test_concentration_is_a_column_of_cid():
    assert parse_methods(["concentration"]) == parse_methods(["cid", " concentration", "", " cid"]) == ("cid",)
    with pytest.raises(ValueError, match="expected names of methods"):
        parse_methods([" ", ""])
    with pytest.raises(ValueError, match="expected a method"):
        parse_methods(["sid"])


def test_pictures_that_are_gone_are_problems_and_the_rest_goes_on(tmp_path):
    from PIL import Image

    for name in "ab":
        Image.new("RGB", (40, 40)).save(tmp_path / f"{name}.png")
    items = find_pictures(str(tmp_path)).items
    (tmp_path / "a.png").unlink()
    plan = Plan((NETWORK,), ("conv1",), ("cid",), items, QUICK)
    problem, block = blocks(plan, set())
    assert isinstance(problem, Problem)
    assert problem.picture == "a.png"
    assert [item.name for item in block.items] == ["b.png"]
