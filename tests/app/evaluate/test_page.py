"""The Evaluate page without a browser: scores method by method, cancel, files, and the pure parts."""

import csv
import io

import pytest
import torch
from streamlit.testing.v1 import AppTest

from app.evaluate.choice import Choice
from app.evaluate.scores import removal_curves
from app.evaluate.table import (
    as_csv,
    changes_as_csv,
    changes_table,
    similarities_as_csv,
    similarities_table,
    table,
)
from app.export.curves import curves_file
from app.figures.evaluate import randomised_figure, removal_figure, scores_figure
from app.figures.methods import style_of
from app.figures.style import LIGHT
from app.jobs.backend import the_backend
from explainers.evaluation.measures import bootstrap_interval
from explainers.evaluation.pictures import Birds
from explainers.evaluation.randomised import Randomisation, RandomisationSettings
from explainers.evaluation.scores import EvaluationSettings, Scores
from explainers.evaluation.stability import Stability, StabilitySettings
from explainers.networks.layers import Layer
from tests.support.pages import page, says, until, words
from tests.support.picture_files import noise

pytestmark = pytest.mark.usefixtures("fresh_backend")


def visit(**values) -> AppTest:
    at = page("evaluate", network="resnet20-cifar10", layer="layer3.2")
    at.session_state["evaluate_choice"] = Choice(**({"methods": ("saliency", "random"), "count": 12} | values))
    return at.run()


