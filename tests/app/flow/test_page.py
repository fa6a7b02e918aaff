"""The Information flow page without a browser: controls and address, the switch, new estimates, files, bad links."""

import io
import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app.flow import bridge, known
from app.flow.choice import Choice, choice
from app.flow.files import drawing, everything, exact_script, script, table_csv, table_parquet
from app.flow.lines import chart_of, widths_chart
from app.flow.notes import notes
from app.flow.run import requested
from app.flow.stage import stage_of
from app.flow.tables import BITS, INPUT, LABEL, Rows, rows_of
from app.jobs.backend import the_backend
from explainers.information_flow.anew import Anew, AnewRequest, spread
from explainers.information_flow.unfolding import UnfoldingRequest
from explainers.methods.request import answer
from explainers.train.noisy_recipes import NOISY_RECIPES
from explainers.train.snapshots import read_snapshots
from tests.support.flow_tables import N, write_experiment
from tests.support.pages import address, page, says, until

pytestmark = pytest.mark.usefixtures("fresh_backend")


@pytest.fixture(scope="module", autouse=True)
def shipped(tmp_path_factory):
    """Spirals and twelve bits without noise, small; of all other experiments there is nothing."""
    folder = tmp_path_factory.mktemp("flow")
    write_experiment(folder, "spirals")
    write_experiment(folder, "deterministic")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known, "FOLDER", folder)
        yield folder


def visit(**query: str) -> AppTest:
    at = page("flow", **{"experiment": "spirals"} | query).run()
    return until(at, lambda at: says(at, "From epoch to epoch") or says(at, "Here come"))


def figure(at: AppTest, place: int) -> dict:
    return json.loads(at.get("plotly_chart")[place].proto.spec)


@pytest.mark.long
def test_every_choice_is_in_the_address_and_comes_back():
    asked = {"experiment": "spirals", "variant": "leaky-relu", "at": "3", "epoch": "18", "width": "0.5",
             "curves": "label", "unit": "bits", "noise": "0.2", "samples": "128"}  # fmt: skip
    at = visit(**asked)
    assert not at.warning
    assert address(at) == asked
    assert at.session_state["flow_choice"].variant.recipe == "spirals-leaky-relu"
    at.selectbox(key="w_flow_experiment").set_value("bits").run()
    # What twelve bits do not have is left out; what they have stays.
    assert address(at) == {name: asked[name] for name in ("at", "curves", "unit", "noise", "samples")}
    at.button_group(key="w_flow_sigma").set_value(0.05).run()
    at.selectbox(key="w_flow_layer").set_value("all").run()
    assert address(at)["sigma"] == "0.05"
    assert "at" not in address(at)
    at.selectbox(key="w_flow_kind").set_value("relu").run()
    assert "sigma" not in address(at)


@pytest.mark.long
def test_the_stage_stands_at_the_epoch_of_the_address_and_has_a_frame_for_each():
    at = visit(epoch="18")
    spec = figure(at, 0)
    epochs = known.epochs("spirals-tanh")
    assert [frame["name"] for frame in spec["frames"]] == [str(epoch) for epoch in epochs]
    assert spec["layout"]["sliders"][0]["active"] == epochs.index(18)
    assert sum(trace["type"] == "scatter3d" for trace in spec["data"]) == 3
    at.selectbox(key="w_flow_layer").set_value("1").run()
    until(at, lambda at: says(at, "Layer 1 has 12 units: its points cannot be drawn; layer 3 can."))
    assert not any(trace["type"] == "scatter3d" for trace in figure(at, 0)["data"])


@pytest.mark.long
def test_numbers_of_the_epoch_are_those_of_the_table_in_the_unit():
    at = visit(epoch="0", unit="bits")
    shown = at.dataframe[0].value
    rows = rows_of(choice_of(at).variant, "nats")
    of_x = rows.of(INPUT)
    of_x = of_x[of_x["epoch"] == 0].groupby("layer")["value"].mean()
    assert shown["Layer"].tolist() == ["1", "2", "3"]
    assert shown["I(X;T)"].tolist() == pytest.approx((of_x / BITS).tolist())
    assert shown["Of log n"].tolist() == pytest.approx((of_x / math.log(N)).tolist())
    assert says(at, "bits")
    assert says(at, "Near the ceiling")


def choice_of(at: AppTest) -> Choice:
    return at.session_state["flow_choice"]


