"""The command: a table, a summary, and one sentence for whatever is wrong."""

import ast
import os
import re
import signal
import subprocess
import sys

import pandas as pd
import pytest
import torch
from PIL import Image

from explainers.networks.catalogue import WeightsUnavailable, load_network
from explainers.sweeps import command, plan
from explainers.sweeps.command import main
from explainers.sweeps.table import read_maps, read_sweep
from tests.support.places import ROOT
from tests.support.sweeps import NETWORK, compared


@pytest.fixture
def sweep(tmp_path, capsys):
    """The command with what takes little time; answers with the exit status and what was printed."""
    out = tmp_path / "a.parquet"

    def run(*more: str, pictures: str = "birds:2", network: str = NETWORK):
        asked = ["--networks", network, "--layers", "conv1", "--closed-form", "--grid", "8", "--workers", "0"]
        status = main([*asked, "--pictures", pictures, "--out", str(out), "--no-store", *more])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    run.out = out
    return run


def test_a_sweep_and_the_same_again(sweep, tmp_path):
    status, said, _ = sweep("--keep-maps", str(tmp_path / "maps"))
    assert status == 0
    assert "2 rows were added to a.parquet, which is complete." in said
    assert f"{NETWORK:<24}cid           conv1" in said
    rows = read_sweep(sweep.out)
    assert set(read_maps(tmp_path / "maps")) == set(rows["row"])
    status, said, _ = sweep()
    assert status == 0
    assert said.endswith("Nothing to do: a.parquet has all rows of this sweep that there can be.\n")
    pd.testing.assert_frame_equal(read_sweep(sweep.out), rows, check_exact=True)


def test_more_pictures_add_only_their_own_rows(sweep):
    sweep(pictures="birds:1")
    _, said, _ = sweep("--device", "auto")
    assert "1 rows were added" in said
    assert list(read_sweep(sweep.out)["picture"]) == ["bird/0", "bird/1"]