def made(method: str = "saliency", count: int = 4) -> Scores:
    correct = torch.tensor([[True, True], [True, False]] * (count // 2))
    return Scores(
        method=method,
        fractions=(0.0, 0.5),
        areas=correct.double().mean(1),
        correct=correct,
        shares=(0.5, 0.25),
        count=count,
        progress=1.0,
        passes=(1, 1),
        maps=count,
        seconds=0.2,
        elapsed=0.4,
        true_labels=True,
    )


@pytest.mark.long
def test_nothing_runs_before_the_button_then_every_method_is_judged_and_kept():
    at = visit()
    assert says(at, "0 of 2 methods have been judged")
    assert says(at, "On this machine that takes")
    assert not the_backend().maps._jobs
    at.button(key="evaluate_again").click().run()
    until(at, lambda at: says(at, "Both methods are judged on 12 pictures"))
    assert not says(at, "On this machine that takes")
    (shown,) = at.dataframe
    assert set(shown.value["Method"]) == {"Saliency", "Random order"}
    assert shown.value["Descriptive accuracy"].between(0, 1).all()
    assert says(at, "what the network answers to the whole")
    assert len(at.get("plotly_chart")) == 3
    again = visit()
    assert says(again, "Both methods are judged")


@pytest.mark.parametrize(("way", "axis"), [("randomisation", "random_down_to"), ("stability", "change")])
@pytest.mark.long
def test_the_checks_of_quantus_are_made_beside_the_scores(way, axis):
    at = visit(methods=("saliency", "random"), checked=4)
    at.button(key="evaluate_again").click().run()
    until(at, lambda at: says(at, "Both methods are judged on 12 pictures"))
    at.button_group(key="w_eval_way").set_value(way).run()
    assert says(at, "**Random order** is left out")
    at.button(key="evaluate_again").click().run()
    until(at, lambda at: says(at, "The method is judged on 4 pictures"))
    (shown,) = at.dataframe
    assert shown.value["Method"].tolist() == ["Saliency"]
    assert shown.value["Pictures"].tolist() == [4]
    assert len(at.get("plotly_chart")) == {"randomisation": 2, "stability": 1}[way]
    at.button_group(key="w_eval_way").set_value("scores").run()
    assert says(at, "Both methods are judged on 12 pictures")


@pytest.mark.long
def test_a_check_is_cancelled_between_two_maps():
    at = visit(methods=("occlusion",), way="randomisation", checked=32, count=50)
    at.button(key="evaluate_again").click().run()
    (job,) = the_backend().maps._jobs.values()
    until(at, lambda at: job.latest is not None and getattr(job.latest, "maps", 0) > 0)
    at.button(key="evaluate_cancel").click().run()
    assert job.ended.wait(60)
    assert job.state == "cancelled"
    assert 0 < job.latest.progress < 1


def test_cancel_stops_and_another_start_goes_on():
    at = visit(methods=("random", "occlusion"), count=50)
    at.button(key="evaluate_again").click().run()
    jobs = list(the_backend().maps._jobs.values())
    until(at, lambda at: says(at, "1 of 2") or at.button(key="evaluate_cancel"))
    at.button(key="evaluate_cancel").click().run()
    assert all(job.ended.wait(60) for job in jobs)
    assert "cancelled" in [job.state for job in jobs]
    assert not at.exception
    assert at.button(key="evaluate_again")


def test_other_settings_end_the_work_that_nobody_wants_any_more():
    at = visit(methods=("occlusion",), count=50)
    at.button(key="evaluate_again").click().run()
    (job,) = the_backend().maps._jobs.values()
    at.button_group(key="w_eval_replacement").set_value("noise").run()
    assert job.ended.wait(60)
    assert job.state == "cancelled"
    assert says(at, "The method has not been judged")


def test_a_method_that_does_not_apply_says_why():
    at = visit(methods=("grad_cam", "random"))
    at.select_slider(key="w_layer").set_value("fc").run()
    assert says(at, "**Grad-CAM** is left out")


def test_every_method_is_explained():
    at = visit()
    (notes,) = [word for word in words(at) if word.startswith("- **CID.**")]
    assert notes.count("\n- **") == 17


def test_own_pictures_with_boxes_are_judged():
    at = visit(methods=("saliency",), source="folder")
    assert says(at, "Choose your pictures")
    files = [(f"{side}.png", noise(side), "image/png") for side in (40, 48)]
    at.file_uploader(key="w_eval_files").set_value(files).run()
    assert says(at, "2 pictures, 0 with a box")
    boxes = b"name,x0,y0,x1,y1\n40.png,0,0,10,10\n48.png,5,5,20,20\n"
    at.file_uploader(key="w_eval_boxes").set_value(("boxes.csv", boxes, "text/csv")).run()
    assert says(at, "2 pictures, 2 with a box")
    at.button(key="evaluate_again").click().run()
    until(at, lambda at: says(at, "All 1 methods") or says(at, "is judged"))
    (shown,) = at.dataframe
    assert shown.value["Boxes"].tolist() == [2]


@pytest.mark.parametrize(
    ("boxes", "start"),
    [
        (b"\xff\xfe\x00", "Expected a CSV or JSON file"),
        (b"a,b\n1,2\n", "Expected the columns name"),
        (b"name,x0,y0,x1,y1\n40.png,1,2,x,4\n", "Expected a name and four numbers in row 1"),
        (b"{]", "Expected COCO's JSON"),
        (b"name,x0,y0,x1,y1\nz.png,1,2,3,4\n", "Expected boxes under the names of the pictures"),
    ],
)
def test_a_bad_file_of_boxes_is_one_sentence(boxes, start):
    at = visit(source="folder")
    at.file_uploader(key="w_eval_files").set_value([("40.png", noise(), "image/png")]).run()
    at.file_uploader(key="w_eval_boxes").set_value(("boxes.csv", boxes, "text/csv")).run()
    assert not at.exception
    (error,) = at.error
    assert error.value.startswith(start)
    assert not at.dataframe


def test_the_table_is_sorted_and_marks_what_still_runs():
    worse, better = made("random"), made("saliency")
    worse = Scores(**{**vars(worse), "areas": worse.areas / 2})
    rows = table({"random": worse, "saliency": better}, {"random"})
    assert [row["Method"] for row in rows] == ["Saliency", "Random order (running)"]
    assert rows[0]["Descriptive accuracy"] == pytest.approx(0.75)
    assert rows[0]["Localisation"] == pytest.approx(0.375)
    # What still runs has no place yet, however it stands.
    rows = table({"random": worse, "saliency": better}, {"saliency"})
    assert [row["Method"] for row in rows] == ["Random order", "Saliency (running)"]


def test_the_csv_holds_scores_and_curves():
    class Named:
        name = "net"

    layer = Layer("conv5", "conv5", "convolution", (8, 4, 4), 3)
    settings = EvaluationSettings(fractions=(0.0, 0.5))
    rows = list(csv.DictReader(io.StringIO(as_csv({"saliency": made()}, Named, layer, Birds(4), settings))))
    assert rows[0]["method"] == "saliency"
    assert (rows[0]["layer"], rows[0]["boxes"], rows[0]["localisation"]) == ("", "2", "0.3750")
    assert (rows[0]["accuracy_at_0.00"], rows[0]["accuracy_at_0.50"]) == ("1.0000", "0.5000")


def test_the_curves_of_removal_are_a_drawing_in_the_methods_own_colours():
    what = removal_curves("net", {"saliency": "Saliency"}, {"saliency": made()})
    assert what.layers == ("0%", "50%")
    assert what.curves[0].values == (1.0, 0.5)
    drawing = curves_file(what, "svg").decode()
    assert style_of("saliency", LIGHT)["color"].lower() in drawing.lower()


def test_the_files_of_the_checks_hold_every_step():
    class Named:
        name = "net"

    layer = Layer("conv5", "conv5", "convolution", (8, 4, 4), 3)
    costs = {
        "method": "saliency",
        "count": 2,
        "progress": 1.0,
        "passes": (1, 1),
        "maps": 6,
        "seconds": 1.2,
        "elapsed": 1.2,
    }
    found = Randomisation(**costs, layers=("fc", "conv1"), similarity=torch.tensor([[0.5, 0.0], [1.0, 0.5]]))
    text = similarities_as_csv({"saliency": found}, Named, layer, Birds(4), RandomisationSettings())
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["step"], row["random_down_to"], row["similarity"]) for row in rows] == [
        ("1", "fc", "0.7500"),
        ("2", "conv1", "0.2500"),
    ]
    assert similarities_table({"saliency": found})[0]["Similarity at the end"] == pytest.approx(0.25)
    stable = Stability(**costs, changes=torch.tensor([0.2, 0.4]))
    (row,) = csv.DictReader(io.StringIO(changes_as_csv({"s": stable}, Named, layer, Birds(4), StabilitySettings())))
    assert (row["change"], row["noise"], row["samples"]) == ("0.3000", "0.02", "5")
    assert changes_table({"saliency": stable}, {"saliency"})[0]["Method"] == "Saliency (running)"