@pytest.mark.long
def test_new_estimates_start_with_the_button_are_drawn_kept_and_cost_nothing_again():
    query = {"noise": "0.2", "samples": "64", "at": "3"}
    at = visit(**query)
    assert not the_backend().maps._jobs
    curves = len(figure(at, 1)["data"])
    at.button(key="flow_new_again").click().run()
    until(at, lambda at: says(at, "are in the curves"))
    spec = figure(at, 1)
    assert len(spec["data"]) == curves + 1
    (new,) = [trace for trace in spec["data"] if trace.get("name") == "layer 3, new, σ 0.2"]
    request = requested(choice_of(at))
    found = the_backend().results.get(request.key)
    by_epoch = {one.epoch: one.value for one in found.estimates if one.quantity == "I(X;T)"}
    assert new["y"] == pytest.approx([by_epoch[epoch] for epoch in known.epochs("spirals-tanh")])
    assert says(visit(**query), "are in the curves")


@pytest.mark.long
def test_cancel_keeps_what_is_ready_and_another_start_goes_on(monkeypatch):
    at = visit(samples="1024")
    at.button(key="flow_new_again").click().run()
    until(at, lambda at: any(trace.get("name", "").endswith("new, σ 0.05") for trace in figure(at, 1)["data"]))
    jobs = list(the_backend().maps._jobs.values())
    at.button(key="flow_new_cancel").click().run()
    assert all(job.ended.wait(60) for job in jobs)
    at.run()
    assert says(at, "estimates with σ 0.05 and 1,024 samples are there.")
    assert at.button(key="flow_new_again").label == "Go on"


def test_the_switch_makes_one_number_of_all_layers_and_epochs_and_says_why():
    at = visit(experiment="bits", deterministic="True", at="5")
    assert says(at, "T is a function of X")
    assert says(at, f"log {N} = {math.log(N):.3f} nats")
    assert says(at, "clustering, not information")
    stage, exact, binned, _ = (figure(at, place) for place in range(4))
    for trace in exact["data"]:
        assert np.ptp(trace["y"]) == 0
        assert trace["y"][0] == pytest.approx(math.log(N))
    for frame in stage["frames"]:
        spots = [trace for trace in frame["data"] if "error_x" in trace]
        assert [spot["x"] for spot in spots if not math.isnan(spot["x"][0] or math.nan)] in (
            [], [[pytest.approx(math.log(N))]] * 5
        )  # fmt: skip
    assert [one.label for one in at.get("download_button")] == [
        "PNG",
        "SVG",
        "PDF",
        "CSV",
        "Parquet",
        "Record",
        "Python",
    ]
    assert len({tuple(trace["y"]) for trace in binned["data"] if "name" in trace}) == 4
    at.toggle(key="w_flow_deterministic").set_value(False).run()
    assert "deterministic" not in address(at)


def test_where_no_twin_was_trained_the_same_weights_run_without_noise_and_a_density_has_no_bound():
    at = visit(deterministic="True")
    assert says(at, "infinite")
    for trace in figure(at, 1)["data"]:
        assert trace["y"] == pytest.approx([math.log(400)] * len(trace["y"]))


def test_an_experiment_without_a_table_says_what_makes_one():
    at = visit(experiment="digits")
    assert says(at, "The table of this experiment is not here yet")
    assert at.code[0].value == "python -m explainers.information_flow run digits"
    assert not at.get("plotly_chart")


def test_a_damaged_table_is_one_sentence(shipped, monkeypatch):
    from explainers.assets import DamagedFile

    def damaged(path):
        raise DamagedFile("expected spirals.parquet as it ships with this project, got a damaged file; copy it again")

    monkeypatch.setattr("app.flow.tables.check_shipped", damaged)
    monkeypatch.setattr("app.flow.tables.content", lambda path: "another")
    at = visit()
    assert [error.value for error in at.error] == [
        "Expected spirals.parquet as it ships with this project, got a damaged file; copy it again."
    ]


# What the figures are made of


def test_curves_are_means_over_the_trainings_with_their_ends_and_every_width_is_another():
    rows = rows_of(known.variants("spirals")[0])
    chart = chart_of(rows, Choice("spirals"))
    assert [curve.title for curve in chart.curves] == ["layer 1", "layer 2", "layer 3"]
    values = rows.of(INPUT, "2").groupby("epoch")["value"]
    assert chart.curves[1].mean == pytest.approx(tuple(values.mean()))
    assert chart.curves[1].low == pytest.approx(tuple(values.min()))
    assert chart.levels[0].value == pytest.approx(math.log(N))
    narrow, *_, wide = widths_chart(rows, "2").curves
    assert all(a >= b for a, b in zip(narrow.mean, wide.mean, strict=True))
    for show in ("label", "binned", "distance", "purity", "training"):
        assert chart_of(rows, Choice("spirals", layer="3", show=show)).curves


