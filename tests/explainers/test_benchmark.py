"""Lines of the benchmarks are requests: rows one by one, found by what they depend on, refused in a sentence."""

import json
from itertools import pairwise

import pytest
import torch

from explainers.benchmark import others, suite
from explainers.benchmark.chart import draw
from explainers.benchmark.cid import BUDGETS, frames
from explainers.benchmark.request import ComparisonRequest
from explainers.benchmark.scaling import measure, peak_memory
from explainers.cid.descent import descend
from explainers.cid.results import CIDSettings
from explainers.cid.sampling import Sampler
from explainers.methods.entropies import NO_DECODER
from explainers.methods.request import Workbench
from explainers.networks.catalogue import load_network
from explainers.randomness import Randomness
from explainers.streams import last


def request(layer="conv1", method="cid", x=None, said="0.1") -> ComparisonRequest:
    network = load_network("resnet20-cifar10")
    rows = [{"way": "one", "lost": 0.5}, {"way": "other", "lost": 0.0}]
    pictures = torch.zeros(1, 3, 32, 32) if x is None else x
    return ComparisonRequest(network, network.layer(layer), pictures, method, lambda: iter(rows), said, 7)


def test_rows_come_one_by_one_and_the_last_answer_has_all():
    answers = list(request().stream(Workbench()))
    assert [[row["way"] for row in rows] for rows in answers] == [["one"], ["one", "other"]]


def test_the_key_is_what_the_rows_depend_on():
    keys = {
        request().key,
        request(layer="fc").key,
        request(method="ru").key,
        request(x=torch.ones(1, 3, 32, 32)).key,
        request(said="0.2").key,
    }
    assert len(keys) == 5
    assert request().key in keys
    assert request().cost == 7


def test_a_layer_without_a_decoder_is_refused_in_a_sentence():
    assert request().refusal() is None
    assert request("layer1.1", "ru").refusal() == NO_DECODER
    assert request("layer2.2", "ru").refusal() is None


def steep(x):
    """Far steeper beyond the noise's own scale."""
    y = x * torch.linspace(0.5, 2, 36).view(1, 1, 6, 6)
    return (y + 30 * torch.relu(y.abs() - 0.01)).flatten(1)


def test_a_refinement_is_looked_at_after_every_budget():
    shown = frames(steep, torch.zeros(1, 1, 6, 6), (6, 6), CIDSettings())
    assert list(shown) == [0, *BUDGETS]
    assert all(place <= cost.backward < place + 32 for place, (_, cost, _) in shown.items() if place)
    assert all(a[1].backward <= b[1].backward for a, b in pairwise(shown.values()))


def test_the_step_as_printed_hardly_moves_where_there_are_many_cells():
    gains = torch.linspace(0.5, 2, 400).view(1, 1, 20, 20)

    def noise(adam: bool) -> torch.Tensor:
        sampler = Sampler(lambda x: (x * gains).flatten(1), torch.zeros(1, 1, 20, 20), (20, 20))
        return last(descend(sampler, CIDSettings(), Randomness(0), adam=adam)).log_sigma

    printed, adams = noise(False), noise(True)
    assert 0 < printed.std() < 0.02 * adams.std()


def test_costs_of_other_methods_are_ratios_to_ours(monkeypatch):
    monkeypatch.setattr(
        others, "OTHERS", (("integrated_gradients", {"steps": 20}, ", 20"), ("lrp", {}, ""), ("cam", {}, ""))
    )
    network = load_network("resnet20-cifar10")
    rows = list(others.cost_of_others(network, network.layer("conv1"), torch.rand(1, 3, 32, 32), 1.5e-4))
    # CAM is not for this layer.
    assert [row["method"] for row in rows] == ["CID", "CID, closed form", "Integrated Gradients, 20", "LRP"]
    assert rows[0]["times_passes"] == rows[0]["times_seconds"] == 1
    assert rows[2]["passes"] == pytest.approx(rows[2]["times_passes"] * rows[0]["passes"])
    assert 20 <= rows[2]["passes"] <= 30


def test_memory_is_told_in_bytes_and_holds_what_is_there():
    seconds, held = measure("cpu", 1, {"side": 16, "cells": 8, "batch": 1, "layers": 1})
    assert seconds > 0
    more = torch.ones(40_000_000)
    assert max(1e6 * held, more.nbytes) <= peak_memory(more.device) < 1e12


def test_one_run_writes_the_rows_with_the_machine_and_a_chart(monkeypatch, tmp_path, capsys):
    rows = [{"way": "refined, 64", "lost": 0.02, "passes": 90.0}, {"way": "paper", "lost": 0.2, "passes": 900.0}]
    rows = [{**row, "said": None, "constraint": None, "time": None, "backward": 1} for row in rows]
    monkeypatch.setattr(suite, "compare", lambda *_: iter(rows))
    monkeypatch.setattr(suite, "scale", lambda *_: iter(()))
    monkeypatch.setattr(suite, "cost_of_others", lambda *_: iter(()))
    monkeypatch.setattr("sys.argv", ["", "--quick", "--json", str(tmp_path / "a"), "--chart", str(tmp_path / "a.svg")])
    suite.main()
    kept = json.loads((tmp_path / "a").read_text())
    assert [row["lost"] for row in kept["ways"]] == [0.02, 0.2]
    assert kept["machine"]["torch"] == torch.__version__
    assert "paper" in capsys.readouterr().out
    assert "<svg" in (tmp_path / "a.svg").read_text()
    draw([], tmp_path / "nothing.png")
    assert (tmp_path / "nothing.png").stat().st_size > 1000
