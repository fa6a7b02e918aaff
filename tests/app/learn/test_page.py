"""The lessons: what they measure against what is known, and every page with its controls."""

import json
import math
import re
import threading
from itertools import pairwise

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from app.figures.enlarge import enlarge
from app.figures.learn import Curve, Panel, curve_figure, row_figure
from app.figures.style import DARK, LIGHT
from app.jobs.backend import the_backend
from app.learn.lessons import LESSONS, bench, clusters, find, information, measured, toys, wall
from app.learn.lessons.limit import gain, mean
from app.parts.glossary import glossary
from app.words import read
from explainers import absolute_range
from explainers.cid.results import ENTROPY_CONSTANT
from tests.support.pages import metrics, page, until

BIRD = bench.PICTURE
# A number alone, with its error where it has one; and what says its unit beside it. A logit is its own.
NUMBER, UNIT = r"[−+]?[\d.,]+( ± [\d.,]+)?", r"\(.+\)|logit"


def visit(slug: str, **query: str) -> AppTest:
    return page("learn", **{"lesson": slug} | query).run()


def charts(at: AppTest) -> list[str]:
    return [chart.proto.spec if hasattr(chart.proto, "spec") else str(chart.proto) for chart in at.get("plotly_chart")]


# What the lessons measure


@pytest.mark.parametrize("layer", ["conv1", "layer3.0"])
def test_weak_equal_noise_moves_every_layer_as_its_sensitivity_says(layer):
    sigma = 0.002
    reaction, error = bench.reaction(BIRD, layer, False, sigma)
    assert reaction == pytest.approx(sigma**2 / bench.BETA, rel=0.05, abs=5 * error)


def test_noise_shaped_by_the_map_lets_more_noise_in_than_equal_noise():
    """At one typical σ the layer reacts less, by exp(−2·gain) where it is linear: the gain is CID's."""
    layer, sigma = "layer3.0", 0.005
    equal, _ = bench.reaction(BIRD, layer, False, sigma)
    shaped, _ = bench.reaction(BIRD, layer, True, sigma)
    gained = float(bench.closed(BIRD, layer)[0].mean()) - (0.5 * math.log(bench.BETA) + ENTROPY_CONSTANT)
    assert gained > 0.02
    assert 0.5 * math.log(equal / shaped) == pytest.approx(gained, abs=0.06)


def test_the_crossing_is_found_between_points_and_none_without_one():
    assert bench.crossing([0.01, 0.02, 0.04], [0.25, 1.0, 4.0]) == pytest.approx(0.02)
    assert bench.crossing([0.01, 0.02], [0.1, 0.2]) is None


def test_the_rescaling_moves_gradient_and_activation_and_not_cid():
    found = bench.rescaled(BIRD, next(iter(bench.pairs())), 4.0)
    assert found["change"] == 0
    assert found["factors"] == pytest.approx(
        {"layer_gradient": 4, "activation": 0.25, "grad_cam": 1, "cid": 1}, rel=1e-3
    )
    assert np.array_equal(found["before"], found["after"])


def test_quiet_filters_lose_nothing_and_move_the_map_by_where_they_look():
    pair = list(bench.pairs())[3]
    (plain, _, said), (background, lost, _), (network_input, _, _) = (
        bench.halved(BIRD, pair, *how) for how in (("background", 1.0), ("background", 0.5), ("subject", 0.5))
    )
    assert lost == 0
    assert said["constraint"] == pytest.approx(1, abs=0.3)
    assert gain(background, BIRD) > gain(plain, BIRD) + 0.05
    assert gain(network_input, BIRD) < gain(plain, BIRD) - 0.05
    assert abs(mean(background) - mean(plain)) < 0.2
    chosen = bench.quiet_filters(BIRD, pair, "background")
    assert int(chosen.sum()) == len(chosen) // 2
    assert torch.equal(bench.quiet_filters(BIRD, pair, "subject") & chosen, torch.zeros_like(chosen))


