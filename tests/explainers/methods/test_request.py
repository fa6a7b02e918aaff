"""Requests: keys that find what earlier versions have kept, refusals, costs, and answers that are the methods' own."""

from dataclasses import replace

import pytest
import torch

from explainers import CID, CIDSettings, Network
from explainers.baselines.explain import METHODS, attribute
from explainers.decoders.cards import find_decoder
from explainers.evaluation.pictures import Birds, Folder
from explainers.evaluation.randomised import RandomisationSettings
from explainers.evaluation.request import JudgementRequest
from explainers.evaluation.scores import EvaluationSettings
from explainers.evaluation.stability import StabilitySettings
from explainers.fairness.maps import Question
from explainers.fairness.plan import plan
from explainers.fairness.request import FairnessRequest
from explainers.methods import MapRequest, Request, Workbench, answer, entropies, find_method, methods
from tests.support.sweeps import Shelf

SETTINGS, CHEAP = CIDSettings(), CIDSettings(grid=4, probes=8, refine=False)
LATER = CIDSettings(beta=1e-3, grid=8, refine=False, seed=3)
BIRDS, FOLDER = Birds(24), Folder("abc", ("p",), (None,), (None,))
PUBLISHED = CIDSettings(method="paper")
# Of these keys: as version 0.1 made them, apart from the versions of the methods.
MAPS = {
    ("cid", None, SETTINGS): "b75a749f4c8b6927a1963d9d1b50f37d8834b1bd77086b3e42236693bded2c29",
    ("cid", None, LATER): "b4e5757abb8b62e420b25f5fcd1d543f19c9a78fff8acddad3fe2c7e7bd40c7f",
    ("ru", None, SETTINGS): "ebf16a0838b123c326a9dc3685cd20df640948e139b8ea36dd9a11b381407fb0",
    ("cid", None, PUBLISHED): "553a543fa23841ecd5daa250d5f98c58b8757f235a60cc1b8b96d7bb6d6ffed8",
    ("ru", None, PUBLISHED): "07bc1faaf691f69a0454a749c83aa823ba996319adaed31c36f413f3cc39813e",
    ("grad_cam", 3, SETTINGS): "1a82fdfeab6e0608d12de432a7690b8a5d68d9b9e3fb039af082c012f7535286",
    ("saliency", 3, SETTINGS): "f41075777eaf2bb40797018e586770a38b77a56f37478ab772af9381017228d3",
    ("lrp", 3, SETTINGS): "028b67e701486dc259b7b0843ef06eb79073a3cbf7a78893c22c8d8676929483",
    ("lime", 3, SETTINGS): "539835ed9bf95cf5d735fc5e72a311845fe8ca2d2140d1121bbd48b7163bb8a4",
    ("bottleneck", 3, SETTINGS): "1c567b1cef62f5958a1a43b7cb71e99bcbd8a418962f75df30d8311b562a22bc",
    ("saliency", None, CIDSettings(seed=2)): "fb1fa46c7567aa69e6363301fd58a3837253bd213e0703f8102e12dea62aeb63",
}
# At other layers, of which RU has decoders that ship: their digests are part of its keys.
PLACES = {
    ("cid", "conv1"): "49e29bebd987877d98e03af9829031b9b15b4b33776166ddaa8f2d85f888a450",
    ("cid", "fc"): "18ebf4f4cec9d5a3a9b74294610344bf04e3ec7390190f672997b3aa4a3b06e6",
    ("ru", "conv1"): "75bb050ecfaa65d6a2ecfbcff18a7f877205ef1ee208b7bc53139ea828e12aec",
    ("ru", "fc"): "7c030f6caca1d7c15fb810352286b4370bc80f163bf568cd74ba551d92c8fc12",
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
    ("cid", "folder", "scores"): "7f29d511de11f551f6909afd402ca4220d1571ff79b5d8cc8f5b0f1883305910",
    ("cid", "birds", "published"): "3bad2f4da95cbf3c01684f599ac6afef4fee7e4ac1747f47da26df107f3d35ad",
    ("ru", "birds", "published"): "c6f8d11844aec3bdcff5e3b57673e66f2c1ec455c33cd844943760feb89e3185",
    ("ru", "birds", "randomisation of some"): "85378bba22c767bd7c20cb962740d7618bf33afa827556559f3c10f0254bdc41",
    ("ru", "birds", "stability"): "fcd901dc70c0b6a2979f74214d617da4acf9b78db10b99358a082fef2dcc272c",
    ("lrp", "folder", "stability"): "e3c29a378b06559a4ebf8c792322267689aed1b59570cce141206c1726afe684",
}
WAYS = {
    "scores": EvaluationSettings(),
    "randomisation": RandomisationSettings(),
    "randomisation of some": RandomisationSettings(pictures=4, cid=LATER),
    "stability": StabilitySettings(seed=2),
    "published": EvaluationSettings(replacement="blur", magnitude=True, seed=1, cid=PUBLISHED),
}


def request_of(network: Network, method: str, settings: CIDSettings = CHEAP, target: int | None = None) -> MapRequest:
    x = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0))
    return MapRequest(network, network.layer("layer2.2"), x, "picture", method, settings, target)


@pytest.mark.parametrize(("method", "target", "settings"), MAPS)
def test_maps_that_were_kept_are_found_again(network, as_written, method, target, settings):
    assert request_of(network, method, settings, target).key == MAPS[method, target, settings]


@pytest.mark.parametrize(("method", "layer"), PLACES)
def test_maps_of_other_layers_are_found_again_by_their_decoders(network, as_written, method, layer):
    request = replace(request_of(network, method, SETTINGS), layer=network.layer(layer))
    assert request.key == PLACES[method, layer]


@pytest.mark.parametrize("layer", ["conv1", "layer2.2", "fc"])
def test_another_decoder_is_another_key(network, layer, monkeypatch):
    card = find_decoder(network, network.layer(layer))
    request = replace(request_of(network, "ru", SETTINGS), layer=network.layer(layer))
    before = request.key
    monkeypatch.setattr(entropies, "find_decoder", lambda *_: replace(card, digest="another"))
    assert request.key != before
    monkeypatch.setattr(entropies, "find_decoder", lambda *_: card)
    assert request.key == before


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
    shelf = Shelf()
    request: Request = FairnessRequest(
        network, plan(network), request_of(network, "cid").x, "picture", Question("layer3.2.conv1", grid=2)
    )
    frames = request.stream(Workbench(shelf=shelf))
    for _, _ in zip(range(6), frames, strict=False):
        pass
    assert shelf