def test_the_stage_has_a_track_for_every_layer_that_has_estimates_and_ceilings_of_the_table():
    rows = rows_of(known.variants("spirals")[0], "bits")
    seen = answer(UnfoldingRequest("spirals-tanh", "3", folder=known.FOLDER))
    stage = stage_of(rows, seen, "3")
    assert [track.title for track in stage.tracks] == ["layer 1", "layer 2", "layer 3"]
    assert stage.ceilings == pytest.approx((math.log2(N), rows.ceiling(LABEL)))
    assert stage.points.shape == (len(seen.epochs), 400, 3)
    assert np.allclose(seen.within.sum(1), 1)
    assert np.allclose(seen.between.sum(1), 1)
    first = {epoch: place for place, epoch in enumerate(seen.epochs)}[0]
    values = rows.of(INPUT, "1")
    assert stage.tracks[0].x[first] == pytest.approx(values[values["epoch"] == 0]["value"].mean() / BITS)


def test_what_is_to_be_said_against_a_number_is_said_in_words_and_of_which_layers():
    flags = {"near ceiling": {"1": [0, 1, 2], "2": [0, 1, 2], "3": [1, 2]}, "many dimensions": {"1": [0, 1, 2]}}
    near, many = notes(flags, 6.93, "nats", 1024, 3)
    assert "in layers 1 and 2 throughout and layer 3 between epochs 1 and 2" in near
    assert "6.93 nats" in near
    assert "1,024" in near
    assert "15 units or more" in many
    (whole,) = notes({"near ceiling": {"1": [0]}}, 1.386, "nats", 4, 3, whole=True)
    assert "the entropy of X itself" in whole
    assert "the truth may be higher" not in whole
    assert notes({}, 6.93, "nats", 1024, 3) == []
    (few,) = notes({"few repeats": {"2": [0]}}, 6.93, "bits", 1024, 1, gaps={"2": 1.24})
    assert few.endswith("too high, at the worst of all trainings and epochs by up to 1.2 bits in layer 2.")


def test_how_much_too_high_a_value_may_be_is_that_of_the_worst_training_and_no_more_than_the_value():
    told = {"quantity": INPUT, "epoch": 0}
    few = {"flags": "near ceiling;few repeats"} | told
    table = [
        {"layer": "1", "seed": 0, "value": 6.0, "gap": 0.0, "flags": "near ceiling"} | told,
        {"layer": "2", "seed": 0, "value": 5.0, "gap": 0.5} | few,
        {"layer": "2", "seed": 1, "value": 5.5, "gap": 1.5} | few,
        {"layer": "3", "seed": 0, "value": 4.0, "gap": 12.0} | few,
    ]
    for unit, scale in (("nats", 1.0), ("bits", 1 / BITS)):
        gaps = Rows(Choice("spirals").variant, pd.DataFrame(table), unit).gaps(["1", "2", "3"])
        assert gaps == pytest.approx({"2": 1.5 * scale, "3": 4.0 * scale})


def test_both_notions_of_discarding_are_held_against_each_other_by_layer_and_training():
    epochs = range(6)
    rows = [
        {"seed": seed, "epoch": epoch, "layer": layer, "quantity": quantity, "value": sign * epoch + seed / 10}
        for seed in range(3)
        for epoch in epochs
        for layer, sign in (("1", 1.0), ("2", -1.0))
        for quantity, sign in (("CID", sign), ("I(X;T)", -1.0))
    ]
    rows.append({"seed": 0, "epoch": 9, "layer": "2", "quantity": "CID", "value": math.inf})
    found = bridge.layer_correlations(Rows(known.variants("digits")[0], pd.DataFrame(rows)))
    assert found["1"].value < -0.9 < 0.9 < found["2"].value
    said = bridge.words(found)
    assert "layer 1: **−" in said
    assert "layer 2: **0.9" in said or "layer 2: **1.0" in said
    assert bridge.words({}) == ""


# Requests


