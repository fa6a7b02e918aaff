"""Requests: keys that find what earlier versions have kept, refusals, costs, and answers that are the methods' own."""

from dataclasses import replace

import pytest
import torch

from explainers import CID, CIDSettings, Network, load_network
from explainers.baselines.explain import METHODS, attribute
from explainers.evaluation.pictures import Birds, Folder
from explainers.evaluation.randomised import RandomisationSettings
from explainers.evaluation.request import JudgementRequest
from explainers.evaluation.scores import EvaluationSettings
from explainers.evaluation.stability import StabilitySettings
from explainers.fairness.maps import Question
from explainers.fairness.plan import plan
from explainers.fairness.request import FairnessRequest
from explainers.methods import MapRequest, Request, Workbench, answer, find_method, methods
from explainers.storage import versions

SETTINGS, CHEAP = CIDSettings(), CIDSettings(grid=4, probes=8, refine=False)
LATER = CIDSettings(beta=1e-3, grid=8, refine=False, seed=3)
BIRDS, FOLDER = Birds(24), Folder("abc", ("p",), (None,), (None,))
# The versions of the methods when these keys were written down.
VERSIONS = {"cid": 2, "ru": 3, "fairness": 2, "scores": 2, "lrp": 2} | dict.fromkeys(
    ("grad_cam", "guided_grad_cam", "layer_gradient", "activation", "bottleneck"), 3
)
MAPS = {
    ("cid", None, SETTINGS): "b75a749f4c8b6927a1963d9d1b50f37d8834b1bd77086b3e42236693bded2c29",
    ("cid", None, LATER): "b4e5757abb8b62e420b25f5fcd1d543f19c9a78fff8acddad3fe2c7e7bd40c7f",
    ("ru", None, SETTINGS): "ebf16a0838b123c326a9dc3685cd20df640948e139b8ea36dd9a11b381407fb0",
    ("grad_cam", 3, SETTINGS): "1a82fdfeab6e0608d12de432a7690b8a5d68d9b9e3fb039af082c012f7535286",
    ("saliency", 3, SETTINGS): "f41075777eaf2bb40797018e586770a38b77a56f37478ab772af9381017228d3",
    ("lrp", 3, SETTINGS): "028b67e701486dc259b7b0843ef06eb79073a3cbf7a78893c22c8d8676929483",
    ("lime", 3, SETTINGS): "539835ed9bf95cf5d735fc5e72a311845fe8ca2d2140d1121bbd48b7163bb8a4",
    ("bottleneck", 3, SETTINGS): "1c567b1cef62f5958a1a43b7cb71e99bcbd8a418962f75df30d8311b562a22bc",
    ("saliency", None, CIDSettings(seed=2)): "fb1fa46c7567aa69e6363301fd58a3837253bd213e0703f8102e12dea62aeb63",
}
CHECKS = {
    Question("layer2.2", 2.0, "layer1.0", True, 1e-3, 8, 1, ("a", "b")): "02ae39af35d714e91da7c03bb1210600c2386c6846"
    "de9837dca2c9614239ca63",
    Question("layer2.2"): "0c513c598b2520e71fcb5a347673b15f94f01f1ccca5365ececa08c88dc70709",
}
JUDGEMENTS = {
    ("cid", "birds", "scores"): "378ff2895c4f7eeb536614a436a05e76b1040ea13897ac03a6604408ad88a3d3",
    ("ru", "birds", "scores"): "cfba63eb5a6553c0a11aba74092a01505126ebeaa0eda6cb76c04ca5e9953373",
    ("grad_cam", "birds", "scores"): "74db786ff5fd2733e2a3437386b5589cf8e73b0fe8cf014ba4218ad6925b228b",
    ("saliency", "birds", "scores"): "9fd6691a27430436309ef3a63ad14b13deb4e748b5a45a426967823383138649",
    ("random", "birds", "scores"): "534899d9374108ac665a70d58219494abe54aa4336a48f0c24797570627ec9fe",
    ("cid", "birds", "randomisation"): "38c7f881a550cdcae2b6621a453da9a964e2d1a41396692ac4fc64c63c53a308",
    ("lrp", "folder", "stability"): "e3c29a378b06559a4ebf8c792322267689aed1b59570cce141206c1726afe684",
}
WAYS = {
    "scores": EvaluationSettings(),
    "randomisation": RandomisationSettings(),
    "stability": StabilitySettings(seed=2),
}


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network("resnet20-cifar10")