def test_the_wall_is_the_papers_first_case_and_the_sum_its_second():
    ignored, summed = (wall.measure(case, 0.002) for case in ("wall", "sum"))
    spot = toys.IGNORED
    assert np.isposinf(ignored["cid"][spot])
    assert np.isfinite(ignored["cid"]).sum() == toys.SIDE**2 - 1
    assert ignored["ru"][spot] < wall.others(ignored["ru"])
    # h(x) = Σ x_i: all columns of the Jacobian are alike, so every pixel bears the noise σ = √β.
    assert summed["cid"] == pytest.approx(0.5 * math.log(bench.BETA) + ENTROPY_CONSTANT, abs=0.01)
    assert np.median(summed["ru"]) > np.median(ignored["ru"]) + 0.9


def test_rough_plaster_raises_the_ru_of_the_ignored_pixel_and_no_cid():
    smooth, rough = (wall.measure("wall", roughness) for roughness in (0.0, 0.05))
    assert rough["ru"][toys.IGNORED] > smooth["ru"][toys.IGNORED] + 1
    assert wall.others(rough["cid"]) == pytest.approx(wall.others(smooth["cid"]), abs=0.01)


def test_the_linear_decoder_is_the_best_one():
    """Least squares: its residuals on the pictures it was fitted to are orthogonal to their features."""
    h, pictures = toys.Sum(), toys.walls(200, 0.02, torch.Generator().manual_seed(1))
    decoder = toys.linear_decoder(h, pictures)
    residuals = (decoder(h(pictures)) - pictures).flatten(1)
    features = h(pictures) - h(pictures).mean(0)
    assert residuals.mean(0).abs().max() < 1e-4
    assert float((features.T @ residuals).abs().max() / features.norm() / residuals.norm()) < 1e-3


def test_what_a_lesson_has_measured_is_found_again_under_the_key_that_was_written_down(monkeypatch):
    """As version 0.2 makes it, apart from the versions of the methods."""
    monkeypatch.setattr(measured, "VERSIONS", ("lesson 1", "cid 3", "ru 4", "information 1"))
    asked = measured.MeasuredRequest("noise", ((BIRD, "layer3.1", False, 0.012), (BIRD, "conv1", True, 0.1)), len)
    assert asked.key == "3282cef03624a11ba85d7adb48681b4217b98261dd8c049fe08e15873923c8ee"


# Figures


def test_a_row_has_one_scale_for_its_maps_and_marks_unbounded_pixels():
    picture, cells = np.zeros((8, 8, 3), np.uint8), np.full((8, 8), -3.0)
    cells[0, 0] = np.inf
    figure = row_figure([Panel("a", picture, (1, 2)), Panel("b", cells), Panel("c", cells - 1)], LIGHT)
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (-4, -3)
    assert [trace.type for trace in figure.data] == ["image", "heatmap", "scatter", "heatmap", "scatter"]
    assert figure.layout.coloraxis.colorbar.title.text == "kept ← entropy H (nats) → thrown away"
    assert all(axis.title.text == "column (pixels)" for axis in figure.select_xaxes())


@pytest.mark.parametrize(("largest", "plain"), [(400.0, True), (1.9e6, False)])
def test_large_numbers_along_an_axis_are_powers_of_ten(largest, plain):
    curve = Curve("a", [1.0, 20.0], [1.0, largest])
    axis = curve_figure([curve], ("x (unit)", "y (unit)"), DARK, (True, True)).layout.yaxis
    assert (axis.tickformat == "~g") == plain
    assert axis.exponentformat == "power"


def test_large_type_enlarges_every_letter_once():
    curve = Curve("a", [1.0, 2.0], [1.0, 4.0], points=True)
    figure = curve_figure([curve], ("x (unit)", "y (unit)"), DARK, (True, True), here=1.5, level=(2, "bound"))
    before = (figure.layout.font.size, figure.layout.xaxis.tickfont.size, figure.layout.annotations[0].font.size)
    enlarge(figure, 1.5)
    after = (figure.layout.font.size, figure.layout.xaxis.tickfont.size, figure.layout.annotations[0].font.size)
    assert after == tuple(1.5 * size for size in before)


# Pages


