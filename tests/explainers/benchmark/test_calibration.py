"""What results say of their own errors is true over many seeds, where the optimum is known."""

import math
from dataclasses import replace

import pytest
import torch

from explainers.benchmark.calibration import against_the_best, below, calibrate, spread, told
from explainers.benchmark.cid import score
from explainers.cid.closed_form import closed_form, square_columns
from explainers.cid.moments import Moments
from explainers.cid.optimality import bound_loss
from explainers.cid.sampling import Sampler
from explainers.cid.solver import Effort
from explainers.randomness import Randomness
from explainers.streams import last

SIDE, BETA = 6, 1e-2
GAINS = torch.linspace(0.5, 3, SIDE**2, dtype=torch.float64).view(1, 1, SIDE, SIDE)
X = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.float64)


def curved(x):
    """Each pixel through a gain and a threshold of its own: h rises several times faster beyond it."""
    y = x * GAINS
    return (y + 4 * torch.relu(y.abs() - 0.1)).flatten(1)


def optimum_of_curved() -> float:
    """Mean log σ: every pixel's energy depends on its own gain × σ alone, and by an integral that is known."""
    z = torch.linspace(-9, 9, 20001, dtype=torch.float64)
    weight = torch.exp(-z.square() / 2)
    weight = weight / weight.sum()

    def energy(scale):
        y = scale * z
        return ((y + 4 * torch.relu(y.abs() - 0.1)).square() * weight).sum()

    # The derivative of the energy by log σ must be the same everywhere: so is gain × σ, and with it the energy.
    low, high, target = 1e-3, 1.0, BETA * GAINS.square().sum() / SIDE**2
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if energy(middle) < target else (low, middle)
    return math.log(low) - GAINS.log().mean().item()


@pytest.mark.long
def test_the_loss_of_a_curved_function_lies_below_its_limit_and_the_means_spread_as_they_say():
    target = BETA * GAINS.square().sum()
    best = {"seed": None, "target": target.item(), "best": optimum_of_curved()}
    rows = list(calibrate(curved, X, (SIDE, SIDE), BETA, range(16), best))
    assert [row["seed"] for row in rows] == list(range(16))
    assert sum(map(below, rows)) >= 15
    assert 1 / 1.5 < spread(rows) < 1.5
    assert told([{**dict.fromkeys(("version", "network", "layer", "picture", "beta"), 0), **row} for row in rows])


def test_a_seed_that_is_ahead_of_the_long_runs_is_what_the_others_are_measured_by():
    rows = [{"lost": lost, "loss": 0.1, "loss_error": 0.0} for lost in (-0.3, -0.15, 0.0)]
    assert [below(row) for row in rows] == [True] * 3
    assert [row["lost"] for row in against_the_best(rows)] == pytest.approx([0, 0.15, 0.3])
    assert [below(row) for row in against_the_best(rows)] == [True, False, False]
    assert against_the_best(rows[2:]) == rows[2:]


def test_long_runs_of_the_benchmark_reach_the_optimum_that_is_known(monkeypatch):
    monkeypatch.setattr("explainers.benchmark.calibration.LONG_EFFORT", Effort(((16, 64), (80, 64)), enough=-math.inf))
    monkeypatch.setattr("explainers.benchmark.calibration.LONG_ASCENT", 100)
    (best,) = calibrate(curved, X, (SIDE, SIDE), BETA, [], None)
    assert best["best"] == pytest.approx(optimum_of_curved(), abs=0.01)


def test_the_score_of_the_optimum_is_the_optimum():
    sampler = Sampler(curved, X, (SIDE, SIDE))
    shape = -GAINS.log()
    target = BETA * GAINS.square().sum().view(1)
    assert score(sampler, shape, target, 8192) == pytest.approx(optimum_of_curved(), abs=0.01)


def test_nothing_is_lost_of_a_linear_function_and_nothing_is_said_to_be():
    def linear(x):
        return (x * GAINS).flatten(1)

    target = BETA * GAINS.square().sum().view(1)
    optimum = score(Sampler(linear, X, (SIDE, SIDE)), -GAINS.log(), target)
    rows = list(calibrate(linear, X, (SIDE, SIDE), BETA, range(3), {"target": target.item(), "best": optimum}))
    assert all(abs(row["lost"]) < 1e-9 and row["loss"] == 0 and row["mean_error"] < 1e-9 for row in rows)
    assert len({round(row["mean"], 9) for row in rows}) == 1


def test_samples_of_a_look_count_for_the_constraint_at_the_scale_that_they_led_to():
    sampler = Sampler(lambda x: (x * GAINS).flatten(1), X, (SIDE, SIDE))
    known = closed_form(last(square_columns(sampler, 64, Randomness(0))), BETA)
    off = replace(known, log_sigma=known.log_sigma + 0.2)
    found = last(bound_loss(sampler, off, BETA * known.delta_f2, 64, Randomness(1), 0))
    assert found.known.count.item() == 64
    assert found.known.mean.item() == pytest.approx(1, abs=1e-6)
    fresh = Moments.of(torch.cat(list(sampler.energies(found.log_sigma, sampler.noise(4096, Randomness(2)("more"))))))
    assert abs(fresh.mean / (BETA * known.delta_f2) - 1).item() < 4 * found.known.error.item()
