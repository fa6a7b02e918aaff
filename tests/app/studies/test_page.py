"""The Studies page without a browser: index, a study, its map, files, addresses, what is missing or damaged."""

import io
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from app.figures.networks import Style
from app.figures.studies import Frame, Series, miniature, study_figure
from app.figures.style import LIGHT
from app.studies import known as shown
from app.studies.choice import Choice
from app.studies.files import claims_csv, curves_csv, drawing, rows_parquet
from app.studies.known import known
from app.studies.lines import frame_of, series_of
from app.studies.stage import figure, links, looked_at
from explainers.cid.certainty import is_certain
from explainers.studies.base.tables import FOLDER, rows_of
from explainers.studies.catalogue import STUDIES
from tests.support.pages import address, page, words

pytestmark = pytest.mark.usefixtures("fresh_backend")


@pytest.mark.long
def test_the_index_has_a_card_for_every_study_and_a_row_for_every_claim():
    at = page("studies").run()
    assert not at.exception
    (cards,) = [one.value for one in at.get("html") if 'class="studies"' in one.value] if at.get("html") else [""]
    claims = sum(len(study.claims) for study in STUDIES.values())
    assert f"{claims} claims of {len(STUDIES)} studies" in " ".join(words(at))
    (table,) = at.dataframe
    assert len(table.value) == claims
    for name, study in STUDIES.items():
        assert not cards or f"studies?study={name}" in cards
        assert (table.value["Study"] == f"{study.title}, {study.figure}").sum() == len(study.claims)


def test_a_study_shows_its_claims_and_the_map_follows_what_is_varied():
    at = page("studies", study="beta", stop="1e-05").run()
    assert not at.exception
    said = " ".join(words(at))
    assert all(claim.says in said for claim in STUDIES["beta"].claims)
    assert at.code[0].value == "python -m explainers.studies run beta"
    assert address(at)["stop"] == "1e-05"
    slider = at.select_slider(key="w_studies_stop")
    assert slider.value == "1e-05"
    assert "10⁻⁵" in slider.options
    slider.set_value("0.01").run()
    assert not at.exception
    assert address(at)["stop"] == "0.01"
    at.selectbox(key="w_studies_study").set_value("cost").run()
    assert address(at)["study"] == "cost"
    assert "stop" not in at.query_params


def test_where_networks_are_compared_the_map_follows_them_at_one_layer_and_on_one_scale():
    at = page("studies", study="pruning", stop="conv4-3").run()
    layer, share = (at.select_slider(key=f"w_studies_{name}") for name in ("stop", "curve"))
    assert (layer.label, share.label, share.value) == ("Layer", "Share of the parameters", "whole")
    share.set_value(share.options[-1]).run()
    assert not at.exception
    assert (address(at)["curve"], address(at)["stop"]) == ("6.7 % of the parameters", "conv4-3")
    one = known("pruning")
    ends = [looked_at(one, Choice("pruning", curve=curve, stop="conv4-3")) for curve in (share.options[0], share.value)]
    drawn = [figure(one, seen).layout.coloraxis for seen in ends]
    assert ends[0].row["network"] != ends[1].row["network"]
    assert (drawn[0].cmin, drawn[0].cmax) == (drawn[1].cmin, drawn[1].cmax)


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_is_drawn_with_its_claims_and_command(name):
    at = page("studies", study=name).run()
    assert not at.exception
    said = " ".join(words(at))
    assert all(claim.says in said for claim in STUDIES[name].claims)
    assert bool(at.code) == STUDIES[name].computes


@pytest.mark.long
def test_a_link_with_a_study_that_is_none_is_one_sentence():
    at = page("studies", study="alchemy").run()
    assert "the study `alchemy` (expected one of the index)" in at.warning[0].value
    assert "study" not in at.query_params


