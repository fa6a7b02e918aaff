"""Networks of every make give the map of the same function written plainly, or one sentence that says why not."""

import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torchvision import models

from explainers import CID, CIDSettings, find_layers
from explainers.baselines.explain import attribute
from tests.support.draws import picture

QUICK = CIDSettings(probes=16, refine=False)
ALL = ("saliency", "grad_cam", "lrp", "deep_lift", "guided_backprop", "occlusion", "bottleneck")


def plain() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4))
        return nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 6, 3), nn.ReLU(), *head).eval()


class Around(nn.Module):
    """The plain network as `net`, with something around it."""

    def __init__(self, after: Callable[[Tensor], object] = lambda y: y) -> None:
        super().__init__()
        self.net, self.after = plain(), after

    def forward(self, x: Tensor) -> object:
        return self.after(self.net(x))


class Keeping(Around):
    """Keeps what it gave last, with its graph, and a list of all."""

    def __init__(self) -> None:
        super().__init__()
        self.last, self.all = None, []

    def forward(self, x: Tensor) -> Tensor:
        self.last = self.net(x)
        self.all.append(self.last)
        return self.last


class Locked(Around):
    def __init__(self) -> None:
        super().__init__()
        self.lock, self.numbers, self.generator = threading.Lock(), (i for i in range(3)), torch.Generator()
        self.file = open(__file__)  # noqa: SIM115

    def forward(self, x: Tensor) -> Tensor:
        with self.lock:
            return self.net(x)