@pytest.fixture
def as_written(monkeypatch) -> None:
    monkeypatch.setattr(versions, "METHOD_VERSIONS", VERSIONS)


def request_of(network: Network, method: str, settings: CIDSettings = CHEAP, target: int | None = None) -> MapRequest:
    x = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0))
    return MapRequest(network, network.layer("layer2.2"), x, "picture", method, settings, target)


@pytest.mark.parametrize(("method", "target", "settings"), MAPS)
def test_maps_that_were_kept_are_found_again(network, as_written, method, target, settings):
    assert request_of(network, method, settings, target).key == MAPS[method, target, settings]


@pytest.mark.parametrize("question", CHECKS)
def test_checks_that_were_kept_are_found_again(network, as_written, question):
    request = FairnessRequest(network, plan(network), torch.zeros(3, 32, 32), "picture", question)
    assert request.key == CHECKS[question]


@pytest.mark.parametrize(("method", "data", "way"), JUDGEMENTS)
def test_judgements_that_were_kept_are_found_again(network, as_written, method, data, way):
    pictures = {"birds": BIRDS, "folder": FOLDER}[data]
    request = JudgementRequest(network, network.layer("layer2.2"), method, pictures, WAYS[way])
    assert request.key == JUDGEMENTS[method, data, way]


def test_keys_tell_apart_what_differs_and_nothing_else(network):
    first = request_of(network, "grad_cam")
    others = [
        replace(first, layer=network.layer("layer3.0")),
        replace(first, picture="another"),
        replace(first, method="activation"),
        replace(first, target=1),
        replace(first, settings=replace(CHEAP, seed=1)),
    ]
    assert len({request.key for request in (first, *others)}) == 6
    # Only the seed of the settings is the baselines'.
    assert replace(first, settings=replace(CHEAP, beta=1e-2)).key == first.key
    assert replace(request_of(network, "saliency"), layer=network.layer("conv1")).key == (
        request_of(network, "saliency").key
    )


@pytest.mark.parametrize("name", list(methods()))
def test_every_method_is_described_and_its_requests_are_whole(network, name):
    method, request = find_method(name), request_of(network, name)
    assert method.name == name
    assert all((method.title, method.sentence, method.unit, method.reference, method.judged))
    assert method.entropy == (method.scale is not None) == (name not in METHODS)
    assert request.cost > 0
    assert request.key == request_of(network, name).key
    assert request.refusal() is None or request.refusal()[-1] != "."
    assert request.refusal_key == request_of(network, name).refusal_key


@pytest.mark.parametrize("name", ["cid", "ru", "saliency", "grad_cam", "lime"])
def test_the_answer_is_that_of_the_method_itself(network, name):
    request = request_of(network, name, target=1)
    found, x = answer(request), request.x[None]
    if name == "cid":
        assert torch.equal(found.entropy, CID(network.module, request.layer).explain(x, CHEAP).entropy)
    elif name in METHODS:
        options = {"seed": 0} if name == "lime" else {}
        assert torch.equal(found.map, attribute(name, network, request.layer, x, target=1, **options))
    assert found.values.shape == ((4, 4) if name == "cid" else (32, 32))
    assert {"forward_passes", "backward_passes", "seconds"} <= found.numbers.keys()
    assert ("mean" in found.numbers) == find_method(name).entropy
    assert (found.reconstruction is None) != find_method(name).needs_decoder


def test_what_is_refused_says_why_and_is_not_computed(network):
    layer = next(layer for layer in network.layers if find_method("ru").refuse(network, layer))
    request = replace(request_of(network, "ru"), layer=layer)
    with pytest.raises(ValueError, match="RU needs a decoder"):
        answer(request)
    with pytest.raises(ValueError, match="expected a method of cid, ru, "):
        answer(request_of(network, "no such method"))


def test_work_that_cannot_answer_yet_reports_and_can_be_ended(network):
    def enough(share: float, note: str = "") -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        answer(request_of(network, "integrated_gradients"), Workbench(report=enough))


def test_what_one_check_measures_of_the_network_serves_the_next(network):
    kept: dict[str, object] = {}

    class Shelf:
        get = staticmethod(kept.get)
        put = staticmethod(kept.__setitem__)

    request: Request = FairnessRequest(
        network, plan(network), request_of(network, "cid").x, "picture", Question("layer3.2.conv1", grid=2)
    )
    frames = request.stream(Workbench(shelf=Shelf()))
    for _, _ in zip(range(6), frames, strict=False):
        pass
    assert kept