def test_the_map_is_that_of_the_place_on_one_scale_and_leads_to_this_very_selection(tmp_path):
    one = known("beta")
    places = [looked_at(one, Choice("beta", curve="block 15", stop=stop)) for stop in ("1e-05", "0.01")]
    assert [seen.row["at"] for seen in places] == ["1e-05", "0.01"]
    low, high = (figure(one, seen) for seen in places)
    assert low.data[0].z.mean() < high.data[0].z.mean()
    assert low.layout.coloraxis.cmin == high.layout.coloraxis.cmin
    assert "network=resnet32-cifar10" in links(places[0].row)
    assert "layer=layer3.4" in links(places[0].row)
    assert "beta=1e-05" in links(places[0].row)
    assert looked_at(known("beta", tmp_path), Choice("beta")) is None


def test_points_whose_maps_miss_their_constraint_are_open_in_the_figure_and_in_the_file():
    """RU of this study is that of closed forms, some of which do at the last layer."""
    rows = rows_of(STUDIES["layers"]).to_dict("records")
    off = {(row["series"], row["layer"]) for row in rows if row["method"] == "ru" and not is_certain(row)}
    drawn = series_of(known("layers"), "RU")
    points = [(one.title, at, unsure) for one in drawn for at, unsure in zip(one.at, one.unsure, strict=True)]
    assert {(title, at) for title, at, unsure in points if unsure} == off
    assert 0 < len(off) < len(points)
    at = page("studies", study="layers", quantity="RU").run()
    assert any("Open points are uncertain" in text for text in words(at))
    assert "-open" in at.get("plotly_chart")[0].proto.spec


def test_files_hold_what_is_drawn():
    one = known("layers")
    axis = one.axes[0]
    svg = drawing(series_of(one, axis.quantity), frame_of(axis), "Layer by layer", "Fig. 5", "svg")
    assert svg.count(b'id="curve-') == len(one.series(axis.quantity))
    table = pd.read_csv(io.BytesIO(curves_csv(one.drawn)))
    assert table["mean"].to_list() == pytest.approx(one.drawn["mean"].to_list())
    assert len(pd.read_parquet(io.BytesIO(rows_parquet(one.long)))) == len(one.long)
    claims = pd.read_csv(io.BytesIO(claims_csv(one.findings)))
    assert claims["Verdict"].to_list() == [finding.verdict.word for finding in one.findings]


def test_a_damaged_or_missing_table_is_said_and_nothing_else_fails(tmp_path, monkeypatch):
    folder = tmp_path / "studies"
    shutil.copytree(FOLDER, folder)
    (folder / "beta.parquet").write_bytes(b"nothing")
    (folder / "rescaling.parquet").unlink()
    assert "expected a table of a sweep" in known("beta", folder).damage
    assert all(one.verdict.word == "no result yet" for one in known("rescaling", folder).findings)
    monkeypatch.setattr(shown.known, "__defaults__", (folder,))
    at = page("studies", study="beta").run()
    assert not at.exception
    assert "expected a table of a sweep" in at.error[0].value


def test_under_the_pointer_a_strength_is_written_by_hand():
    assert {at for curve in series_of(known("beta"), "CID") for at in curve.at} >= {"10⁻⁶", "1.5·10⁻⁴", "10⁻¹"}


def test_a_figure_has_a_curve_with_its_interval_for_each_series():
    one = Series(
        "<b>",
        Style("#000000", "circle"),
        (1.0, 10.0),
        ("a", "b"),
        (0.5, 0.7),
        (0.4, 0.6),
        (0.6, float("nan")),
        (9, 9),
        (1, 1),
    )
    made = study_figure((one,), Frame("nats", "β", logarithmic=True), LIGHT, 10.0)
    (curve,) = made.data
    assert made.layout.xaxis.type == "log"
    assert list(curve.error_y.array) == pytest.approx([0.1, 0.0])
    assert curve.hovertext[0].startswith("&lt;b&gt;<br>a<br>0.5")
    near = study_figure(
        (replace(one, x=(1.0, 16.0), at=("1", "16")),), Frame("nats", "epochs", logarithmic=True), LIGHT
    )
    assert (near.layout.xaxis.tickvals, near.layout.xaxis.ticktext) == ((1.0, 16.0), ("1", "16"))
    assert miniature([one], logarithmic=True).startswith("data:image/svg+xml;base64,")
