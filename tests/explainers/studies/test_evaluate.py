"""The command of methods × pictures: its tables, and the sentences where there are none."""

import subprocess
import sys

import pytest

from explainers.datasets.birds.render import render_bird
from explainers.studies.evaluate import main


def test_the_command_prints_a_table(monkeypatch, capsys):
    arguments = [
        "evaluate",
        "alexnet-birds",
        "--pictures",
        "3",
        "--closed-form",
        "--methods",
        "saliency",
        "cam",
        "random",
    ]
    monkeypatch.setattr("sys.argv", arguments)
    main()
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("| Saliency | 0.") or line.startswith("| Saliency | 1.") for line in lines)
    assert any(line.startswith("CAM is left out: CAM needs") for line in lines)


def test_the_command_judges_a_folder_with_boxes_and_says_in_a_sentence_what_is_wrong(tmp_path, monkeypatch, capsys):
    for index in range(3):
        render_bird(index, 64).image.save(tmp_path / f"{index}.png")
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("name,x0,y0,x1,y1\n0.png,4,4,30,30\n1.png,0,0,20,20\n")
    command = ["evaluate", "alexnet-birds", "--folder", str(tmp_path), "--boxes", str(boxes), "--methods", "saliency"]
    monkeypatch.setattr("sys.argv", command)
    main()
    said = capsys.readouterr().out
    assert "3 pictures" in said
    assert "2 boxes of at most a third" in said
    monkeypatch.setattr("sys.argv", [*command, "--small-boxes"])
    main()
    assert "2 pictures" in capsys.readouterr().out
    boxes.write_text("a,b\n")
    with pytest.raises(SystemExit):
        main()
    assert "expected the columns name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("network", "words"), [("unet-membranes", "one answer per picture"), ("none", "one of the net")]
)
def test_a_network_that_cannot_be_judged_is_one_sentence(network, words, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["evaluate", network])
    with pytest.raises(SystemExit):
        main()
    assert words in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.parametrize(("check", "words"), [("randomisation", "conv1"), ("stability", "change")])
def test_the_command_prints_either_check_without_noise(check, words, monkeypatch, capfd):
    command = ["evaluate", "alexnet-birds", "--check", check, "--pictures", "2", "--methods", "saliency", "random"]
    monkeypatch.setattr("sys.argv", command)
    main()
    said = capfd.readouterr()
    rows = [line for line in said.out.splitlines() if line.startswith("|")]
    assert words in rows[0]
    assert rows[2].startswith("| Saliency |")
    assert "Random order is left out" in said.out
    assert said.err == ""


@pytest.mark.slow
@pytest.mark.long
def test_quantus_is_an_oracle_of_the_tests_only():
    code = "import sys, explainers.studies.evaluate; sys.exit(not {'quantus', 'cv2'}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
