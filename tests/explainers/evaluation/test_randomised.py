"""Randomised weights and stability: the numbers of Quantus' metrics, laws, and nothing left behind."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from explainers import CIDSettings, load_network
from explainers.evaluation.judge import expected_passes, judge, judgeable
from explainers.evaluation.methods import Importance, importance, layer_titles
from explainers.evaluation.orders import ExplainFunction, centred_ranks
from explainers.evaluation.pictures import Birds, prepare
from explainers.evaluation.randomised import RandomisationSettings, randomise, randomised, shown_stages
from explainers.evaluation.stability import StabilitySettings, changed, stability
from explainers.streams import last
from tests.support.rounding import order_slack

CID = CIDSettings(refine=False, grid=8, probes=8)


@pytest.fixture(scope="module")
def network():
    return load_network("alexnet-birds")


@pytest.fixture(scope="module")
def pictures(network):
    return last(prepare(network, Birds(3)))


def weights(module: nn.Module) -> torch.Tensor:
    return torch.cat([tensor.detach().flatten().clone() for tensor in module.state_dict().values()])


@pytest.fixture
def seen(monkeypatch):
    """Every map that was ranked, in order: (pixels,) each, before its values became ranks."""
    maps: list[np.ndarray] = []

    def recorded(*arguments):
        made = importance(*arguments)
        maps.extend(made.values.double().flatten(1).numpy())
        return made

    monkeypatch.setattr("explainers.evaluation.orders.importance", recorded)
    return maps


def slacks(ours: list[np.ndarray], theirs: list[np.ndarray]) -> np.ndarray:
    """What the difference of two computations of the same maps may do to their orders; rounding and nothing more."""
    found = []
    for one, other in zip(ours, theirs, strict=True):
        # Some hundred operations of float32 one after the other, each off by 6e-8 of the largest value.
        assert np.abs(one - other).max() <= 1e-4 * np.abs(one).max()
        found.append(order_slack(one, other) + 1e-12)
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["saliency", "grad_cam", "lrp"])
@pytest.mark.long
def test_similarities_are_those_of_quantus_mprt(network, pictures, method, seen, quantus):
    layer, settings = network.layer("conv5"), RandomisationSettings(stages=99, batch=2, seed=5)
    ours = last(randomise(network, layer, method, pictures, settings))
    made = seen.copy()
    seen.clear()
    metric = quantus.MPRT(abs=False, normalise=False, disable_warnings=True, seed=5)
    explain = ExplainFunction(network, layer, method, settings)
    with torch.random.fork_rng():
        theirs = metric(
            network.module, pictures.images.numpy(), pictures.labels.numpy(), explain_func=explain, channel_first=True
        )
    assert theirs.pop("original") == pytest.approx([1, 1, 1])
    assert tuple(theirs) == ours.layers
    assert len(ours.layers) == 8
    # Quantus asks twice for the maps of the network as it is, then for those of each stage.
    found = slacks(made, seen[3:]).reshape(-1, 3)
    allowed = (found[0] + found[1:]).T
    assert np.all(np.abs(ours.similarity.numpy() - np.array(list(theirs.values())).T) <= allowed)
    # Near ties are few, or the comparison would say nothing.
    assert allowed.max() < 0.05


@pytest.mark.parametrize("method", ["saliency", "grad_cam"])
def test_changes_are_those_of_quantus_average_sensitivity(network, pictures, method, seen, quantus):
    """One call with five samples, instead of five with one."""
    layer, settings = network.layer("conv5"), StabilitySettings(batch=3)
    ours = last(stability(network, layer, method, pictures, settings))
    made = seen.copy()
    seen.clear()
    draws = iter([changed(network.std, settings.radius, [0, 0, sample]) for sample in range(5)])
    metric = quantus.AvgSensitivity(
        nr_samples=5,
        abs=False,
        normalise=False,
        perturb_func=lambda arr, **_: next(draws)(arr),
        disable_warnings=True,
    )
    explain = ExplainFunction(network, layer, method, settings)
    x, y = pictures.images.numpy(), pictures.labels.numpy()
    theirs = metric(network.module, x, y, explain(network.module, x, y), channel_first=True, explain_func=explain)
    # ‖r − r′‖ / ‖r‖ of two orders moves by no more than both of them turn.
    found = slacks(made, seen).reshape(-1, 3)
    assert np.all(np.abs(ours.changes.numpy() - theirs) <= found[0] + found[1:].mean(0))
    assert 0 < ours.change.mean < 2


@pytest.mark.parametrize(
    ("judging", "method"),
    [(RandomisationSettings(pictures=2, stages=2, cid=CID), "cid"), (StabilitySettings(pictures=1, cid=CID), "lrp")],
)
def test_network_and_random_states_stay_as_they_were_even_when_stopped_half_way(network, pictures, judging, method):
    before, torch_state, numpy_state = weights(network.module), torch.get_rng_state(), np.random.get_state()[1].copy()
    frames = judge(network, network.layer("conv5"), method, pictures, judging)
    for _ in range(3):
        next(frames)
        assert torch.equal(torch.get_rng_state(), torch_state)
    frames.close()
    assert torch.equal(weights(network.module), before)
    assert not network.module.training
    assert not any(part._forward_hooks or part._backward_hooks for part in network.module.modules())
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)


def test_the_cascade_ends_with_no_weight_as_it_was_and_copies_do_not_share_theirs(network):
    copies = list(randomised(network.module, stages=3))
    first, end = copies[0][1], copies[-1][1]
    trained = dict(network.module.named_parameters())
    for name, parameter in end.named_parameters():
        assert not torch.equal(parameter, trained[name])
    changed_first = [n for n, p in first.named_parameters() if not torch.equal(p, trained[n])]
    assert {name.rpartition(".")[0] for name in changed_first} == {copies[0][0]}


def test_what_a_layer_does_not_see_leaves_its_map_alone(network, pictures):
    """CID of conv4 keeps its order until conv4 itself is random."""
    settings = RandomisationSettings(pictures=1, stages=3, cid=CID)
    found = last(randomise(network, network.layer("conv4"), "cid", pictures, settings))
    assert found.layers == ("classifier.fc8", "features.conv4", "features.conv1")
    assert found.similarity[0, 0] == pytest.approx(1)
    assert found.similarity[0, 1] < 0.999


def test_a_map_of_the_picture_alone_never_changes_and_that_is_said(network, pictures, monkeypatch):
    module = "explainers.evaluation.orders.importance"
    monkeypatch.setattr(module, lambda net, layer, method, x, y, s: Importance(x.abs().sum(1, keepdim=True), (0, 0)))
    found = last(randomise(network, None, "saliency", pictures, RandomisationSettings(stages=2)))
    assert found.similarity.numpy() == pytest.approx(1)
    assert found.final.mean == pytest.approx(1)


def test_maps_drawn_anew_for_every_picture_are_unrelated(network, pictures, monkeypatch):
    """AvgSensitivity of ranks is √(2 (1 − ρ)), so √2 for unrelated orders."""
    draw = torch.Generator().manual_seed(0)
    module = "explainers.evaluation.orders.importance"
    monkeypatch.setattr(
        module, lambda net, layer, method, x, *_: Importance(torch.rand(len(x), 1, 64, 64, generator=draw), (0, 0))
    )
    found = last(stability(network, None, "saliency", pictures, StabilitySettings(radius=1e-6)))
    assert found.change.mean == pytest.approx(2**0.5, abs=0.02)


def test_ranks_are_those_of_spearman_and_a_constant_map_resembles_none():
    draw = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 1, 16, 16, generator=draw).round(decimals=1)
    maps[0, 0, 0, :3] = -torch.inf
    a, b = centred_ranks(maps).reshape(2, -1)
    assert a.mean() == pytest.approx(0)
    assert np.corrcoef(a, b)[0, 1] == pytest.approx(spearmanr(*maps.flatten(1).numpy())[0])
    constant = centred_ranks(torch.zeros(1, 1, 16, 16)).ravel()
    assert abs(np.corrcoef(a, constant)[0, 1]) < 0.2
    assert centred_ranks(torch.tensor([[[[1.0, float("nan"), 0.0]]]])).ravel()[1] < 0


def test_noise_stays_within_its_radius_of_full_brightness(network):
    noise = changed(network.std, 0.02, [1])(np.zeros((2, 3 * 16), dtype=np.float32))
    brightness = abs(noise.reshape(2, 3, 16)) * np.array(network.std)[:, None]
    assert brightness.max() <= 0.02 + 1e-6
    assert brightness.max(axis=(0, 2)) == pytest.approx(0.02, rel=0.3)


def test_a_random_order_is_refused_and_costs_are_counted(network):
    assert "neither" in judgeable("random", network, None, StabilitySettings())
    assert judgeable("saliency", network, None, StabilitySettings()) is None
    assert expected_passes("saliency", network, StabilitySettings(samples=5)) == 12
    assert expected_passes("saliency", network, RandomisationSettings(stages=3)) == 8
    assert len(shown_stages(network.module, 3)) == 3


def test_counted_passes_are_those_of_the_maps(network, pictures):
    frames = list(stability(network, None, "saliency", pictures, StabilitySettings(batch=3, samples=2)))
    assert [frame.count for frame in frames] == [0, 0, 3]
    assert frames[-1].progress == 1
    assert frames[-1].maps == 9
    assert frames[-1].passes == (1, 1)


def test_pictures_beyond_those_asked_for_are_not_looked_at(network, pictures):
    found = last(stability(network, None, "saliency", pictures, StabilitySettings(pictures=2, samples=1)))
    assert found.count == 2


def test_randomised_layers_have_the_shortest_name_that_tells_them_apart(network):
    assert layer_titles(("classifier.fc8", "features.conv5"), network) == ("fc8", "conv5")
    resnet = load_network("resnet20-cifar10")
    assert layer_titles(("layer3.2.conv1", "fc"), resnet) == ("layer3.2.conv1", "fc")
