"""Addresses that people have kept open the views that they opened in version 0.1."""

import json
from dataclasses import asdict
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from app.address.selection import Selection
from app.compare.choice import Choice as Compare
from app.evaluate.choice import Choice as Evaluate
from app.explore.grid_choice import GridChoice
from app.fairness.controls import Choice as Fairness

CHOICES = {"explore": GridChoice, "compare": Compare, "fairness": Fairness, "evaluate": Evaluate}
# What all pages share and what the page adds, as version 0.1 read it; but that RU is no longer among the rows to begin
# with.
RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())


@pytest.mark.parametrize("kept", RECORDED, ids=lambda kept: f"{kept['page']}?{kept['address']}")
def test_an_address_means_what_it_meant(kept):
    query = dict(parse_qsl(kept["address"], keep_blank_values=True))
    read = {"shared": asdict(Selection.from_query(query)), "own": asdict(CHOICES[kept["page"]].from_query(query))}
    # What was added since stands at its default.
    for part, values in read.items():
        assert json.loads(json.dumps(values)).items() >= kept[part].items()
