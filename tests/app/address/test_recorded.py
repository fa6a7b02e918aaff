"""Addresses that people have kept open the views that they opened when they were written down."""

import json
from dataclasses import asdict
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from app.address.links import PAGES, PARTS
from app.address.selection import Selection
from app.classroom import classes as room
from app.classroom.membership import classes
from app.compare.choice import Choice as Compare
from app.evaluate.choice import Choice as Evaluate
from app.explore.grid_choice import GridChoice
from app.fairness.controls import Choice as Fairness
from app.flow.choice import Choice as Flow
from app.jobs.backend import the_backend
from app.layers.choice import Choice as Layers
from app.studies.choice import Choice as Studies
from tests.support.pages import address, controls, dressed, page, says, until

CHOICES = {
    "explore": GridChoice,
    "compare": Compare,
    "fairness": Fairness,
    "evaluate": Evaluate,
    "layers": Layers,
    "studies": Studies,
    "flow": Flow,
}
# What all pages share, what the page adds and the values of its controls, as version 0.1 read and wrote it; but that RU
# is no longer among the rows to begin with. Pages and parts that came later: as they were when written down.
RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())


def name(kept: dict) -> str:
    return f"{kept['page']}?{kept['address']}"


def parts(kept: dict) -> dict[str, str]:
    return dict(parse_qsl(kept["address"], keep_blank_values=True))


@pytest.mark.parametrize("kept", [kept for kept in RECORDED if "own" in kept], ids=name)
def test_an_address_means_what_it_meant(kept):
    query = parts(kept)
    read = {"shared": asdict(Selection.from_query(query)), "own": asdict(CHOICES[kept["page"]].from_query(query))}
    # What was added since stands at its default.
    for part, values in read.items():
        assert json.loads(json.dumps(values)).items() >= kept[part].items()


@pytest.mark.usefixtures("fresh_backend")
@pytest.mark.parametrize("kept", [kept for kept in RECORDED if "controls" in kept], ids=name)
def test_a_page_opens_with_its_controls_where_they_were(kept):
    at = page(kept["page"], **parts(kept)).run()
    until(at, lambda at: controls(at).keys() >= kept["controls"].keys())
    shown = json.loads(json.dumps(controls(at)))
    assert {control: shown[control] for control in kept["controls"]} == kept["controls"]
    assert address(at) == parts(kept)
    assert not says(at, "This link asks for")
    assert dressed(at)
    the_backend().maps.close()


@pytest.mark.parametrize("name", PAGES)
def test_every_part_of_every_page_stands_in_one_of_them(name):
    own = [kept for kept in RECORDED if kept["page"] == name]
    assert set().union(*map(parts, own)) >= PAGES[name].keys() - PARTS.keys()
    assert any("controls" in kept for kept in own)


def test_the_links_of_a_class_lead_it_and_follow_it(monkeypatch):
    monkeypatch.setattr(room, "_code", lambda: "ABC234")
    monkeypatch.setattr(room.secrets, "token_urlsafe", lambda size: "a-1_b-2_c-3_d-4x")
    classes.clear()
    assert classes().begin() == ("ABC234", "a-1_b-2_c-3_d-4x")
    leader = page("teach", **{"class": "ABC234", "lead": "a-1_b-2_c-3_d-4x"}).run()
    assert leader.button(key="class_lessons")
    follower = page("teach", **{"class": "ABC234"}).run()
    assert says(follower, "You are in the class **ABC234**")
    assert address(follower) == {"class": "ABC234"}
    classes.clear()
