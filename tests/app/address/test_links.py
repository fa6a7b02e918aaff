"""Addresses of all pages: a bad one is one sentence and cleaned, a good one gives the same page again."""

import re
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from app.address.links import PAGES, listed, problems, sentence, texts
from app.address.selection import Selection
from app.compare.choice import Choice as CompareChoice
from app.evaluate.choice import Choice as EvaluateChoice
from app.explore.grid_choice import GridChoice
from app.fairness.controls import Choice as FairnessChoice
from app.flow.choice import Choice as FlowChoice
from app.jobs.backend import the_backend
from app.layers.choice import Choice as LayersChoice
from app.studies.choice import Choice as StudiesChoice
from tests.support.pages import address, page
from tests.support.picture_files import noise

pytestmark = pytest.mark.usefixtures("fresh_backend")
CHEAP = {"network": "resnet20-cifar10", "refine": "False", "grid": "4"}
CHOICES = {"explore": GridChoice, "compare": CompareChoice, "fairness": FairnessChoice, "evaluate": EvaluateChoice,
           "layers": LayersChoice, "flow": FlowChoice, "studies": StudiesChoice}  # fmt: skip
# What every page shares, said wrong: all that is named in the notice.
COMMON = {"beta": "7", "seed": "x", "layer": "nowhere", "picture": "bird/99999999"}
WRONG = {
    "explore": {"view": "map", "methods": "saliency foo", "layers": "conv1 conv9", "pictures": "bird/0 photo/none",
                "networks": "resnet20-cifar10 vgg99", "colours": "jet", "target": "99", "metric": "sid",
                "present": "7"},
    "compare": {"other": "resnet9", "partner": "conv9", "metric": "sid", "curve": "spline", "scale": "row"},
    "fairness": {"c": "3", "pair": "conv9", "at": "zzz", "bias": "yes"},
    "evaluate": {"methods": "saliency foo", "data": "cats", "count": "7", "removed": "none", "magnitude": "yes",
                 "refined": "1", "judged": "me", "checked": "5"},
    "layers": {"networks": "resnet20-cifar10 vgg99", "metric": "sid", "data": "cats", "count": "7", "x": "width",
               "refined": "1", "second": "7"},
}  # fmt: skip
KEPT = {
    "explore": {"methods": "saliency", "layers": "conv1", "pictures": "bird/0", "networks": "resnet20-cifar10"},
    "compare": {"other": "resnet32-cifar10"},
    "fairness": {},
    "evaluate": {"methods": "saliency"},
    "layers": {"networks": "resnet20-cifar10"},
}
QUOTED = {"saliency foo": "foo", "conv1 conv9": "conv9", "bird/0 photo/none": "photo/none",
          "resnet20-cifar10 vgg99": "vgg99"}  # fmt: skip


def visit(name: str, query: dict[str, str]) -> AppTest:
    return page(name, **query).run()


def notice(at: AppTest) -> str:
    """The one warning about the link."""
    assert not at.exception
    (found,) = [warning.value for warning in at.warning if "link" in warning.value]
    return found


def silent(at: AppTest) -> bool:
    return not at.exception and not any("link" in warning.value for warning in at.warning)


@pytest.mark.long
@pytest.mark.parametrize("page", WRONG)
def test_every_wrong_part_of_a_link_is_named_in_one_sentence_and_leaves_the_address(page):
    at = visit(page, CHEAP | COMMON | WRONG[page])
    said = notice(at)
    assert said.startswith("This link asks for ")
    assert said.count(". ") == 0
    for value in (COMMON | WRONG[page]).values():
        assert f"`{QUOTED.get(value, value)}`" in said
    assert said.count("(expected") == len(COMMON | WRONG[page])
    # What is left holds what is shown: the layer that is suggested, and no picture but the usual one.
    assert address(at).pop("layer", "conv1") != "nowhere"
    assert {name: value for name, value in address(at).items() if name != "layer"} == CHEAP | KEPT[page]
    assert at.session_state["selection"].picture == Selection().picture
    assert notice(at.run()) == said
    again = visit(page, address(at))
    assert silent(again)
    assert address(again) == address(at)
    for run in (at, again):
        if page == "layers":
            run.multiselect(key="w_layers_networks").set_value(["resnet44-cifar10"]).run()
        else:
            run.selectbox(key="w_compare_b" if page == "compare" else "w_network").set_value("resnet44-cifar10").run()
        assert silent(run)


