"""The app with a network that labels every pixel: its answer, its pictures, and what does not apply to it."""

from functools import cache

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from app.address.worlds import fitting
from app.figures.segmentation import segmentation_figure
from app.figures.style import LIGHT
from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture, gallery
from app.jobs.backend import the_backend
from explainers.baselines.explain import METHODS, applies, attribute
from explainers.methods.network_input import NetworkInput
from explainers.networks.catalogue import Network, load_network
from tests.support.pages import page, until


@cache
def network() -> Network:
    return load_network("unet-membranes")


@cache
def network_input() -> NetworkInput:
    return prepare(network(), find_picture("tissue/0", 96))


def visit(view: str, **query: str) -> AppTest:
    return page(view, **{"network": "unet-membranes", "picture": "tissue/0"} | query).run()


@pytest.mark.usefixtures("fresh_backend")
def test_the_answer_is_a_share_of_the_pixels_and_a_map():
    shares = dict(the_backend().predictions(network(), network_input()))
    answer = the_backend().answer(network(), network_input())
    membrane = answer.argmax(0) == 1
    assert answer.shape == (2, *network_input().size)
    assert torch.allclose(answer.sum(0), torch.ones(network_input().size))
    assert shares["membrane"] == pytest.approx(membrane.float().mean().item())
    assert sum(shares.values()) == pytest.approx(1)
    # The drawn membranes are where the network finds them.
    assert (membrane.numpy() == network_input().mask).mean() > 0.9
    figure = segmentation_figure(answer[1].numpy(), "membrane", LIGHT)
    assert np.array_equal(figure.data[0].z, answer[1].numpy())
    assert (figure.data[0].zmin, figure.data[0].zmax) == (0, 1)


@pytest.mark.usefixtures("fresh_backend")
def test_evaluate_says_why_its_scores_do_not_apply():
    at = until(visit("evaluate"), lambda at: any("every pixel" in m.value for m in at.markdown))
    assert not at.get("plotly_chart")


@pytest.mark.long
@pytest.mark.usefixtures("fresh_backend")
def test_fairness_proves_that_no_pixel_s_logit_moves():
    at = until(visit("fairness"), lambda at: at.metric)
    values = {metric.label: metric.value for metric in at.metric}
    assert values["Largest change of a logit"] == "0"
    assert float(values["Change of a logit as printed"]) > 0
    assert any("17 pairs rescaled" in success.value for success in at.success)


def test_every_tissue_has_its_membranes_as_mask():
    for key in list(gallery("tissue"))[:2]:
        picture = find_picture(key, 96)
        assert picture.mask.shape == picture.image.size[::-1]
        assert 0.1 < prepare(network(), picture).mask.mean() < 0.4


def test_another_network_keeps_a_picture_that_means_something_to_it():
    assert fitting("bird/3", "unet-membranes") == "tissue/0"
    assert fitting("tissue/2", "alexnet-birds") == "bird/1"
    for key, name in (("tissue/2", "unet-membranes"), ("bird/3", "vgg16"), ("upload/a", "unet-membranes")):
        assert fitting(key, name) == key
    assert fitting("tissue/2", "own/abc") == "tissue/2"


QUICK = sorted(METHODS.keys() - {"occlusion", "lime", "kernel_shap", "integrated_gradients", "bottleneck"})


@pytest.mark.parametrize("method", QUICK)
def test_methods_explain_the_mean_score_over_all_pixels_or_say_why_not(method):
    net, x, layer = network(), network_input().x[None], network().layer("up2.conv1")
    reason = applies(method, net, layer, x)
    assert (reason is not None) == (method == "cam")
    if reason:
        return
    values = attribute(method, net, layer, x, target=1)
    assert values.shape == (1, 1, *network_input().size)
    assert values.isfinite().all()
    assert values.abs().max() > 0


def test_the_gradient_is_that_of_the_mean_over_pixels():
    x = network_input().x[None].clone().requires_grad_()
    gradient = torch.autograd.grad(network().module(x)[0, 1].mean(), x)[0]
    found = attribute("saliency", network(), None, x.detach(), target=1)
    assert torch.allclose(found[0, 0], gradient.abs().amax(1)[0], atol=1e-7)