class Normalising(Around):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(3, 1, 1))
        self.register_buffer("std", torch.ones(3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.net((x - self.mean) / self.std)


class Counting(Around):
    def forward(self, x: Tensor) -> Tensor:
        return self.net(x + 0 * torch.arange(x.shape[-1], device=x.device))


def kept() -> nn.Module:
    net = Keeping()
    net(picture())
    return net


def in_inference_mode() -> nn.Module:
    with torch.inference_mode():
        return Around()


def nested(net: nn.Module, depth: int) -> nn.Module:
    for _ in range(depth):
        net = nn.Sequential(net)
    return net


SAME: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "keeps its last output": (kept, "net.2"),
    "locks, generators, files": (Locked, "net.2"),
    "normalises by buffers": (Normalising, "net.2"),
    "counts places": (Counting, "net.2"),
    "made in inference mode": (in_inference_mode, "net.2"),
    "a dictionary with out": (lambda: Around(lambda y: {"aux": 2 * y, "out": y}), "net.2"),
    "a dictionary with logits": (lambda: Around(lambda y: {"logits": y}), "net.2"),
    "a tuple": (lambda: Around(lambda y: (y, 2 * y)), "net.2"),
    "nested": (lambda: nested(Around(), 60), "0." * 60 + "net.2"),
}


@pytest.mark.parametrize("name", SAME)
def test_the_maps_are_those_of_the_plain_network(name: str) -> None:
    make, layer = SAME[name]
    net, reference, x = make().eval(), plain(), picture()
    for method in ALL:
        expected = attribute(method, reference, "2", x, target=1)
        assert torch.allclose(attribute(method, net, layer, x, target=1), expected, rtol=1e-4, atol=1e-6), method
    assert torch.allclose(CID(net, layer).attribute(x, QUICK), CID(reference, "2").attribute(x, QUICK), atol=1e-4)


def test_two_hundred_levels_are_no_obstacle() -> None:
    net: nn.Module = plain()
    for _ in range(200):
        net = nn.Sequential(net)
    x = picture()
    assert torch.allclose(
        attribute("grad_cam", net.eval(), "0." * 200 + "2", x, 1), attribute("grad_cam", plain(), "2", x, 1)
    )


@pytest.mark.parametrize("around", [torch.inference_mode, torch.no_grad, lambda: torch.autocast("cpu", torch.bfloat16)])
def test_what_the_caller_has_switched_on_has_no_say(around) -> None:
    net, x = plain(), picture()
    expected = CID(net, "2").explain(x, QUICK)
    with around():
        result = CID(net, "2").explain(x.clone(), QUICK)
        maps = [attribute(method, net, "2", x.clone(), target=1) for method in ALL]
        grad, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
        for _ in CID(net, "2").stream(x.clone(), QUICK):
            assert (torch.is_grad_enabled(), torch.is_inference_mode_enabled()) == (grad, inference)
    assert torch.equal(result.entropy, expected.entropy)
    for method, found in zip(ALL, maps, strict=True):
        assert torch.allclose(found, attribute(method, net, "2", x, target=1)), method


@pytest.mark.parametrize("weights", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("pictures", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_weights_and_pictures_of_any_precision(weights: torch.dtype, pictures: torch.dtype) -> None:
    net, x = plain().to(weights), picture().to(pictures)
    computed = torch.float64 if weights == torch.float64 else torch.float32
    reference = plain().to(weights).to(computed)
    assert torch.equal(CID(net, "2").attribute(x, QUICK), CID(reference, "2").attribute(x.to(computed), QUICK))
    for method in ALL:
        expected = attribute(method, reference, "2", x.to(computed), target=1)
        assert torch.equal(attribute(method, net, "2", x, target=1), expected), method
    assert next(net.parameters()).dtype == weights


def test_one_number_for_each_picture_is_one_class() -> None:
    net, x = Around(lambda y: y[:, 1]).eval(), picture()
    for method in ("saliency", "grad_cam", "occlusion", "deep_lift", "guided_backprop"):
        expected = attribute(method, plain(), "2", x, target=1)
        assert torch.allclose(attribute(method, net, "net.2", x), expected, atol=1e-6), method
    with pytest.raises(ValueError, match="at least two classes"):
        attribute("bottleneck", net, "net.2", x)
    with pytest.raises(ValueError, match="target classes from 0 to 0"):
        attribute("saliency", net, None, x, target=1)
    assert CID(net, "").attribute(x, QUICK).isfinite().any()


def test_segmentation_of_torchvision() -> None:
    net, x = (
        models.segmentation.lraspp_mobilenet_v3_large(weights_backbone=None, num_classes=4).eval(),
        torch.randn(1, 3, 32, 32),
    )
    assert find_layers(net, x)
    for method in ("saliency", "occlusion"):
        assert attribute(method, net, None, x, target=1).isfinite().all()


def test_lists_and_counters_of_the_caller_are_left_alone() -> None:
    net = kept()
    last, before = net.last, list(net.all)
    for method in ALL:
        attribute(method, net, "net.2", picture(), target=1)
    CID(net, "net.2").attribute(picture(), QUICK)
    assert net.last is last
    assert all(a is b for a, b in zip(net.all, before, strict=True))


class Auxiliary(Around):
    def __init__(self) -> None:
        super().__init__()
        self.side = nn.Conv2d(6, 4, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"out": self.net(x), "aux": self.side(self.net[:4](x))}


def test_a_layer_that_the_score_does_not_use_has_no_gradient() -> None:
    net, x = Auxiliary().eval(), picture()
    assert not attribute("grad_cam", net, "side", x, target=1).any()
    assert not attribute("layer_gradient", net, "side", x, target=1).any()
    assert attribute("activation", net, "side", x).any()


class TwoInputs(Around):
    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        return self.net(x) + other


class Unused(Around):
    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Conv2d(3, 3, 1)


class Frozen(Around):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            y = self.net[:4](x)
        return self.net[4:](y)


@pytest.mark.parametrize(
    ("make", "layer", "words"),
    [
        (lambda: nn.Sequential(nn.LazyConv2d(6, 3), nn.ReLU()), "0", "lazy layers know their sizes"),
        (TwoInputs, "net.2", "one picture alone, .* forward also needs 'other'"),
        (Unused, "unused", "expected the network to run layer 'unused'"),
        (Frozen, "net.2", "gradient"),
        (lambda: torch.jit.script(plain()), "2", "compiled ScriptModule"),
        (lambda: Around(lambda y: {"a": y}), "", "got a dict"),
        (lambda: Around(lambda y: y.argmax(1)), "", "got int64 of shape"),
        (lambda: Around(lambda y: y.sum()), "", r"got float32 of shape \(\)"),
    ],
)
def test_what_cannot_be_explained_is_refused_in_a_sentence(make, layer: str, words: str) -> None:
    net = make().eval()
    for ask in (
        lambda: CID(net, layer).attribute(picture(), QUICK),
        lambda: attribute("grad_cam", net, layer, picture(), 1),
    ):
        with pytest.raises(ValueError, match=f"expected .*{words}|{words}"):
            ask()


class NamesAlone(Around):
    def forward(self, **given: Tensor) -> Tensor:
        return self.net(given["x"])


@pytest.mark.parametrize("method", ["lrp", "deep_lift", "guided_backprop", "saliency", "occlusion"])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (TwoInputs, "one picture alone, got one whose forward also needs 'other'"),
        (lambda: Around(lambda y: None), "scores with one row per picture, got a NoneType"),
        (lambda: Around(lambda y: [None, y]), "scores with one row per picture, got a list"),
        (lambda: Around(lambda y: len(y)), "scores with one row per picture, got a int"),
        (NamesAlone, "of one picture, got one whose forward takes none by its place"),
        (lambda: nested(plain(), 400), "nested some hundred deep at most"),
        (lambda: nn.Conv3d(3, 4, 3), "takes one picture of shape"),
    ],
)
def test_every_method_says_what_is_wrong_with_the_network(method: str, make, words: str) -> None:
    with pytest.raises(ValueError, match=f"^expected .*{words}"):
        attribute(method, make().eval(), None, picture(), target=1)


@pytest.mark.parametrize("target", ["1", {"class": 1}, object(), ["a"]])
def test_a_class_that_is_no_number_is_refused(target: object) -> None:
    with pytest.raises(ValueError, match=r"^expected target classes from 0 to 3, got "):
        attribute("saliency", plain().eval(), None, picture(), target=target)


@pytest.mark.parametrize(
    ("given", "words"), [(lambda x: x.to_sparse(), "a sparse one"), (lambda x: x.to("meta"), "without")]
)
def test_a_picture_without_values_is_refused(given, words: str) -> None:
    for ask in (lambda x: attribute("saliency", plain().eval(), None, x, 1), lambda x: CID(plain(), "2").attribute(x)):
        with pytest.raises(ValueError, match=rf"^expected a dense tensor .*{words}"):
            ask(given(picture()))


@pytest.mark.parametrize("method", ["lrp", "deep_lift", "guided_backprop"])
def test_arguments_that_forward_can_do_without_are_left_out(method: str) -> None:
    class Options(Around):
        def forward(self, x: Tensor, other: Tensor | None = None, *more: Tensor, scale: float = 1, **names) -> Tensor:
            return self.net(x) * scale if other is None else self.net(x) + other

    net, x = Options().eval(), picture()
    expected = attribute(method, net.net, None, x, target=1)
    assert torch.allclose(attribute(method, net, None, x, target=1), expected, atol=1e-6)


@pytest.mark.long
def test_a_compiled_network_is_explained_whole() -> None:
    net, x = torch.jit.script(plain()), picture()
    traced = torch.jit.trace(plain(), x)
    assert torch.allclose(CID(traced, "").attribute(x, QUICK), CID(plain(), "").attribute(x, QUICK), atol=1e-4)
    assert torch.allclose(CID(net, "").attribute(x, QUICK), CID(plain(), "").attribute(x, QUICK), atol=1e-4)
    assert torch.allclose(attribute("saliency", net, None, x, 1), attribute("saliency", plain(), None, x, 1))
    with pytest.raises(ValueError, match="ScriptModule"):
        find_layers(net, x)
    compiled = torch.compile(plain())
    assert torch.allclose(CID(compiled, "_orig_mod.2").attribute(x, QUICK), CID(plain(), "2").attribute(x, QUICK))


def test_pictures_of_another_size_or_of_no_number_are_refused_in_a_sentence() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(432, 4)).eval()
    for x, words in ((picture()[..., :6], "another size"), (picture()[:0], "at least one picture")):
        for ask in (lambda x=x: CID(net, "1").attribute(x), lambda x=x: attribute("saliency", net, None, x, 1)):
            with pytest.raises(ValueError, match=words):
                ask()


def test_settings_and_changes_go_together() -> None:
    net, x = plain(), picture(1)
    expected = CID(net, "2").attribute(x, CIDSettings(beta=1e-2, probes=16, refine=False))
    assert torch.equal(CID(net, "2").attribute(x, QUICK, beta=1e-2), expected)
    with pytest.raises(ValueError, match="expected beta"):
        CID(net, "2").attribute(x, QUICK, beta=1.0)