@pytest.mark.parametrize("page", WRONG)
def test_another_network_is_named_and_the_usual_one_taken(page):
    at = visit(page, {"network": "../../etc", "refine": "False", "grid": "4"})
    assert "`../../etc` (expected one of the list on the left)" in notice(at)
    assert "network" not in address(at)
    assert at.session_state["selection"].network == Selection().network
    the_backend().maps.close()


@pytest.mark.parametrize("key", ["photo/rocket@0,0,2,1", "photo/rocket@0.5,0.5,0.5,0.5", "upload/12", "nothing"])
def test_a_picture_that_is_not_there_leaves_the_usual_one_under_the_sentence(key):
    at = visit("explore", CHEAP | {"picture": key, "methods": "saliency", "layers": "conv1"})
    assert f"the picture `{key}`" in notice(at)
    assert "picture" not in address(at)
    assert at.get("plotly_chart")


def test_an_upload_that_is_no_longer_kept_gives_way_to_the_usual_picture():
    at = visit("explore", CHEAP | {"methods": "saliency", "layers": "conv1"})
    assert silent(at)
    at.session_state["selection"] = Selection(**{**vars(at.session_state["selection"]), "picture": "upload/12"})
    at.run()
    assert "in this window, got one that is not here" in at.warning[0].value
    assert at.get("plotly_chart")
    at.run()
    assert "in this window, got one that is not here" in at.warning[0].value
    at.select_slider(key="w_layer").set_value("conv1").run()
    assert not at.warning


@pytest.mark.parametrize(
    ("name", "query", "kept"),
    [
        ("explore", {"across": "pictures", "pictures": "bird/0 upload", "networks": "own resnet20-cifar10"}, 2),
        ("layers", {"networks": "resnet20-cifar10 own"}, 1),
    ],
)
def test_uploads_in_a_list_have_a_place_in_the_link_and_where_they_are_lost_it_is_said(name, query, kept):
    at = visit(name, CHEAP | {"methods": "saliency"} | query)
    said = notice_of_the_lost(at)
    assert len(said) == kept
    assert not any("This link asks" in warning.value for warning in at.warning)
    left = {
        part: " ".join(item for item in text.split() if item not in ("own", "upload")) for part, text in query.items()
    }
    assert {part: address(at)[part] for part in query} == left
    assert notice_of_the_lost(at.run()) == said
    # With files of this visit's own the place is taken, and stays in the address.
    if name == "explore":
        key = the_backend().add_upload(noise(), "mine.png", f"{at.session_state['session']}/upload").key
        at.session_state["grid_choice"] = replace(at.session_state["grid_choice"], pictures=("bird/0", key))
        at.run()
        assert address(at)["pictures"] == "bird/0 upload"
        assert not at.warning
    the_backend().maps.close()


def notice_of_the_lost(at: AppTest) -> list[str]:
    assert not at.exception
    return re.findall(
        "Somebody's own (?:pictures|networks) are left out", " ".join(warning.value for warning in at.warning)
    )


def test_lists_that_are_too_long_are_cut_and_twice_the_same_is_once():
    names = ["conv1", *(f"layer{n}.{m}" for n in (1, 2) for m in (0, 1, 2))]
    at = visit("explore", CHEAP | {"methods": "saliency", "layers": " ".join(names)})
    assert "7 layers (expected at most 5)" in notice(at)
    assert address(at)["layers"].split() == names[:5]
    at = visit("explore", CHEAP | {"methods": "saliency saliency", "layers": "conv1 conv1"})
    assert silent(at)
    assert (address(at)["methods"], address(at)["layers"]) == ("saliency", "conv1")


