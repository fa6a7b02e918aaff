"""Lines of the benchmarks are requests: rows one by one, found by what they depend on, refused in a sentence."""

import json
from itertools import pairwise

import pytest
import torch
from matplotlib.figure import Figure

from explainers.benchmark import others, report, suite
from explainers.benchmark.chart import draw
from explainers.benchmark.cid import BUDGETS, EQUAL, FIRST, PAPER, REFINED, answers, look
from explainers.benchmark.request import ComparisonRequest
from explainers.benchmark.scaling import measure, peak_memory
from explainers.cid.descent import descend
from explainers.cid.results import CIDSettings
from explainers.cid.sampling import Sampler
from explainers.cid.solver import solve
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
    x = torch.zeros(1, 1, 6, 6)
    found = answers(REFINED, steep, x, (6, 6), lambda s, r: solve(s, CIDSettings(), r), BUDGETS)
    assert list(found) == [FIRST, *map(look, BUDGETS), REFINED]
    assert all(budget <= found[look(budget)].cost.backward < budget + 32 for budget in BUDGETS)
    assert all(
        a.cost.backward <= b.cost.backward and a.cost.seconds <= b.cost.seconds for a, b in pairwise(found.values())
    )
    assert [one.ended for one in found.values()] == [False] * 5 + [True]


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
    assert max(round(1e6 * held), more.nbytes) <= peak_memory(more.device) < 1e12


def ways(paper=0.2, picture=0, **lost) -> list[dict]:
    """Rows of one layer, by look: passes are ten more at each."""
    lost = {EQUAL: 1.0, **lost, PAPER: paper}
    about = {"network": "resnet20-cifar10", "layer": "layer3.2", "picture": picture, "beta": 1e-3}
    extra = {"said": 0.01, "said_error": 0.0, "constraint": 1.0, "converged": True, "forward": 4, "seconds": 0.5}
    return [
        {**about, "way": name, "lost": value, "backward": 10 * place, "passes": 10.0 * place, **extra}
        for place, (name, value) in enumerate(lost.items())
    ]


def test_within_a_twentieth_of_the_answer_is_the_first_look_that_is():
    (rows,) = report.by_place(ways(**{FIRST: 0.3, look(64): 0.06, look(128): 0.04, REFINED: 0.0})).values()
    # A twentieth of the nat between equal noise and the answer.
    assert report.near(rows[0])["way"] == look(128)
    (rows,) = report.by_place(ways(**{REFINED: 0.0})).values()
    assert report.near(rows[0])["way"] == REFINED


def test_passes_at_equal_loss_are_those_of_the_first_look_that_lost_no_more():
    lost = {FIRST: 0.3, look(64): 0.06, look(128): 0.04, REFINED: 0.0}
    (rows,) = report.by_place(ways(paper=0.05, **lost)).values()
    # The published descent is the fifth, and the look at 128 the third.
    assert report.fewer(rows[0]) == pytest.approx(5 / 3)
    (rows,) = report.by_place(ways(paper=-0.1, **lost)).values()
    assert report.fewer(rows[0]) == 0


def test_an_aim_is_met_where_it_holds_for_every_map():
    one, other = ways(**{FIRST: 0.02, REFINED: 0.005}), ways(picture=1, **{FIRST: 0.02, REFINED: 0.011})
    met = report.targets(report.by_place(one)).splitlines()
    assert met[2] == "| residual networks and SqueezeNet lose at most 0.01 nats | 0.0050 lost | 1 of 1 | yes |"
    assert met[3].endswith("| – | – | not measured |")
    missed = report.targets(report.by_place(one + other)).splitlines()
    assert missed[2].endswith("| 0.0080 (0.0050 to 0.0110) lost | 1 of 2 | no |")
    told = report.ours(report.by_place(one + other)).splitlines()[2]
    assert "| 0.0080 (0.0050 to 0.0110) |" in told
    # One lost more than it said.
    assert "| 1 of 2 | 2 of 2 |" in told


def test_a_document_has_the_tables_that_it_has_marks_for():
    begin, end = report.BEGIN.format("aims"), report.END.format("aims")
    document = f"before\n{begin}\nold\n{end}\nafter\n"
    once = report.filled(document, {"aims": "new", "ways": "none"})
    assert once == f"before\n{begin}\n\nnew\n\n{end}\nafter\n"
    assert report.filled(once, {"aims": "new"}) == once


def test_the_chart_goes_from_few_passes_to_many(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, _: drawn.append(figure))
    draw(ways(**{look(64): 0.9, FIRST: 0.3, look(128): 0.1, REFINED: 0.0}), tmp_path / "a.svg")
    passes = list(drawn[0].axes[0].lines[0].get_xdata())
    assert passes == sorted(passes)
    assert len(passes) == 4


def test_one_run_writes_the_rows_and_the_next_computes_only_what_is_missing(monkeypatch, tmp_path, capsys):
    kept, chart, seen = tmp_path / "a", tmp_path / "a.svg", []

    def compare(h, x, *_):
        seen.append(x)
        names = ("network", "layer", "picture", "beta")
        yield from ({k: v for k, v in row.items() if k not in names} for row in ways(**{look(64): 0.02, REFINED: 0.01}))

    monkeypatch.setattr(suite, "compare", compare)
    monkeypatch.setattr(suite, "scale", lambda *_: iter(()))
    monkeypatch.setattr(suite, "cost_of_others", lambda *_: iter(()))
    monkeypatch.setattr(suite, "compare_ru", lambda *_, **__: iter(()))

    def run(*arguments: str) -> dict:
        monkeypatch.setattr("sys.argv", ["", "--quick", "--json", str(kept), *arguments])
        suite.main()
        return json.loads(kept.read_text())

    first = run("--pictures", "0", "--chart", str(chart))
    assert first["machine"]["torch"] == torch.__version__
    assert [(row["picture"], row["way"], row["lost"]) for row in first["ways"]][-2:] == [
        (0, REFINED, 0.01),
        (0, PAPER, 0.2),
    ]
    assert "| resnet20-cifar10 `layer1.2` | paper | 0.2000 |" in capsys.readouterr().out
    assert "<svg" in chart.read_text()
    second = run("--pictures", "0", "1")
    assert len(seen) == 2
    assert second["ways"][: len(first["ways"])] == first["ways"]
    assert {row["picture"] for row in second["ways"]} == {0, 1}
    monkeypatch.setattr(suite, "_machine", lambda _: {"torch": "another"})
    with pytest.raises(SystemExit):
        run()
    assert "name another file" in capsys.readouterr().err
    draw([], tmp_path / "nothing.png")
    assert (tmp_path / "nothing.png").stat().st_size > 1000