def test_a_broken_picture_is_told_and_the_rest_is_done(sweep, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("RGB", (40, 40), "red").save(folder / "good.png")
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    status, said, _ = sweep(pictures=str(folder))
    assert status == 1
    assert "bad.png: expected" in said
    assert "It stands in a.problems.csv." in said
    assert list(read_sweep(sweep.out)["picture"]) == ["good.png"]
    Image.new("RGB", (40, 40), "blue").save(folder / "bad.png")
    status, said, _ = sweep(pictures=str(folder))
    assert (status, "which is complete." in said) == (0, True)


def test_problems_stay_beside_the_table_when_it_grows(sweep, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "bad.png").write_bytes(b"nothing")
    assert sweep(pictures=str(folder))[0] == 1
    status, said, _ = sweep(pictures="birds:1")
    assert status == 0
    assert "a.problems.csv has 1 more, of earlier sweeps." in said
    assert pd.read_csv(tmp_path / "a.problems.csv")["picture"].to_list() == ["bad.png"]
    # What was not looked at again for want of time is a problem still, and stands there once.
    status, said, _ = sweep("--limit-hours", "0", pictures="birds:2")
    assert (status, "a.problems.csv has 1 more, of earlier sweeps." in said) == (1, True)
    status, said, _ = sweep(pictures=str(folder))
    assert (status, "earlier" in said) == (1, False)
    assert pd.read_csv(tmp_path / "a.problems.csv")["picture"].to_list() == ["bad.png"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names are always text elsewhere")
def test_a_name_that_is_no_text_is_told_by_its_bytes(sweep, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = Image.new("RGB", (40, 40), "red")
    for name in (b"r\xfcn.png", b"good.png"):
        picture.save(os.path.join(os.fsencode(folder), name).decode(errors="surrogateescape"))
    status, said, _ = sweep(pictures=str(folder))
    assert status == 0, said
    assert list(read_sweep(sweep.out)["picture"]) == ["good.png", r"r\xfcn.png"]


SCRIPT = f"""
import sys
from explainers.sweeps.command import main
sys.exit(main(["--networks", "{NETWORK}", "--layers", "conv1", "--closed-form", "--grid", "8", "--pictures", "birds:2",
               "--no-store", "--workers", "2", "--out", sys.argv[1]]))
"""


@pytest.mark.long
def test_a_script_whose_processes_cannot_begin_is_told_why(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-", tmp_path / "a.parquet"],
        input=SCRIPT,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert ran.returncode == 2
    assert "\nexpected processes that take up work, they ended as they began" in ran.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell of POSIX")
@pytest.mark.parametrize(("ending", "unbuffered"), [("2>&1 | true", ""), ("| true", "1"), (">&- 2>&-", "")])
@pytest.mark.long
def test_whoever_stops_reading_or_listening_does_not_stop_it(tmp_path, unbuffered, ending):
    out = tmp_path / "a.parquet"
    asked = f"--networks {NETWORK} --layers conv1 --closed-form --grid 8 --pictures birds:1 --no-store --workers 0"
    line = f"('{sys.executable}' -m explainers.sweep {asked} --out '{out}'; echo $? > '{tmp_path}/status') {ending}"
    surroundings = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    ran = subprocess.run(line, shell=True, capture_output=True, text=True, cwd=ROOT, env=surroundings, check=False)
    assert (tmp_path / "status").read_text().strip() == "0", ran.stderr
    assert not re.search("Traceback|ignored|Broken", ran.stderr)
    assert len(read_sweep(out)) == 1


def test_time_that_is_up_leaves_a_table_that_goes_on(sweep):
    status, said, _ = sweep("--limit-hours", "0")
    assert status == 1
    assert "0 rows were added to a.parquet; the same command goes on with the rest." in said
    assert sweep()[0] == 0


@pytest.fixture
def heard():
    """Ctrl-C as a terminal sends it; a shell's background jobs begin with ears closed."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_keep_what_there_is(sweep, monkeypatch, asked):
    real = command.run_here

    def interrupted(*args):
        answers = real(*args)
        yield next(answers)
        os.kill(os.getpid(), asked)
        yield from answers

    monkeypatch.setattr(command, "run_here", interrupted)
    status, said, _ = sweep()
    assert status == 1
    assert "1 rows were added to a.parquet; the same command goes on" in said
    monkeypatch.setattr(command, "run_here", real)
    assert "1 rows were added" in sweep()[1]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--metrics", "sid"], "expected a method"),
        (["--layers", "conv7"], "expected layers of the networks"),
        (["--beta", "7"], "expected beta between"),
        (["--grid", "7"], "resnet20-cifar10: expected a number of cells"),
        (["--networks", "resnet21"], "expected one of the networks"),
        (["--pictures", "nowhere"], "expected a folder"),
        (["--most", "0"], "expected at least one picture"),
        (["--workers", "-1"], "expected a number of workers"),
        (["--threads", "0"], "expected at least one thread"),
        (["--threads", "100000"], "as many as there are cores, got 100000"),
        (["--device", "nowhere"], "expected a device of this machine"),
        (["--metrics", "ru", "--layers", "layer1.0"], "expected a method with maps of the layers that were chosen"),
        (["--batch", "0"], "expected at least one picture"),
        (["--limit-hours", "nan"], "expected a number of hours"),
        (["--limit-hours", "-1"], "expected a number of hours"),
        (["--metrics", ","], "expected names of methods"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(sweep, more, told):
    status, said, error = sweep(*more)
    assert (status, said) == (2, "")
    assert told in error
    assert error.count("\n") == 1
    assert not sweep.out.exists()


def test_weights_that_are_not_to_be_had_are_one_sentence(sweep, monkeypatch):
    def offline(name, device):
        raise WeightsUnavailable("vgg16.pth could not be downloaded (no connection)", "put it here")

    monkeypatch.setattr(plan, "load_network", offline)
    plan.swept_network.cache_clear()
    status, said, error = sweep()
    assert (status, said) == (2, "")
    assert error == "vgg16.pth could not be downloaded (no connection); put it here.\n"


@pytest.mark.long
def test_killed_ten_times_it_ends_with_the_rows_of_an_undisturbed_one(sweep, tmp_path):
    out = tmp_path / "killed.parquet"
    run = [sys.executable, "-m", "tests.support.killed_sweeps", str(out), "10"]
    ended = subprocess.run(
        run, cwd=ROOT, capture_output=True, text=True, timeout=300, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert ended.returncode == 0, ended.stderr
    assert sweep(pictures="birds:24")[0] == 0
    killed = read_sweep(out)
    assert killed["row"].is_unique
    pd.testing.assert_frame_equal(compared(killed), compared(read_sweep(sweep.out)), check_exact=True)
    assert {one.name for one in tmp_path.iterdir() if "killed" in one.name} == {
        "killed.parquet",
        "killed.parquet.lock",
    }


def test_tables_are_read_by_pandas_polars_and_duckdb(sweep):
    sweep()
    path = str(sweep.out)
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    mean = read_sweep(path)["mean"].mean()
    assert pd.read_parquet(path)["mean"].mean() == pytest.approx(mean)
    assert polars.read_parquet(path)["mean"].mean() == pytest.approx(mean)
    assert duckdb.connect().execute(f"SELECT avg(mean) FROM '{path}'").fetchall()[0][0] == pytest.approx(mean)


@pytest.mark.usefixtures("heard")
def test_ctrl_c_at_the_beginning_is_one_sentence(sweep, monkeypatch):
    monkeypatch.setattr(command, "find_pictures", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    assert sweep() == (1, "", "Stopped; the same command goes on.\n")


def test_maps_are_made_for_rows_that_are_there_without(sweep, tmp_path):
    sweep(pictures="birds:1")
    maps = tmp_path / "maps"
    status, said, _ = sweep("--keep-maps", str(maps))
    assert (status, "2 maps were added to maps." in said, "1 rows were added" in said) == (0, True, True)
    rows = read_sweep(sweep.out)
    assert rows["row"].is_unique
    assert set(read_maps(maps)) == set(rows["row"])
    (maps / "shard-00000.npz").unlink()
    status, said, _ = sweep("--keep-maps", str(maps))
    assert (status, said.endswith("2 maps were added to maps.\n")) == (0, True)
    assert "Nothing to do" in sweep("--keep-maps", str(maps))[1]
    assert len(read_sweep(sweep.out)) == 2


def test_every_copy_of_a_picture_has_its_row_and_every_problem_its_picture(sweep, tmp_path, monkeypatch):
    folder = tmp_path / "pictures"
    for name in ("cats/a.png", "dogs/a.png", "dogs/b b.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40), "red").save(folder / name)
    (folder / "out.png").symlink_to(tmp_path / "nowhere.png")
    status, said, _ = sweep(pictures=str(folder))
    assert status == 1
    assert "3 rows were added to a.parquet, which is complete but for the problems above." in said
    assert "out.png: expected a file of this folder" in said
    assert list(pd.read_csv(tmp_path / "a.problems.csv")["picture"]) == ["out.png"]
    rows = read_sweep(sweep.out)
    assert list(zip(rows["picture"], rows["label"], strict=True)) == [
        ("cats/a.png", "cats"), ("dogs/a.png", "dogs"), ("dogs/b b.png", "dogs"),
    ]  # fmt: skip
    assert "a.parquet has all rows of this sweep but for the problems above." in sweep(pictures=str(folder))[1]
    sweep.out.unlink()

    def refused(*_):
        raise ValueError("expected another network")

    monkeypatch.setattr("explainers.sweeps.work.answer", refused)
    said = sweep()[1]
    assert f"{NETWORK} conv1 cid bird/1: expected another network." in said
    assert said.endswith("No rows were made; there is no table.\n")


def test_one_network_under_two_names_is_refused(sweep, tmp_path):
    path = tmp_path / "same.pt"
    torch.save(load_network(NETWORK).module.state_dict(), path)
    status, _, error = sweep("--networks", NETWORK, str(path))
    assert status == 2
    assert error == f"expected networks that differ, '{path}' and '{NETWORK}' are one; leave one out.\n"


def test_the_queries_of_the_documentation_keep_methods_apart(sweep, tmp_path, monkeypatch):
    pytest.importorskip("polars")
    duckdb = pytest.importorskip("duckdb")
    sweep("--metrics", "cid,grad_cam", "--layers", "conv1", "layer1.0")
    sweep.out.rename(tmp_path / "results.parquet")
    monkeypatch.chdir(tmp_path)
    rows = read_sweep("results.parquet")
    rows = rows[rows["method"] == "cid"]
    blocks = re.findall(
        r"```(python|sql)\n(.*?)```", (ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert [kind for kind, _ in blocks] == ["python", "python", "sql"]
    pandas_says, polars_says = (_value(code) for kind, code in blocks if kind == "python")
    expected = rows.groupby("layer")[["mean", "concentration"]].mean()
    for layer in ("conv1", "layer1.0"):
        assert pandas_says.xs((NETWORK, "cid"))[:, layer].item() == expected["mean"][layer]
    right = rows[rows["right"] == True].groupby("layer", sort=False)["concentration"].mean()  # noqa: E712
    assert [one[2] for one in polars_says.rows()] == pytest.approx(list(right))
    said = duckdb.connect().execute(blocks[2][1]).fetchall()
    assert said == [(NETWORK, layer, pytest.approx(expected["mean"][layer]), 2) for layer in ("conv1", "layer1.0")]


def _value(code: str):
    """Of the last expression."""
    parsed = ast.parse(code)
    last = parsed.body.pop()
    assert isinstance(last, ast.Expr)
    names = {}
    exec(compile(parsed, "docs", "exec"), names)
    return eval(compile(ast.Expression(last.value), "docs", "eval"), names)