@pytest.mark.parametrize("page", ["explore", "evaluate"])
def test_no_method_at_all_is_a_choice_and_one_that_is_none_is_not(page):
    at = visit(page, CHEAP | {"methods": ""})
    assert silent(at)
    assert address(at)["methods"] == ""
    at = visit(page, CHEAP | {"methods": "foo", "layers": "conv1"})
    assert "`foo`" in notice(at)
    assert "methods" not in address(at)
    the_backend().maps.close()


def test_evaluates_choice_is_in_its_address_and_comes_back():
    at = visit("evaluate", CHEAP | {"layer": "layer3.2"})
    at.button_group(key="w_eval_methods").set_value(["random", "saliency"]).run()
    at.select_slider(key="w_eval_count").set_value(12).run()
    at.button_group(key="w_eval_replacement").set_value("blur").run()
    at.toggle(key="w_eval_refine").set_value(True).run()
    at.button_group(key="w_eval_way").set_value("stability").run()
    at.button_group(key="w_eval_checked").set_value(16).run()
    at.button_group(key="w_eval_source").set_value("folder").run()
    again = visit("evaluate", address(at))
    assert again.session_state["evaluate_choice"] == at.session_state["evaluate_choice"]
    assert again.session_state["selection"] == at.session_state["selection"]
    assert again.session_state["evaluate_choice"] == EvaluateChoice(
        ("random", "saliency"), "folder", 12, "blur", False, True, "stability", 16
    )
    assert silent(again)
    assert address(again) == address(at)


def test_a_lessons_values_are_in_its_address_and_come_back():
    at = visit("learn", {"lesson": "entropy", "present": "1"})
    at.select_slider(key="w_learn_entropy_sigma").set_value(0.5).run()
    at.select_slider(key="w_learn_entropy_row").set_value(3).run()
    assert address(at) == {"lesson": "entropy", "present": "1", "entropy_sigma": "0.5", "entropy_row": "3"}
    again = visit("learn", address(at))
    assert [metric.value for metric in again.metric] == [metric.value for metric in at.metric]
    assert address(again) == address(at)
    assert silent(again)
    again.button(key="present_switch").click().run()
    assert address(again) == {"lesson": "entropy", "entropy_sigma": "0.5", "entropy_row": "3"}
    again.button(key="present_next").click().run()
    assert address(again) == {"lesson": "noise"}
    again.button(key="present_previous").click().run()
    assert address(again) == {"lesson": "entropy", "entropy_sigma": "0.5", "entropy_row": "3"}


def test_a_wrong_lesson_and_wrong_values_are_named():
    at = visit("learn", {"lesson": "nope", "present": "7", "entropy_sigma": "99", "picture": "bird/x", "foo": "1"})
    said = notice(at)
    assert all(f"`{value}`" in said for value in ("nope", "7", "99", "bird/x"))
    assert "the Noise σ (network units) `99` (expected one of its 15 values from 0.005 to 2)" in said
    assert address(at) == {"lesson": "entropy"}
    at.select_slider(key="w_learn_entropy_sigma").set_value(0.5).run()
    assert silent(at)


def test_a_switch_of_a_lesson_comes_back_too():
    at = visit("learn", {"lesson": "beta", "beta": "1e-05", "layer_layer3.2": "conv1", "whole": "True"})
    assert silent(at)
    assert at.toggle(key="w_learn_whole").value
    assert address(at) == {"lesson": "beta", "beta": "1e-05", "layer_layer3.2": "conv1", "whole": "True"}
    the_backend().maps.close()


@pytest.mark.parametrize("page", CHOICES)
def test_every_part_that_an_address_can_hold_has_words(page):
    parts = texts(vars(Selection())) | CHOICES[page]().texts()
    assert set(parts) - {"of"} == set(PAGES[page])
    assert problems(page, parts, parts) == []


def test_quotations_from_a_link_are_short_and_plain():
    (found,) = problems("compare", {"other": "`![a](http://example.org)\n" + "x" * 500}, {})
    assert found.count("`") == 2
    assert "\n" not in found
    assert len(found) < 130


def test_a_sentence_of_lists_names_what_is_missing():
    kept, wrong = listed("evaluate", "methods", ("cid", "foo", "bar"), {"cid"}.__contains__)
    assert kept == ("cid",)
    assert "`foo bar`" in sentence(wrong)