@pytest.mark.long
@pytest.mark.usefixtures("fresh_backend")
@pytest.mark.parametrize(
    ("slug", "control", "value", "number"),
    [
        ("entropy", "entropy_sigma", 0.242, "Entropy H (nats)"),
        ("noise", "noise_sigma", 0.05, "Reaction (1 is allowed)"),
        ("wall", "wall_rough", 0.05, "RU of the pixel (nats)"),
        ("rescaling", "rescaling_c", 0.5, "Layer gradient"),
        ("limit", "limit_scale", 0.25, "Concentration (nats)"),
        ("information", "information_weight", 5.0, "I(X;T) (nats)"),
        ("binned", "binned_step", 500, "Binned (nats)"),
    ],
)
def test_every_lesson_shows_words_equation_and_a_number_that_follows_its_slider(slug, control, value, number):
    at = until(visit(slug), lambda at: number in metrics(at))
    lesson = LESSONS[find(slug)]
    assert at.title[0].value == lesson.title
    assert at.latex[0].value.strip("$ \n") == lesson.equation
    # A colour is one value in nats, on this page as on every other: what is used is dark.
    scales = [scale for spec in charts(at) if (scale := json.loads(spec)["layout"].get("coloraxis"))]
    assert all((scale["cmin"], scale["cmax"]) == absolute_range(bench.BETA) for scale in scales)
    bare = [name for name, text in metrics(at).items() if re.fullmatch(NUMBER, text) and not re.search(UNIT, name)]
    assert not bare, "numbers without a unit"
    before, drawn = metrics(at)[number], charts(at)
    at.select_slider(key=f"w_learn_{control}").set_value(value).run()
    until(at, lambda at: metrics(at).get(number, before) != before)
    assert charts(at) != drawn
    assert all(metric.help for metric in at.metric)


@pytest.mark.usefixtures("fresh_backend")
def test_zero_entropy_is_where_the_text_says():
    at = visit("entropy")
    at.select_slider(key="w_learn_entropy_sigma").set_value(0.242).run()
    assert abs(read(metrics(at)["Entropy H (nats)"])) < 0.001


@pytest.mark.usefixtures("fresh_backend")
def test_constants_move_the_curve_and_no_efficiency_of_a_network_is_shown():
    at = visit("efficiency")
    drawn = charts(at)
    at.select_slider(key="w_learn_efficiency_2").set_value(1.0).run()
    assert charts(at) != drawn
    assert not at.metric


@pytest.mark.usefixtures("fresh_backend")
def test_beta_refines_in_the_queue_shows_the_line_at_once_and_can_be_cancelled():
    at = until(visit("beta"), lambda at: "If the layer were linear (nats)" in metrics(at))
    line = metrics(at)["If the layer were linear (nats)"]
    at.select_slider(key="w_learn_beta").set_value(5e-2).run()
    assert read(metrics(at)["If the layer were linear (nats)"]) - float(line.replace("−", "-")) == pytest.approx(
        0.5 * math.log(5e-2 / bench.BETA), abs=0.002
    )
    at.button(key="learn_beta_cancel").click().run()
    assert any("Cancelled" in text.value for text in at.markdown)
    at.select_slider(key="w_learn_layer_layer3.2").set_value("conv1").run()
    at.select_slider(key="w_learn_beta").set_value(1e-5).run()
    until(at, lambda at: "±" in metrics(at)["Constraint (1 where it holds)"])
    measured, linear = (read(metrics(at)[name]) for name in ("Mean CID (nats)", "If the layer were linear (nats)"))
    assert measured == pytest.approx(linear, abs=0.03)


@pytest.mark.long
@pytest.mark.usefixtures("fresh_backend")
@pytest.mark.parametrize("slug", ["noise", "wall", "rescaling", "limit"])
def test_a_lesson_waits_its_turn_behind_others_and_can_be_cancelled(slug):
    done = threading.Event()

    def long_work(job):
        assert done.wait(120)
        yield 1

    the_backend().maps.submit("long", long_work, "somebody else")
    try:
        at = visit(slug)
        assert not at.metric
        at.button(key=f"learn_{slug}_cancel").click().run()
        assert any("Cancelled" in text.value for text in at.markdown)
        at.button(key=f"learn_{slug}_again").click().run()
        assert not at.metric
    finally:
        done.set()
    until(at, lambda at: at.metric)


