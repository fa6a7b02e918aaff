"""Experiments as commands: every part of each runs, and what is stopped ends as if it had not been."""

import math
from dataclasses import replace

import pandas as pd
import pytest
from safetensors.torch import load_file

from explainers.information_flow import run as running
from explainers.information_flow.command import main
from explainers.information_flow.experiments import EXPERIMENTS
from explainers.information_flow.measures import PART_OF, PARTS
from explainers.information_flow.rows import Row
from explainers.information_flow.run import Bench, run
from explainers.information_flow.tables import read_rows, write_rows
from explainers.train.snapshots import read_snapshots

ROW = Row("bits", "tanh", "tanh", 0.1, False, 0, 5, "1", 10, "I(X;T)", 1.5)


def tiny(name: str):
    """Three epochs, few samples."""
    return replace(EXPERIMENTS[name].quick(), n=24 if name != "neuron" else 4, repeats=2, draws=2, shrunk=10**6)


def bench(folder, name="neuron", seeds=2, variants=None, place="out") -> Bench:
    experiment = tiny(name)
    return Bench(experiment, folder / place, folder / f"{place}-runs", seeds, variants or experiment.variants)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_part_of_every_experiment_gives_rows(tmp_path, name):
    first, *_, last = EXPERIMENTS[name].variants * 2
    made = bench(tmp_path, name, seeds=1, variants=tuple({first, last}))
    assert run(made) > 0
    rows = read_rows(made.table)
    assert {row.variant for row in rows} == {first.title, last.title}
    assert {PART_OF[row.quantity] for row in rows} == set(made.experiment.parts)
    for row in rows:
        assert PART_OF[row.quantity] in PARTS
        assert (row.layer == "") == (row.units == 0)
        if row.quantity in ("I(X;T)", "I(Y;T)"):
            assert row.low <= row.value <= row.high
            assert row.value <= row.ceiling + 4 * row.error + 1e-9
    for variant in made.variants:
        snapshots = read_snapshots(made.snapshots(variant))
        assert set(snapshots.epochs) == {row.epoch for row in rows if row.variant == variant.title}
        epochs = {key.partition("/")[0] for key in load_file(made.snapshots(variant))}
        assert epochs == set(map(str, snapshots.epochs))
        accuracies = [row.value for row in rows if (row.variant, row.quantity) == (variant.title, "accuracy")]
        assert accuracies == pytest.approx(snapshots.accuracy, abs=1e-6)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    made = bench(tmp_path_factory.mktemp("whole"))
    run(made)
    return made.table.read_bytes()


@pytest.mark.parametrize("stop", [0, 1, 7, 20])
def test_an_experiment_that_was_broken_off_goes_on_to_the_same_table(tmp_path, monkeypatch, whole, stop):
    parts = iter(range(stop))

    def broken(path, rows, settings):
        if next(parts, None) is None:
            raise KeyboardInterrupt
        write_rows(path, rows, settings)

    made = bench(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(running, "write_rows", broken)
        with pytest.raises(KeyboardInterrupt):
            run(made)
    assert not made.table.exists()
    run(made)
    assert made.table.read_bytes() == whole


def test_variants_and_seeds_may_be_computed_one_after_the_other(tmp_path, whole):
    first, second = tiny("neuron").variants
    assert run(bench(tmp_path, variants=(second,), seeds=1)) > 0
    assert run(bench(tmp_path, variants=(first,))) > 0
    assert run(bench(tmp_path)) > 0
    made = bench(tmp_path)
    assert made.table.read_bytes() == whole
    assert run(made) == 0
    # Fewer seeds take nothing away.
    assert run(bench(tmp_path, seeds=1)) == 0
    assert made.table.read_bytes() == whole


def test_the_table_alone_is_enough_to_know_what_is_done(tmp_path, whole):
    made = bench(tmp_path)
    run(made)
    assert run(replace(made, runs=tmp_path / "other")) == 0
    assert not (tmp_path / "other").exists()
    assert made.table.read_bytes() == whole


def test_rows_of_other_settings_are_made_anew(tmp_path):
    made = bench(tmp_path, seeds=1)
    run(made)
    other = replace(made, experiment=replace(made.experiment, draws=3))
    before = read_rows(made.table)
    assert run(other) == len(before)
    assert [row.value for row in read_rows(other.table)] != [row.value for row in before]


def test_rows_are_read_as_they_were_written(tmp_path):
    rows = [ROW, replace(ROW, width=0.1, flags="near ceiling;few repeats", value=-math.inf)]
    write_rows(tmp_path / "one.parquet", rows, "settings")
    assert repr(read_rows(tmp_path / "one.parquet")) == repr(rows)
    assert read_rows(tmp_path / "one.parquet", "others") == []
    assert read_rows(tmp_path / "none.parquet") == []
    assert pd.read_parquet(tmp_path / "one.parquet").quantity.tolist() == ["I(X;T)"] * 2


def test_what_is_no_table_is_one_sentence(tmp_path):
    (tmp_path / "one.parquet").write_bytes(b"text")
    with pytest.raises(ValueError, match=r"expected the table of an experiment, got something else in 'one\.parquet'"):
        read_rows(tmp_path / "one.parquet")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "two.parquet")
    with pytest.raises(ValueError, match=r"got other columns in 'two\.parquet'"):
        read_rows(tmp_path / "two.parquet")


def test_another_rule_and_a_quick_look_have_files_of_their_own(tmp_path):
    made = bench(tmp_path, "bits")
    ruled = replace(made, rule=tmp_path / "rule.npz")
    whole = replace(made, experiment=EXPERIMENTS["bits"])
    assert [one.table.name for one in (whole, made, ruled)] == [
        *("bits.parquet", "bits-quick.parquet", "bits-quick-rule.parquet")
    ]
    assert len({one.snapshots(made.variants[0]) for one in (whole, made, ruled)}) == 3


def test_the_command_lists_and_runs(tmp_path, capsys, monkeypatch):
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in EXPERIMENTS)
    words = ["run", "neuron", "--quick", "--seeds", "1", "--only", "neuron-relu", "--out", str(tmp_path / "out")]
    words += ["--runs", str(tmp_path / "runs")]
    monkeypatch.setattr("explainers.information_flow.command.write_plane", lambda bench: None)
    assert main(words) == 0
    assert "rows were added" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "neuron-quick.parquet",
        "neuron-relu-quick.safetensors",
    }
    assert main(words) == 0
    assert "Nothing to do" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--seeds", "0"], "expected at least one seed, got 0."),
        (["--only", "bits-gelu"], "expected --only with some of neuron-tanh, neuron-relu, got bits-gelu."),
        (["--rule", "none.npz"], "expected a problem of twelve bits for the rule in 'none.npz', got four numbers."),
    ],
)
def test_what_cannot_be_run_is_one_sentence(tmp_path, capsys, words, told):
    assert main(["run", "neuron", "--quick", *words, "--out", str(tmp_path), "--runs", str(tmp_path)]) == 2
    assert capsys.readouterr().err.endswith(f"{told}\n")


def test_ctrl_c_is_told(tmp_path, capsys, monkeypatch):
    def stopped(bench):
        raise KeyboardInterrupt

    monkeypatch.setattr("explainers.information_flow.command.run", stopped)
    assert main(["run", "neuron", "--out", str(tmp_path)]) == 1
    assert "the same command goes on" in capsys.readouterr().err