def test_new_estimates_come_from_both_ends_and_are_those_of_the_library():
    request = AnewRequest("spirals-tanh", ("2",), (0, 18, 3000), 0.1, 32, folder=known.FOLDER)
    frames: list[Anew] = list(request.stream(backend_bench()))
    assert [len(frame.estimates) for frame in frames] == [2, 4, 6]
    assert [frame.progress for frame in frames] == pytest.approx([1 / 3, 2 / 3, 1])
    assert [one.epoch for one in frames[-1].estimates[::2]] == [3000, 0, 18]
    assert all(0 <= one.value <= one.ceiling + 1e-9 for one in frames[-1].estimates)
    assert request.refusal() is None
    assert "σ above 0" in AnewRequest("spirals-tanh", ("2",), (0,), 0.0, 32, folder=known.FOLDER).refusal()
    assert "none" in AnewRequest("digits-convolutional", ("2",), (0,), 0.1, 32, folder=known.FOLDER).refusal()
    other = AnewRequest("spirals-tanh", ("2",), (0, 18, 3000), 0.2, 32, folder=known.FOLDER)
    assert request.key != other.key


def backend_bench():
    from explainers.methods.request import Workbench

    return Workbench()


@pytest.mark.parametrize("count", range(12))
def test_every_epoch_is_estimated_once(count):
    assert sorted(spread(range(count))) == list(range(count))


# Files


def test_the_files_have_every_row_and_the_new_estimates():
    chosen = Choice("spirals", samples=64)
    rows = rows_of(chosen.variant, "bits")
    found = answer(AnewRequest("spirals-tanh", ("3",), (0, 3000), 0.1, 64, folder=known.FOLDER))
    table = everything(rows, found)
    assert len(table) == len(rows.rows) + 4
    assert table["source"].value_counts().to_dict() == {"table": len(rows.rows), "estimated anew": 4}
    read = pd.read_parquet(io.BytesIO(table_parquet(rows, found)))
    assert read["value"].tolist() == table["value"].tolist()
    text = table_csv(rows, None).decode("utf-8-sig")
    assert len(pd.read_csv(io.StringIO(text))) == len(rows.rows)
    chart = chart_of(rows, chosen, found, 0.1)
    for kind, begins in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        assert drawing(chart, "two trainings", kind).startswith(begins)


def test_the_program_that_is_taken_away_estimates_what_the_page_does(shipped, capsys):
    chosen = Choice("spirals", epoch=18, samples=64, noise=0.2)
    request = requested(chosen)
    text = script(chosen, "3", request)
    text = text.replace("recipe =", f"SNAPSHOTS = __import__('pathlib').Path({str(shipped)!r})\nrecipe =")
    exec(compile(text, "taken away", "exec"), {})
    said = {line.split()[0]: float(line.split()[1]) for line in capsys.readouterr().out.splitlines()}
    found = answer(replace(request, layers=("3",), epochs=(18,)))
    assert said == pytest.approx({one.quantity: one.value for one in found.estimates})


def test_the_program_of_a_network_without_noise_prints_the_exact_value_and_every_bin_s(shipped, capsys):
    text = exact_script(known.variants("deterministic")[0], "5", 5000)
    text = text.replace("recipe =", f"SNAPSHOTS = __import__('pathlib').Path({str(shipped)!r})\nrecipe =", 1)
    exec(compile(text, "taken away", "exec"), {})
    said = {line.split()[0]: float(line.split()[1]) for line in capsys.readouterr().out.splitlines()}
    assert said.pop("exact") == pytest.approx(math.log(4096))
    assert list(map(float, said)) == list(known.widths("deterministic"))
    assert all(0 < value <= math.log(4096) + 1e-9 for value in said.values())


def test_the_network_of_the_snapshots_is_the_one_that_is_looked_at():
    snapshots = read_snapshots(known.FOLDER / "spirals-tanh.safetensors")
    assert snapshots.epochs == known.epochs("spirals-tanh")
    assert known.layers("spirals-tanh") == dict(zip("123", NOISY_RECIPES["spirals-tanh"].widths[1:-1], strict=True))
    assert choice.__module__ == "app.flow.choice"


def test_every_wrong_part_of_a_link_is_named_in_one_sentence_and_left_out():
    wrong = {"variant": "gelu", "sigma": "7", "at": "9", "epoch": "4711", "width": "3", "curves": "x", "unit": "dits",
             "deterministic": "1", "noise": "-1", "samples": "3"}  # fmt: skip
    at = visit(**wrong)
    (said,) = [warning.value for warning in at.warning]
    assert said.startswith("This link asks for ")
    assert said.count("(expected") == len(wrong)
    assert all(f"`{value}`" in said for value in wrong.values())
    assert address(at) == {"experiment": "spirals"}
    at.selectbox(key="w_flow_layer").set_value("3").run()
    assert not at.warning
    at = page("flow", experiment="mnist").run()
    assert "`mnist` (expected neuron, bits, spirals or digits)" in at.warning[0].value