@pytest.mark.usefixtures("fresh_backend")
def test_next_and_previous_move_through_the_lessons_and_the_address_follows():
    at = visit("entropy", present="1")
    assert at.button(key="present_previous").disabled
    for lesson in LESSONS[1:3]:
        at.button(key="present_next").click().run()
        assert at.title[0].value == lesson.title
        assert at.query_params["lesson"] in (lesson.slug, [lesson.slug])
        assert at.query_params["present"] in ("1", ["1"])
    at.button(key="present_previous").click().run()
    assert at.title[0].value == LESSONS[1].title
    at.button(key="present_switch").click().run()
    assert "present" not in at.query_params
    assert at.title[0].value == LESSONS[1].title
    assert visit("efficiency").button(key="present_next").disabled is False


@pytest.mark.usefixtures("fresh_backend")
def test_a_lesson_that_is_none_is_the_first_and_a_choice_outlasts_a_change_of_lesson():
    at = visit("no-such-lesson")
    assert at.title[0].value == LESSONS[0].title
    at.select_slider(key="w_learn_entropy_sigma").set_value(1.0).run()
    at.selectbox(key="w_present_lesson").set_value(5).run()
    assert at.title[0].value == LESSONS[5].title
    at.selectbox(key="w_present_lesson").set_value(0).run()
    assert at.select_slider(key="w_learn_entropy_sigma").value == 1.0


def test_every_lesson_has_a_text_of_one_or_two_paragraphs_and_a_name_of_its_own():
    assert len({lesson.slug for lesson in LESSONS}) == len(LESSONS) == 9
    for lesson in LESSONS:
        assert 1 <= len(lesson.text.strip().split("\n\n")) <= 2
        assert lesson.symbols


def test_the_glossary_explains_and_can_be_searched():
    at = AppTest.from_string("from app.glossary import page; page.page()").run()
    terms = ("CID", "RU", "nats", "entropy", "σ", "β", "δ²", "Jacobian", "constraint", "concentration")
    assert set(terms) | {"localisation", "descriptive accuracy", "Grad-CAM", "LRP"} <= set(glossary())
    assert sum(text.value.startswith("**") for text in at.markdown) >= len(glossary())
    at.text_input(key="w_glossary").set_value("relevance").run()
    assert [t.value.partition("  ")[0] for t in at.markdown if t.value.startswith("**LRP")] == ["**LRP**"]
    assert not any(text.value.startswith("**CID") for text in at.markdown)
    at.text_input(key="w_glossary").set_value("xyzzy").run()
    assert at.info[0].value == "No term of that name."


# Information


@pytest.mark.parametrize("weight", [0.05, 0.5, 5.0])
def test_without_noise_the_weight_makes_no_difference_and_with_it_the_estimate_is_the_integral(weight):
    assert information.information(weight, 0.0)[0] == pytest.approx(math.log(4))
    value, error, entropy = information.information(weight, 0.1)
    s = information.outputs(weight).flatten().numpy()
    t = np.linspace(-3, 3, 60001)
    g = np.exp(-(((t[:, None] - s) / 0.1) ** 2) / 2).mean(1) / (0.1 * math.sqrt(2 * math.pi))
    integral = float(-np.trapezoid(g * np.log(g, where=g > 0, out=np.zeros_like(g)), t))
    assert entropy == pytest.approx(integral, abs=5 * error + 1e-6)
    assert value == pytest.approx(integral - 0.5 * math.log(2 * math.pi * math.e * 0.01), abs=5 * error + 1e-6)


def test_the_trained_network_keeps_its_information_while_its_bins_lose_theirs_to_clustering():
    found = clusters.trained()
    assert [one["exact"] for one in found] == pytest.approx([math.log(300)] * len(found))
    assert found[-1]["accuracy"] > 0.95
    wide = [one["binned"][clusters.BINS.index(0.5)] for one in found]
    narrow = [one["binned"][clusters.BINS.index(0.01)] for one in found]
    assert max(wide) - wide[-1] > 0.5
    assert all(a >= b for one in found for a, b in pairwise(one["binned"]))
    assert narrow[-1] > wide[-1] + 1
    assert found[-1]["within"] < 0.5 * found[0]["between"] + 0.2
    assert found[-1]["between"] > 2 * found[-1]["within"]
