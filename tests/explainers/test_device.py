"""The same maps on a device that is not the processor (`twin.py`), and what makes the processor wait for it.

The numbers there are the processor's own: the same seed has to give the same maps.
"""

import copy
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby, pairwise
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from app.jobs.backend import Backend, View
from app.jobs.runner import Runner
from explainers import CID, CIDSettings
from explainers.baselines.bottleneck import BottleneckSettings
from explainers.baselines.explain import METHODS, applies, attribute
from explainers.benchmark import cid as benchmark
from explainers.benchmark.refinement_at_x import Effort as EffortAtX
from explainers.cid import explain as cid
from explainers.cid.acceleration import PLAIN, Acceleration
from explainers.cid.closed_form import closed_form, square_columns
from explainers.cid.concentration import concentration
from explainers.cid.constraint import check, measure
from explainers.cid.descent import descend
from explainers.cid.pace import SECONDS, AllTrue, paced
from explainers.cid.sampling import Sampler
from explainers.cid.solver import CERTIFY_TRIES, Effort, solve
from explainers.decoders.cards import load_decoder
from explainers.decoders.pictures import BirdSource, prepare_pictures
from explainers.decoders.training import DecoderSettings, train_decoder
from explainers.devices import best_device, devices, parse_device
from explainers.evaluation.measures import descriptive_accuracy, localisation
from explainers.fairness import check as fairness
from explainers.fairness.maps import Question
from explainers.fairness.plan import plan
from explainers.information_flow import (
    binned_information,
    gaussian_mixture_entropy,
    mutual_information_input,
    mutual_information_label,
    neighbour_purity,
)
from explainers.networks.architectures.noisy import fully_connected
from explainers.networks.catalogue import load_network
from explainers.networks.features import Feature
from explainers.randomness import Randomness, drawn_apart
from explainers.rescaling.rescale import factor, logit_change, rescalable_pairs, rescale, scale_output
from explainers.ru import answer as ru_answer
from explainers.ru import explain as ru
from explainers.ru import solver as ru_solver
from explainers.ru.descent import descend_reconstruction
from explainers.ru.explain import RU
from explainers.ru.sampling import ReconstructionSampler
from explainers.streams import last
from explainers.surroundings import PRECISIONS, plain_arithmetic
from tests.support.baselines_zoo import build
from tests.support.twin import DEVICE, Log, TwinTensor, WrongDevice, twin_device
from tests.support.waiting import wait_until


@pytest.fixture
def twin() -> Iterator[Log]:
    with twin_device() as log:
        yield log


