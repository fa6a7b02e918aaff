"""Captum and Quantus use CID and RU as any attribution method of their own."""

import numpy as np
import pytest
import torch
from captum.attr import NoiseTunnel
from captum.metrics import infidelity, sensitivity_max
from torch import Tensor, nn

from explainers import CID, RU, CIDSettings
from explainers.cid.attribution import EntropyAttribution
from tests.support.draws import picture

QUICK = CIDSettings(probes=16, refine=False)


def network() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        # The last row and column of an even picture are not seen.
        head = (nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4))
        return nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.Tanh(), nn.Conv2d(6, 6, 3), *head).eval()


def methods() -> list[EntropyAttribution]:
    net = network()
    decoder = nn.Sequential(nn.Linear(150, 432), nn.Unflatten(1, (3, 12, 12)))
    return [CID(net, net[1]), RU(net, net[1], decoder)]


@pytest.mark.parametrize("method", methods(), ids=lambda method: type(method).__name__)
def test_importance_is_the_entropy_turned_round_and_finite(method: EntropyAttribution) -> None:
    x = picture()
    entropy, importance = method.attribute(x, QUICK), method.attribute(x, QUICK, importance=True)
    assert importance.shape == x.shape
    assert importance.isfinite().all()
    assert all(torch.equal(importance[:, 0], importance[:, channel]) for channel in (1, 2))
    used = entropy.isfinite()
    assert torch.equal(importance[:, :1][used], -entropy[used])
    assert isinstance(method, RU) or not used.all()
    for own, seen in zip(importance[:, :1], used, strict=True):
        assert seen.all() or own[~seen].max() == pytest.approx(own[seen].min() - 1)


@pytest.mark.parametrize("method", methods(), ids=lambda method: type(method).__name__)
def test_a_class_is_taken_and_not_used(method: EntropyAttribution) -> None:
    x = picture()
    expected = method.attribute(x, QUICK)
    assert torch.equal(method.attribute(x, QUICK, target=1), expected)
    (alone,) = method.attribute((x,), QUICK, target=torch.tensor([1, 2]), additional_forward_args=None)
    assert torch.equal(alone, expected)
    for inputs in (x, (x,)):
        with pytest.raises(ValueError, match="additional_forward_args"):
            method.attribute(inputs, QUICK, additional_forward_args=(1,))
    with pytest.raises(ValueError, match=r"expected settings out of beta, .* got 'baselines'"):
        method.attribute(x, QUICK, baselines=0)


@pytest.mark.parametrize("method", methods(), ids=lambda method: type(method).__name__)
def test_noise_tunnel_averages_it(method: EntropyAttribution) -> None:
    x = picture()
    torch.manual_seed(3)
    smooth = NoiseTunnel(method).attribute(x, nt_samples=3, stdevs=0.1, settings=QUICK, target=1)
    torch.manual_seed(3)
    noisy = torch.normal(x.repeat_interleave(3, 0), 0.1)
    each = method.attribute(noisy, QUICK).unflatten(0, (2, 3))
    assert smooth.shape == (2, 1, 12, 12)
    assert torch.allclose(smooth, each.mean(1), atol=1e-4)


def test_infidelity_and_sensitivity_of_captum() -> None:
    cid, x = methods()[0], picture()

    def perturb(inputs: Tensor) -> tuple[Tensor, Tensor]:
        noise = 0.1 * torch.randn(inputs.shape, generator=torch.Generator().manual_seed(2))
        return noise, inputs - noise

    maps = cid.attribute(x, QUICK, importance=True)
    found = infidelity(cid.forward_func, perturb, x, maps, target=1, n_perturb_samples=1)
    noise, other = perturb(x)
    with torch.no_grad():
        fall = (cid.forward_func(x) - cid.forward_func(other))[:, 1]
    assert torch.allclose(found, ((maps * noise).flatten(1).sum(1) - fall).square(), rtol=1e-4)
    changes = sensitivity_max(cid.attribute, x, n_perturb_samples=2, settings=QUICK, target=1, importance=True)
    assert changes.isfinite().all()
    assert (changes > 0).all()


def test_faithfulness_metrics_of_quantus(quantus) -> None:
    net, x = network(), picture().numpy()

    def explain(model: nn.Module, inputs: np.ndarray, targets: np.ndarray, **_: object) -> np.ndarray:
        cid = CID(model, model[1])
        return cid.attribute(torch.as_tensor(inputs), QUICK, target=torch.as_tensor(targets), importance=True).numpy()

    shared = {"abs": False, "normalise": True, "disable_warnings": True, "display_progressbar": False}
    for metric in (
        quantus.FaithfulnessCorrelation(nr_runs=5, subset_size=8, **shared),
        quantus.PixelFlipping(features_in_step=16, **shared),
        quantus.MonotonicityCorrelation(nr_samples=2, features_in_step=16, **shared),
    ):
        scores = metric(model=net, x_batch=x, y_batch=np.array([1, 2]), explain_func=explain, device="cpu")
        assert np.isfinite(np.asarray(scores, dtype=float)).all()
