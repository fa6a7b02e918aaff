"""Running a study: the same rows every time, also when it was stopped; pictures of other sources."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from explainers.cid.results import CIDSettings
from explainers.networks.catalogue import load_network
from explainers.studies.base.kept_maps import read_kept_maps, write_kept_maps
from explainers.studies.base.report import BEGIN, END, findings, results, update
from explainers.studies.base.run import Order, command_of, missing, run
from explainers.studies.base.scores import Measured, Task
from explainers.studies.base.study import Axis, Claim, Leg, Study
from explainers.studies.base.tables import LONG, long_table, maps_of, rows_of
from explainers.studies.base.verdicts import Effect
from explainers.studies.catalogue import STUDIES
from explainers.studies.command import main
from explainers.sweeps.items import BirdItem
from tests.support.sweeps import TIMES

COARSE = CIDSettings(grid=4, refine=False, probes=8)
NETWORK = "resnet20-cifar10"
AXES = (Axis("CID", "nats"),)
SWEPT = Study(
    "swept", "Swept", "What?", "Fig. 0", (), AXES, legs=(Leg(NETWORK, ("conv1",), settings=COARSE, pictures=3),)
)


def brightness(network, layer, item):
    yield Measured("a", "brightness", float(item.seen_by(network).x.mean()))
    yield Measured("b", "side", float(item.seen_by(network).size[0]), 2.0)


def scored(measure=brightness) -> Study:
    def tasks(items, quick):
        return [Task(NETWORK, "conv1", item, "brightness 1", measure) for item in items]

    return Study("scored", "Scored", "What?", "Fig. 0", (), AXES, tasks=tasks, pictures=4)


def test_scores_are_found_again_under_the_key_that_was_written_down():
    """As version 0.2 makes it; by it a study that was stopped goes on."""
    task = Task(NETWORK, "conv1", BirdItem(3), "brightness 1", brightness)
    assert task.key(load_network(NETWORK)) == "0bbbd85988b2273a91eff180a8f96720dee16064478a780ada518cd800df473b"


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(
        one.drop(columns=[*TIMES], errors="ignore"), other.drop(columns=[*TIMES], errors="ignore")
    )


@pytest.mark.parametrize("study", [SWEPT, scored()], ids=["sweep", "scores"])
def test_twice_gives_identical_rows_and_the_second_run_has_nothing_to_do(tmp_path, study):
    first, second = Order(tmp_path / "a"), Order(tmp_path / "b")
    assert run(study, first).rows == run(study, second).rows > 2
    same(rows_of(study, first.out), rows_of(study, second.out))
    assert run(study, first).rows == 0


def test_stopped_in_the_middle_it_goes_on_to_the_same_rows(tmp_path):
    whole, parts = Order(tmp_path / "whole"), Order(tmp_path / "parts")
    run(SWEPT, whole)
    left = iter([True, False])
    assert run(SWEPT, parts, lambda: next(left)).rows == 1
    assert run(SWEPT, parts).rows == 2
    same(rows_of(SWEPT, whole.out), rows_of(SWEPT, parts.out))


def test_killed_in_the_middle_scores_go_on_to_the_same_rows(tmp_path):
    whole, parts = Order(tmp_path / "whole"), Order(tmp_path / "parts")
    run(scored(), whole)
    calls = []

    def killed(network, layer, item):
        calls.append(item.name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return brightness(network, layer, item)

    with pytest.raises(KeyboardInterrupt):
        run(scored(killed), parts)
    assert len(rows_of(scored(), parts.out)) == 4
    assert run(scored(), parts).rows == 4
    same(rows_of(scored(), whole.out), rows_of(scored(), parts.out))


def test_maps_are_kept_as_one_file_by_the_name_of_their_row(tmp_path):
    run(SWEPT, Order(tmp_path, pictures=1, keep_maps=True))
    (row,) = rows_of(SWEPT, tmp_path).itertuples()
    maps = maps_of(SWEPT, tmp_path)
    assert list(maps) == [row.row]
    assert float(maps[row.row].astype(float).mean()) == pytest.approx(row.mean, abs=2e-3)


def test_maps_of_any_size_come_back_bit_for_bit_and_a_newer_file_is_read_anew(tmp_path):
    path, made = tmp_path / "a.maps.parquet", np.random.default_rng(0)
    assert read_kept_maps(path) == {}
    for count in (0, 3):
        maps = {f"row {n}": made.normal(size=(4 + n, 7 - n)).astype(np.float16) for n in range(count)}
        if maps:
            maps["row 1"][0] = np.inf, -np.inf, np.nan, 0, -0.0, 1
        write_kept_maps(path, maps)
        found = read_kept_maps(path)
        assert list(found) == list(maps)
        for name, cells in maps.items():
            assert (found[name].dtype, found[name].shape) == (np.float16, cells.shape)
            assert found[name].tobytes() == cells.tobytes()


def test_rows_of_another_plan_in_the_same_table_do_not_count(tmp_path):
    other = Study("swept", "", "", "", (), AXES, legs=(Leg(NETWORK, ("layer1.0",), settings=COARSE, pictures=1),))
    run(SWEPT, Order(tmp_path))
    run(other, Order(tmp_path))
    assert set(rows_of(SWEPT, tmp_path)["layer"]) == {"conv1"}
    long = long_table(SWEPT, {"swept": SWEPT}, tmp_path)
    assert list(long.columns) == list(LONG)
    assert set(long["quantity"]) == {"CID", "concentration"}


def test_a_network_that_is_not_here_is_named_and_the_others_are_computed(tmp_path):
    legs = (*SWEPT.legs, Leg("resnet9-cifar10", ("conv1",)))
    study = Study("swept", "", "", "", (), AXES, legs=legs)
    outcome = run(study, Order(tmp_path))
    assert (outcome.rows, outcome.lacking, missing(study)) == (3, ("resnet9-cifar10",), ("resnet9-cifar10",))


def cub(folder) -> None:
    """Three pictures of two classes in the layout of CUB-200-2011, the first to train on; the second has a mask."""
    lines = {"classes.txt": ["1 001.Black_footed_Albatross", "2 002.Laysan_Albatross"]}
    names = ["001.A/one.jpg", "001.A/two.jpg", "002.B/three.jpg"]
    for n, name in enumerate(names, 1):
        path = folder / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(n).integers(0, 255, (40, 60, 3), np.uint8)).save(path)
        lines.setdefault("images.txt", []).append(f"{n} {name}")
        lines.setdefault("bounding_boxes.txt", []).append(f"{n} 20.0 10.0 20.0 20.0")
        lines.setdefault("image_class_labels.txt", []).append(f"{n} {1 + n // 3}")
        lines.setdefault("train_test_split.txt", []).append(f"{n} {int(n == 1)}")
    mask = np.zeros((40, 60), np.uint8)
    mask[15:25, 25:35] = 255
    (folder / "segmentations" / "001.A").mkdir(parents=True)
    Image.fromarray(mask).save(folder / "segmentations" / "001.A" / "two.png")
    for name, rows in lines.items():
        (folder / name).write_text("\n".join(rows) + "\n")


def test_the_same_plan_takes_cub_with_its_boxes_and_masks(tmp_path):
    cub(tmp_path / "CUB_200_2011")
    order = Order(tmp_path, data=f"cub:{tmp_path / 'CUB_200_2011'}")
    run(SWEPT, order)
    rows = rows_of(SWEPT, tmp_path).set_index("picture")
    assert list(rows.index) == ["001.A/two.jpg", "002.B/three.jpg"]
    assert rows["foreground"].to_list() == ["mask", "box"]
    assert rows["label"].to_list() == ["Black footed Albatross", "Laysan Albatross"]
    assert rows["concentration"].notna().all()


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        ("images.txt", None, "found no readable images.txt"),
        ("bounding_boxes.txt", "1 a b c d\n", "expected a box, a class and a split of picture 1"),
        ("image_class_labels.txt", "1 9\n", "expected a box, a class and a split of picture 1"),
        ("images.txt", "1 ../../one.jpg\n", "expected pictures inside 'CUB'"),
    ],
)
def test_another_layout_is_one_sentence(tmp_path, capsys, file, text, sentence):
    cub(tmp_path / "CUB")
    path = tmp_path / "CUB" / file
    path.unlink() if text is None else path.write_text(text)
    assert main(["run", "layers", "--quick", "--data", f"cub:{tmp_path / 'CUB'}", "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


def test_the_list_names_every_study_and_what_it_lacks(capsys):
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    for study in STUDIES.values():
        assert study.question in said
        assert all(name in said for name in missing(study))


@pytest.mark.parametrize("study", [one for one in STUDIES.values() if one.legs], ids=lambda study: study.name)
def test_a_quick_look_is_a_few_dozen_coarse_maps_of_at_most_three_layers(study):
    """Two minutes on two cores are 240 core seconds; such a map takes two."""
    legs = [leg.quick() for leg in study.legs]
    assert sum(len(leg.layers) * len(leg.methods) * leg.pictures for leg in legs) <= 80
    assert all(leg.settings.grid == 8 and not leg.settings.refine and len(leg.layers) <= 3 for leg in legs)


def test_a_study_may_name_other_birds_than_the_twelve(tmp_path):
    run(replace(scored(), source="lookalikes", pictures=2), Order(tmp_path))
    assert set(rows_of(scored(), tmp_path)["picture"]) == {"lookalike/0", "lookalike/1"}


def test_weights_on_the_way_have_the_command_that_keeps_them():
    asked = command_of("resnet32-cifar10-epoch4")
    assert asked == "python -m explainers.train resnet32-cifar10 --snapshots 4 --data DIR"
    assert command_of("resnet9-cifar10") == "there is no recipe for it yet"


def test_without_a_library_that_is_installed_if_asked_for_the_command_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("explainers.studies.command.find_spec", lambda name: None)
    assert main(["run", "perturbation", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "Lacks foolbox" in said
    assert "pip install '.[attacks]'" in said
    assert not list(tmp_path.iterdir())


def test_the_report_has_a_row_for_every_claim_and_keeps_the_rest(tmp_path):
    claim = Claim("a", "It rises.", "Fig. 0", "rise", "nats", lambda long: Effect(np.ones((2, 8))), 0.1, "0.9")
    study = Study("told", "Told", "What?", "Fig. 0", (claim,), AXES)
    (one,) = findings(study, {}, tmp_path)
    assert (one.verdict.word, one.verdict.pictures, one.verdict.trainings) == ("found", 8, 2)
    path = tmp_path / "results.md"
    path.write_text(f"before\n{BEGIN}\nof yesterday\n{END}\nafter\n")
    update(path, results({"told": study}, tmp_path))
    text = path.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "| Told, Fig. 0 | It rises. | 0.9 | 1.000 [1.000, 1.000] nats: rise | 8 | 2 | **found** |" in text
    assert "yesterday" not in text
    path.write_text("no marks")
    with pytest.raises(ValueError, match="expected the marks"):
        update(path, "")