def test_the_curve_starts_at_the_trained_network_and_goes_down_layer_by_layer():
    curves = {"lrp": [bootstrap_interval([0.5, 0.7]), bootstrap_interval([0.1, -0.5])]}
    figure = randomised_figure({"cid": "CID", "lrp": "LRP"}, ["fc", "conv1"], curves, LIGHT)
    running = randomised_figure({"cid": "CID", "lrp": "LRP"}, ["fc", "conv1"], curves, LIGHT, {"lrp"})
    assert running.layout.yaxis.range[0] == -0.25 > figure.layout.yaxis.range[0]
    (line,) = figure.data
    assert list(line.x) == ["trained", "…fc", "…conv1"]
    assert list(line.y) == pytest.approx([1, 0.6, -0.2])
    assert figure.layout.yaxis.range[0] < -0.5


def test_figures_hold_the_numbers_in_the_order_of_the_methods():
    titles = {"cid": "CID", "lrp": "LRP", "random": "Random order"}
    figure = removal_figure(titles, (0, 0.5), {"random": (1, 0.2), "cid": (1, 0.9)}, LIGHT)
    assert [trace.name for trace in figure.data] == ["CID", "Random order"]
    assert list(figure.data[0].y) == [1, 0.9]
    intervals = {"cid": bootstrap_interval([0.2, 0.4, 0.9]), "lrp": bootstrap_interval([0.5])}
    points = scores_figure(titles, intervals, "score", LIGHT)
    assert points.data[0].x[0] + points.data[0].error_x.array[0] == pytest.approx(intervals["cid"].high)
    assert points.data[1].error_x.array is None
    assert list(points.layout.yaxis.categoryarray) == ["LRP", "CID"]