class Picturing(nn.Module):
    """A decoder of the small network's second layer, with a picture of its own to give back."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Unflatten(1, (4, 14, 14)), nn.ConvTranspose2d(4, 3, 3))
        self.register_buffer("mean", torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1))

    def forward(self, rows: Tensor) -> Tensor:
        return self.net(rows) + self.mean

    def picture(self, x: Tensor) -> Tensor:
        return x - self.mean


@pytest.fixture
def net() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, second = [nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()], [nn.Conv2d(4, 6, 3), nn.ReLU()]
        return nn.Sequential(*first, *second, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)).eval()


@pytest.fixture
def decoder() -> Picturing:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Picturing().requires_grad_(False)


@pytest.fixture
def x() -> Tensor:
    return torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def there(value: Tensor | nn.Module) -> Tensor | nn.Module:
    """On the device."""
    return value.to(DEVICE) if isinstance(value, Tensor) else copy.deepcopy(value).to(DEVICE)


def close(first: Tensor, second: Tensor) -> bool:
    """But for rounding, which differs with the strides and the place in memory of what kernels are given."""
    return torch.allclose(first.cpu(), second, rtol=1e-5, atol=1e-5 * _size(second), equal_nan=True)


def _size(values: Tensor) -> float:
    return values[values.isfinite()].abs().amax().item() if values.isfinite().any() else 0.0


def test_the_device_refuses_what_is_elsewhere_and_counts_what_waits(twin):
    values = there(torch.arange(3.0))
    assert values.device == torch.zeros(2, device=values.device).device == DEVICE
    assert isinstance(values + torch.tensor(1.0), TwinTensor)
    with pytest.raises(WrongDevice):
        torch.add(values, torch.arange(3.0))
    with pytest.raises(WrongDevice):
        torch.randn(3, device=DEVICE, generator=torch.Generator())
    twin.waits.clear()
    assert values.sum().item() == 3
    assert len(values[values > 1]) == 1
    later = values.to("cpu", non_blocking=True)
    assert twin.waits == {"_local_scalar_dense": 1, "index": 1}
    assert not torch.equal(later, torch.arange(3.0))
    event = torch.Event(DEVICE)
    event.record()
    event.synchronize()
    assert torch.equal(later, torch.arange(3.0))


CID_WAYS = {
    "closed form": CIDSettings(refine=False, probes=32),
    "refined": CIDSettings(probes=32, seed=3),
    "cells": CIDSettings(probes=32, grid=4),
    "paper": CIDSettings(probes=32, method="paper"),
}


@pytest.mark.parametrize("way", CID_WAYS)
@pytest.mark.parametrize("layer", ["2", "7"])
def test_cid_is_the_same_on_another_device(monkeypatch, net, x, twin, way, layer):
    monkeypatch.setattr(cid, "descend", partial(descend, steps=10))
    here = CID(net, layer).explain(x, CID_WAYS[way])
    found = CID(there(net), layer).explain(there(x), CID_WAYS[way])
    for name in ("entropy", "sigma", "mean", "mean_error", "constraint", "loss", "loss_error", "largest_share"):
        assert close(getattr(found, name), getattr(here, name)), name
    # Decisions lag by a round.
    assert here.backward_passes <= found.backward_passes <= here.backward_passes + 16
    assert type(found.entropy) is Tensor
    assert torch.equal(concentration(found.entropy, box=(2, 2, 5, 5)), concentration(here.entropy, box=(2, 2, 5, 5)))


@pytest.mark.long
@pytest.mark.parametrize("method", ["two-stage", "paper"])
def test_ru_is_the_same_on_another_device(monkeypatch, net, decoder, twin, method):
    monkeypatch.setattr(ru_solver, "MOST_LOOKS", 2)
    monkeypatch.setattr(ru_answer, "FINAL_SAMPLES", (128, 128))
    monkeypatch.setattr(ru, "descend_reconstruction", partial(descend_reconstruction, steps=10))
    settings = CIDSettings(probes=32, grid=4, method=method)
    x = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    here = RU(net, "2", decoder).explain(x, settings)
    found = RU(there(net), "2", there(decoder)).explain(there(x), settings)
    for name in ("entropy", "mean", "constraint", "reconstruction", "error", "decoder_share"):
        assert close(getattr(found, name), getattr(here, name)), name
    # The spread of means that hardly differ.
    assert torch.allclose(found.mean_error, here.mean_error, rtol=0.05)


@pytest.mark.parametrize("method", METHODS)
def test_every_other_method_is_the_same_on_another_device(net, x, twin, method):
    layer = "4" if METHODS[method].needs_layer else None
    options = {"bottleneck": {"settings": BottleneckSettings(steps=3)}}.get(method, {})
    here = attribute(method, net, layer, x, **options)
    found = attribute(method, there(net), layer, there(x), **options)
    assert found.device == DEVICE
    assert close(found, here)


@pytest.mark.parametrize("name", ["careless", "DenseNet", "SqueezeNet", "U-Net normalised", "ConvNeXt", "ViT"])
def test_networks_of_every_build_are_taken_apart_on_another_device(twin, name):
    net, x = build(name, torch.float32)
    far, pictures = there(net), there(x)
    for method in ("saliency", "guided_backprop", "lrp", "cam"):
        reason = applies(method, far, None, pictures)
        assert reason == applies(method, net, None, x)
        if reason is None:
            assert close(attribute(method, far, None, pictures), attribute(method, net, None, x)), method


def test_attributions_and_concentration_stay_where_the_pictures_are(net, x, twin):
    settings = {"probes": 8, "refine": False}
    here = CID(net, "2").attribute(x, importance=True, **settings)
    found = CID(there(net), "2").attribute(there(x), importance=True, **settings)
    assert found.device == DEVICE
    assert close(found, here)
    mask = torch.zeros(8, 8, dtype=torch.bool)
    mask[2:5, 2:5] = True
    assert torch.equal(concentration(found[:, :1], mask=mask).cpu(), concentration(here[:, :1], mask=mask))


def test_rescaled_networks_stay_on_their_device(net, x, twin):
    far, pictures = there(net), there(x)
    pairs = rescalable_pairs(far, pictures)
    assert [pair.rescalable for pair in pairs] == [pair.rescalable for pair in rescalable_pairs(net, x)]
    other = rescale(far, pairs, 4)
    assert logit_change(far, other, pictures) == 0
    maps = (attribute("layer_gradient", one, "2", pictures, target=0) for one in (far, other))
    assert factor(*maps) == pytest.approx(4)
    assert torch.equal(scale_output(far, pictures, 2)(pictures), 2 * far(pictures))


def test_scores_of_maps_on_another_device(net, x, twin):
    maps, labels = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(2)), torch.tensor([0, 1])
    here = descriptive_accuracy(net, x, labels, maps)
    found = descriptive_accuracy(there(net), there(x), there(labels), there(maps))
    assert found.area == here.area
    assert localisation(there(maps[0]), (1, 1, 4, 4)) == localisation(maps[0], (1, 1, 4, 4))


class Seeing(nn.Module):
    """Notes with how many bits its products are made, in one place for all of its copies."""

    seen: ClassVar[list[str]] = []

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 2))

    def forward(self, x: Tensor) -> Tensor:
        self.seen += [place.fp32_precision for place in PRECISIONS]
        return self.net(x)


def test_nothing_is_computed_with_fewer_bits_than_the_weights_have(x):
    """Cards of NVIDIA round what convolutions multiply to eleven bits, unless they are told not to."""
    Seeing.seen.clear()
    before = [place.fp32_precision for place in PRECISIONS]
    assert torch.backends.cudnn.conv.fp32_precision == "tf32"
    net = Seeing().eval()
    CID(net, "net").explain(x, CIDSettings(refine=False, probes=8))
    attribute("saliency", net, None, x)
    assert set(Seeing.seen) == {"ieee"}
    assert [place.fp32_precision for place in PRECISIONS] == before


def test_two_threads_leave_the_switches_as_the_first_found_them():
    first, second = plain_arithmetic(), plain_arithmetic()
    before = [place.fp32_precision for place in PRECISIONS]
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert {place.fp32_precision for place in PRECISIONS} == {"ieee"}
    second.__exit__(None, None, None)
    assert [place.fp32_precision for place in PRECISIONS] == before


def test_a_decision_is_that_of_the_round_before_and_is_read_when_it_has_arrived(twin):
    done = AllTrue()
    rounds = [torch.tensor(flags) for flags in ([True, False], [True, True], [True, True])]
    assert [done(there(flags)) for flags in rounds] == [False, False, True]
    assert not twin.waits["copy from the device"]
    assert not twin.waits["_local_scalar_dense"]


@pytest.fixture
def sampler(net, x, twin) -> Sampler:
    found = Sampler(Feature(there(net), "7"), there(x[:1]), (4, 4))
    twin.waits.clear()
    return found


@pytest.mark.long
def test_no_wait_inside_a_stage_of_the_solver(sampler, twin):
    """Decisions on stages alone: eight times the samples in a stage cost none more, but for tries at the constraint."""

    def waits(steps: int, samples: int) -> Counter:
        twin.waits.clear()
        effort = Effort(stages=((steps, samples), (steps, samples)), enough=-1.0)
        last(solve(sampler, CIDSettings(probes=32, grid=4), Randomness(0), effort))
        return +twin.waits

    few, many = waits(4, 16), waits(16, 128)
    assert few.keys() == many.keys() == {"_local_scalar_dense"}
    assert few.total() <= 6 + CERTIFY_TRIES
    assert many.total() <= 6 + CERTIFY_TRIES


def test_no_wait_while_the_constraint_is_measured_or_probes_are_drawn(sampler, twin):
    for columns in square_columns(sampler, 3, Randomness(0)):
        estimate = closed_form(columns, 1e-3)
    last(measure(sampler, estimate, 1e-3 * estimate.delta_f2, 512, Randomness(0), "test", accuracy=0.0))
    last(check(sampler, estimate, 1e-3 * estimate.delta_f2, 512, Randomness(0)))
    assert not +twin.waits


@pytest.mark.long
def test_no_wait_inside_a_round_of_rus_solver(monkeypatch, net, decoder, twin):
    """Looks at what is lost, and tries at the constraint: none in a round."""
    x, decoder = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1)), there(decoder)
    sampler = Sampler(Feature(there(net), "2"), there(x), (4, 4))
    decoded = ReconstructionSampler(sampler.h, decoder, decoder.picture(sampler.x), sampler)
    monkeypatch.setattr(ru_answer, "FINAL_SAMPLES", (64, 64))
    monkeypatch.setattr(ru_solver, "SMALL_LOSS", -1.0)
    for rounds in (4, 8):
        monkeypatch.setattr(ru_solver, "ROUNDS", rounds)
        twin.waits.clear()
        for _ in ru_solver.solve(sampler, decoded, CIDSettings(probes=32, grid=4), Randomness(0)):
            pass
        assert (+twin.waits).keys() == {"_local_scalar_dense"}
        assert twin.waits.total() <= CERTIFY_TRIES + ru_answer.FINAL_TRIES + ru_solver.MOST_LOOKS


def test_frames_of_a_device_that_works_ahead_are_as_far_apart_as_a_cancel_may_take():
    """An item takes a millisecond; waiting for the device as long again for each item queued."""
    now = [0.0]

    def items():
        for number in range(1000):
            now[0] += 0.001
            yield number

    shown: list[tuple[int, float]] = []

    def show(number: int) -> int:
        now[0] += 0.001 * (number - (shown[-1][0] if shown else -1))
        shown.append((number, now[0]))
        return number

    assert list(paced(items(), torch.device("cpu"), lambda number: number)) == list(range(1000))
    now[0] = 0.0
    found = list(paced(items(), torch.device("cuda"), show, clock=lambda: now[0]))
    assert found == [number for number, _ in shown]
    assert found[-1] == 999
    apart = [later - sooner for (_, sooner), (_, later) in pairwise(shown)][6:-1]
    assert all(SECONDS / 2 <= seconds <= 2 * SECONDS for seconds in apart)


@pytest.mark.long
def test_what_a_map_waits_for_is_its_frames(monkeypatch, net, x, twin):
    """A clock that stands still: each frame comes after twice as many chunks as the one before."""
    monkeypatch.setattr(cid, "paced", partial(paced, clock=lambda: 0.0))
    method, settings = CID(there(net), "7"), CIDSettings(probes=32, grid=4)
    pictures = there(x[:1])
    # Tried before, once for all maps of the layer.
    method.explain(pictures, CIDSettings(refine=False, probes=8, grid=4))
    twin.waits.clear()
    frames = list(method.stream(pictures, settings))
    assert len(frames) <= 9
    assert frames[-1].stage == "done"
    assert twin.waits["copy from the device"] == 12 * len(frames)
    assert not twin.waits["copy to the device"]


def test_the_machines_accelerator_is_the_best_device_by_any_of_its_names(twin):
    assert best_device() == parse_device("auto") == torch.device("twin")
    assert devices() == ("twin:0", "cpu")
    assert parse_device("twin:0") == DEVICE
    for name in ("twin:1", "cuda"):
        with pytest.raises(ValueError, match=r"expected a device of this machine \(twin:0, cpu or auto\)"):
            parse_device(name)


@pytest.mark.parametrize(("device", "modes"), [(torch.device("cpu"), 1), (DEVICE, 0)])
def test_jobs_of_a_device_that_works_ahead_are_not_asked_at_every_operation(twin, device, modes):
    runner = Runner("test", device=device)
    begun, go_on = threading.Event(), threading.Event()

    def work(job):
        yield len(_get_current_dispatch_mode_stack())
        begun.set()
        go_on.wait(20)
        yield "the frame in which it is cancelled"
        yield "never"

    job = runner.submit("a", work, "anna")
    assert begun.wait(20)
    assert job.latest == modes
    runner.drop("anna", "a")
    go_on.set()
    assert job.ended.wait(20)
    runner.close()
    assert (job.state, job.latest) == ("cancelled", "the frame in which it is cancelled")


@pytest.mark.long
def test_the_app_runs_on_another_device(twin):
    """Network, prediction, maps and a fairness check by its backend; what the pages show is on the processor."""
    backend, settings = Backend(), CIDSettings(grid=4, probes=16, refine=False)

    def done(ask: Callable[[], View]) -> object:
        view = wait_until(lambda: None if (now := ask()).live else now)
        assert view.state == "done", view.message
        return view.value

    try:
        network = done(lambda: backend.network("resnet20-cifar10", "anna"))
        assert next(network.module.parameters()).device == DEVICE
        network_input, layer = backend.network_input(network, "bird/0"), network.layer("layer1.0")
        assert backend.predictions(network, network_input)
        found = done(lambda: backend.ask(network_input.request(network, layer, "cid", settings), "anna"))
        here = CID(load_network("resnet20-cifar10").module, layer).explain(network_input.x[None], settings)
        assert close(found.entropy, here.entropy)
        assert type(found.entropy) is Tensor
        shown = done(lambda: backend.ask(network_input.request(network, layer, "grad_cam", settings, 0), "anna"))
        assert type(shown.map) is Tensor
    finally:
        backend.close()


@pytest.mark.long
def test_a_fairness_check_runs_on_another_device(monkeypatch, twin):
    monkeypatch.setattr(fairness, "METHODS", ("layer_gradient", "cid"))
    network = load_network("resnet20-cifar10", DEVICE)
    found, network_input = plan(network), prepare(network, find_picture("bird/0", 32))
    question = Question("layer3.2.conv1", grid=2)
    for frame in fairness.check(network, found, there(network_input.x), question, lambda key, array: array):
        factors = dict(zip(fairness.METHODS, frame.factors[:, 0].tolist(), strict=True))
        if not math.isnan(factors["cid"]):
            break
    assert frame.proof.change == 0
    assert factors["layer_gradient"] == pytest.approx(4)
    assert factors["cid"] == pytest.approx(1)


def test_a_decoder_is_trained_on_another_device(twin, tmp_path, monkeypatch):
    monkeypatch.setenv("DECODERS_HOME", str(tmp_path))
    network = load_network("resnet20-cifar10", DEVICE)
    *_, pictures = prepare_pictures(network, BirdSource(20))
    settings, layer = DecoderSettings(steps=2, batch=2, blocks=4), network.layer("conv1")
    broken_off = train_decoder(network, layer, pictures, settings, tmp_path, DEVICE, tmp_path / "part")
    next(broken_off)
    broken_off.close()
    *_, last = train_decoder(network, layer, pictures, settings, tmp_path, DEVICE, tmp_path / "part")
    assert 0 < last.card.error < 1
    assert load_decoder(last.card).to(DEVICE).mean.device == DEVICE


@pytest.mark.long
def test_the_benchmark_runs_on_another_device(monkeypatch, net, x, twin):
    monkeypatch.setattr(benchmark, "LONG_EFFORT", Effort(stages=((4, 16),)))
    monkeypatch.setattr(benchmark, "LONG_EFFORT_AT_X", EffortAtX(rounds=1, steps=4, judge_samples=32))
    monkeypatch.setattr(benchmark, "LONG_ASCENT", 4)
    monkeypatch.setattr(benchmark, "SCORE_BLOCK", 64)
    monkeypatch.setattr(benchmark, "score", partial(benchmark.score, samples=64))
    monkeypatch.setattr(benchmark, "descend", partial(descend, steps=4))
    monkeypatch.setattr(benchmark, "BUDGETS", (64,))
    rows = list(benchmark.compare(Feature(there(net), "7"), there(x[:1]), (4, 4), 1e-3))
    assert [row["way"] for row in rows][-1] == "long ascent"
    assert all(0 <= row["lost"] < 1 for row in rows)


def test_a_chunk_is_doubled_until_memory_says_no(net, x, twin):
    """On the device; on the processor it stays what it is."""
    net, x = net.double(), x.double()
    plain, sizes = Feature(there(net), "7"), []

    def h(pictures: Tensor) -> Tensor:
        sizes.append(len(pictures))
        if len(pictures) > 12:
            raise torch.OutOfMemoryError("as a card says it")
        return plain(pictures)

    sampler = Sampler(h, there(x[:1]), (4, 4))
    noise, u = sampler.noise(32, Randomness(0)("test")), sampler.uniform(1e-3)
    sampler.rows, sampler.grows = 1, True
    found = [torch.cat([part for part, _ in sampler.energy_gradients(u, noise)]) for _ in range(8)]
    # By groups of as many as the chunk was when they began.
    assert [size for size, _ in groupby(sizes)] == [1, 2, 4, 8, 16, 8]
    for energies in found:
        assert close(energies, found[0].cpu())
    alone = Sampler(Feature(net, "7"), x[:1], (4, 4))
    rows = alone.rows
    list(alone.energy_gradients(u.cpu(), alone.noise(4 * rows, Randomness(0)("test"))))
    assert alone.rows == rows


@pytest.mark.long
@pytest.mark.parametrize("acceleration", [Acceleration(channels_last=True), Acceleration(compile="eager")])
def test_acceleration_changes_maps_by_rounding_alone(net, x, acceleration):
    settings = CIDSettings(probes=32, grid=4)
    here, found = (CID(net, "4", acceleration=each).explain(x[:1], settings) for each in (PLAIN, acceleration))
    assert (found.entropy - here.entropy).abs().max() < 0.02
    assert found.mean.item() == pytest.approx(here.mean.item(), abs=0.005)


def test_estimates_of_information_flow_are_the_same_on_another_device(twin):
    with drawn_apart():
        torch.manual_seed(0)
        noisy = fully_connected((2, 3, 2, 2), "tanh", 0.3)
    inputs, labels = torch.randn(20, 2, generator=Randomness(0)("x")), torch.arange(20) % 2
    far = there(noisy)
    for layer in noisy.hidden:
        here = mutual_information_input(noisy, layer, inputs, repeats=4)
        assert mutual_information_input(far, layer, there(inputs), repeats=4).value == pytest.approx(here.value)
        here = mutual_information_label(noisy, layer, inputs, labels, repeats=4)
        found = mutual_information_label(far, layer, there(inputs), there(labels), repeats=4)
        assert found.value == pytest.approx(here.value)
    assert gaussian_mixture_entropy(there(inputs), 0.5).value == pytest.approx(
        gaussian_mixture_entropy(inputs, 0.5).value
    )
    assert neighbour_purity(there(inputs), there(labels)) == neighbour_purity(inputs, labels)
    assert binned_information(there(inputs), 0.5) == binned_information(inputs, 0.5)
