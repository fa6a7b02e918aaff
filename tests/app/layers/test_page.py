"""The Layers page without a browser: curves that grow, cancel, links, a sweep's table, good and bad."""

import csv
import io
import sys
import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest

from app.inputs.pictures import titles
from app.jobs.backend import the_backend
from app.layers import controls
from app.layers import parquet as parquet_module
from app.layers.choice import Choice
from app.layers.files import curves_csv, drawing, rows_parquet
from app.layers.lines import lines_of
from app.layers.parquet import read_table
from app.layers.table import table_errors
from app.layers.upload import chart_of
from explainers import CIDSettings, load_network
from explainers.cid.certainty import misfit
from explainers.methods.entropies import NOWHERE
from explainers.methods.method import MapMethod
from explainers.methods.request import answer
from explainers.sweeps import shipped
from explainers.sweeps.agreement import AgreementRequest
from explainers.sweeps.items import BirdItem, FileItem
from explainers.sweeps.point import PointRequest
from explainers.sweeps.row import SCHEMA, Row, as_table
from tests.support.pages import page, says, until, words
from tests.support.picture_files import plain
from tests.support.sweep_rows import parquet, rows

pytestmark = pytest.mark.usefixtures("fresh_backend", "few_layers")
NETWORK, LAYERS = "resnet20-cifar10", ("conv1", "fc")


@pytest.fixture
def few_layers(monkeypatch):
    """Every network has two layers only, so that a curve takes seconds."""

    def few(method, network):
        return [one for one in network.layers if one.name in LAYERS and not method.refuse(network, one)]

    monkeypatch.setattr(MapMethod, "layers", few)


def visit(**query: str) -> AppTest:
    return page("layers", **{"networks": NETWORK, "count": "1", "refined": "False"} | query).run()


def computed(**query: str) -> AppTest:
    at = visit(**query)
    at.button(key="layers_page_again").click().run()
    return until(at, lambda at: says(at, "maps are there.") and says(at, "All "))


def brought(data: bytes, **query: str) -> AppTest:
    at = visit(data="table", **query)
    at.file_uploader(key="w_layers_table").set_value(("sweep.parquet", data, "application/octet-stream")).run()
    assert not at.exception
    return at


@pytest.mark.long
def test_nothing_runs_before_the_button_then_every_point_stands_in_chart_table_and_pictures():
    at = visit()
    assert says(at, "0 of 2 maps are there")
    assert says(at, "Here comes a chart")
    assert not the_backend().maps._jobs
    at.button(key="layers_page_again").click().run()
    until(at, lambda at: says(at, "All 2 maps are there"))
    points, pictures = at.dataframe
    assert points.value["Layer"].tolist() == list(LAYERS)
    assert points.value["Pictures"].tolist() == [1, 1]
    network = load_network(NETWORK)
    request = PointRequest(network, network.layer("conv1"), "cid", (BirdItem(0),), CIDSettings(refine=False))
    (row,) = answer(request).rows
    assert points.value["Mean (nats)"][0] == pytest.approx(row.mean, abs=1e-5)
    assert pictures.value["Picture"].tolist() == ["Wren (rendered)"]
    assert "layer=conv1" in pictures.value["Explore"][0]
    assert "--networks resnet20-cifar10 --pictures birds:1 --metrics cid --closed-form" in at.code[0].value
    assert len(at.get("plotly_chart")) == 1
    # Another metric of the same maps, and the same page again, take nothing.
    at.button_group(key="w_layers_metric").set_value("concentration").run()
    assert says(at, "All 2 maps are there")
    assert says(visit(), "All 2 maps are there")


def test_cancel_keeps_the_points_that_are_ready_and_another_start_goes_on():
    at = visit(count="4")
    at.button(key="layers_page_again").click().run()
    until(at, lambda at: len(at.dataframe) > 0)
    jobs = list(the_backend().maps._jobs.values())
    at.button(key="layers_page_cancel").click().run()
    assert all(job.ended.wait(60) for job in jobs)
    at.run()
    assert not at.exception
    assert sum(at.dataframe[0].value["Pictures"]) < 8
    before = len(at.dataframe[0].value)
    at.button(key="layers_page_again").click().run()
    assert len(at.dataframe[0].value) >= before
    at.button(key="layers_page_cancel").click().run()


def test_the_choice_is_in_the_address_and_comes_back():
    at = visit(second="1e-3", x="depth", metric="ru", beta="0.0003")
    assert not at.warning
    address = {name: value[0] if isinstance(value, list) else value for name, value in at.query_params.items()}
    assert address == {
        "networks": NETWORK, "count": "1", "refined": "False", "second": "0.001", "x": "depth", "metric": "ru",
        "beta": "0.0003",
    }  # fmt: skip
    assert at.session_state["layers_choice"] == Choice((NETWORK,), "ru", "birds", 1, "depth", False, 1e-3)
    again = page("layers", **address).run()
    assert again.session_state["layers_choice"] == at.session_state["layers_choice"]
    at.multiselect(key="w_layers_networks").set_value([]).run()
    assert len(at.multiselect(key="w_layers_networks").value) == 3


def test_a_click_on_a_point_sends_the_reader_to_its_layer_in_explore():
    at = computed()
    at.selectbox(key="w_layers_point").set_value("ResNet-20, CIFAR-10 · fc").run()
    at.button(key="layers_open").click().run()
    there = at.session_state["selection"]
    assert (there.network, there.layer, there.picture, there.refine) == (NETWORK, "fc", "bird/0", False)
    assert at.session_state["sent to a page"] == ("explore", {"view": "layer", "metric": "cid"})


def test_a_shipped_table_shows_at_once_and_only_what_lacks_is_asked_for(monkeypatch):
    network = load_network(NETWORK)
    settings = CIDSettings(refine=False)
    (row,) = answer(PointRequest(network, network.layer("fc"), "cid", (BirdItem(0),), settings)).rows
    monkeypatch.setattr(shipped, "shipped_rows", lambda: {row.row: row})
    at = visit()
    assert says(at, "1 of 2 maps are there")
    assert at.dataframe[0].value["Layer"].tolist() == ["fc"]
    assert not says(at, "No curve yet")
    both = visit(networks=f"{NETWORK} resnet32-cifar10")
    assert says(both, "No curve yet of **ResNet-32, CIFAR-10**: none of the maps behind it are there.")
    assert visit(beta="0.0003").dataframe.len == 0


def test_a_sweeps_table_is_drawn_as_it_is():
    at = brought(parquet(*rows(), *rows("my-net", ("a", "b", "c"))))
    assert says(at, "15 rows of 3 pictures were read")
    points, pictures = at.dataframe
    assert points.value["Network"].tolist() == ["ResNet-20, CIFAR-10"] * 2 + ["my-net"] * 3
    assert points.value["Mean (nats)"].tolist() == pytest.approx([-2.9, -1.9, -2.9, -1.9, -0.9])
    assert pictures.value["Picture"].tolist() == ["Goldfinch (rendered)", "Cardinal (rendered)", "Wren (rendered)"]
    assert "picture=bird%2F2" in pictures.value["Explore"][0]
    at.button_group(key="w_layers_order").set_value("wrong").run()
    assert at.dataframe[1].value["Picture"][0] == "Cardinal (rendered)"
    assert says(at, "is wrong on 1 of 3 pictures whose class it knows")
    at.button_group(key="w_layers_metric").set_value("ru").run()
    assert says(at, "no rows of RU")


def test_several_settings_of_a_table_are_lines_of_their_own():
    other = [replace(row, row=row.row + " refined", refine=True, mean=row.mean + 1) for row in rows()]
    at = brought(parquet(*rows(), *other))
    assert at.dataframe[0].value["Network"].unique().tolist() == [
        "ResNet-20, CIFAR-10, closed form",
        "ResNet-20, CIFAR-10, refined",
    ]


def test_closed_forms_that_miss_their_constraint_are_rounded_to_what_is_known_of_them():
    first, *others = rows(birds=2)
    data = parquet(replace(first, constraint=21.9, converged=False), *others)
    at = brought(data)
    points, pictures = at.dataframe
    assert points.value["Uncertain"].tolist() == [1, 0]
    assert pictures.value["Uncertain"].tolist() == [False, True]
    # ½ log 21.9 for one of two pictures.
    chart = chart_of(read_table(data), "cid")
    assert table_errors(chart) == [pytest.approx(misfit(21.9) / 2), None]
    told = list(csv.DictReader(io.StringIO(curves_csv(chart).decode("utf-8-sig"))))
    assert [row["what the mean may be off by for that reason (nats)"][:5] for row in told] == ["0.771", ""]


@pytest.mark.parametrize(
    ("data", "start"),
    [
        (b"", "Expected a table of a sweep (Parquet)"),
        (b"PAR1" + bytes(200) + b"PAR1", "Expected a table of a sweep (Parquet)"),
        (parquet(*rows())[:-50], "Expected a table of a sweep (Parquet)"),
        (parquet(), "Expected a table with rows"),
    ],
    ids=["empty", "garbage", "cut", "no rows"],
)
def test_a_bad_file_is_one_sentence(data, start):
    at = brought(data)
    (error,) = at.error
    assert error.value.startswith(start)
    assert not at.dataframe


@pytest.mark.long
def test_tables_of_others_and_tables_that_grow_are_refused():
    buffer = io.BytesIO()
    pq.write_table(pa.table({"network": ["a"]}), buffer)
    with pytest.raises(ValueError, match="other columns"):
        read_table(buffer.getvalue())
    buffer = io.BytesIO()
    pq.write_table(as_table(rows()[:1]).take([0] * 200_001), buffer)
    assert len(buffer.getvalue()) < 200_000
    with pytest.raises(ValueError, match="at most 200,000 rows"):
        read_table(buffer.getvalue())
    with pytest.raises(ValueError, match="networks and layers"):
        read_table(parquet(*(replace(row, layer=str(n), row=str(n)) for n in range(2001) for row in rows()[:1])))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's limits of memory")
def test_a_small_file_that_unfolds_to_much_takes_only_the_memory_that_it_may(monkeypatch):
    buffer = io.BytesIO()
    pq.write_table(as_table([replace(rows()[0], key="x" * (8 << 20))]), buffer, compression="zstd")
    assert len(buffer.getvalue()) < 100_000
    assert len(read_table(buffer.getvalue())) == 1
    # What a file says of its own size is not believed: the process itself has its bounds.
    bounds = "from app.layers import unpack; unpack.MEBIBYTES = 16; unpack.main()"
    monkeypatch.setattr(parquet_module, "PROGRAM", f"import sys; sys.path.insert(0, sys.argv[1]); {bounds}")
    assert len(read_table(parquet(*rows()))) == 6
    with pytest.raises(ValueError, match="something else"):
        read_table(buffer.getvalue())


@pytest.mark.parametrize("seed", range(10))
def test_a_damaged_file_is_read_or_refused_in_a_sentence(seed):
    damaged = bytearray(parquet(*rows()))
    draw = np.random.default_rng(seed)
    for place in draw.integers(4, len(damaged), 1 + seed % 5):
        damaged[place] = draw.integers(256)
    said = "expected"
    try:
        read_table(bytes(damaged))
    except ValueError as error:
        said = str(error)
    assert said.startswith("expected")


def test_what_a_stranger_has_written_into_a_table_is_no_markup():
    bad = '<a href="https://example.org">x</a>`$' + "y" * 5000
    (first, *_) = read_table(parquet(replace(rows()[0], network=bad)))["network"]
    assert not set("<>`$&") & set(first)
    assert len(first) == 300
    at = brought(parquet(replace(rows()[0], network="![a](https://example.org)")))
    assert not [word for word in words(at) if "](http" in word]


def test_the_files_hold_what_the_page_shows():
    chart = chart_of(read_table(parquet(*rows())), "cid")
    lines = lines_of(chart)
    for kind, start in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        for axis in ("layer", "depth"):
            assert drawing(lines, axis, "mean CID (nats)", "CID", "birds:3", kind).startswith(start)
    table = pq.read_table(io.BytesIO(rows_parquet(chart)))
    assert table.schema.equals(SCHEMA)
    assert [Row(**row) for row in table.to_pylist()] == rows()
    head, *lines_of_text = curves_csv(chart).decode("utf-8-sig").splitlines()
    assert head.startswith("network,weights (SHA-256),layer")
    assert len(lines_of_text) == 2
    assert np.isfinite(lines[0].low).all()


def test_a_network_without_decoders_and_one_that_cannot_come_are_named():
    at = visit(metric="ru", networks="resnet20-cifar10 resnet32-cifar10-epoch4 resnet18")
    assert says(at, "**ResNet-18, ImageNet** is left out") or says(at, "is being loaded")
    until(at, lambda at: says(at, "**ResNet-18, ImageNet** is left out"))
    assert says(at, f"is not in the chart: {NOWHERE}")
    assert says(at, "0 of 2 maps are there")


def test_networks_that_do_not_fit_into_memory_together_are_left_out(monkeypatch):
    monkeypatch.setattr(controls, "NETWORKS_KEPT", 1)
    at = visit(networks="resnet20-cifar10 resnet32-cifar10")
    assert says(at, "**ResNet-32, CIFAR-10** is left out: the networks before it fill the memory")
    assert says(at, "0 of 2 maps are there")


def test_what_ships_stands_on_the_page_without_any_work():
    at = page("layers", networks=NETWORK, count="12").run()
    assert says(at, "All 24 maps are there")
    assert at.dataframe[0].value["Pictures"].tolist() == [12, 12]
    assert not the_backend().maps._jobs


@pytest.mark.long
def test_pictures_stand_in_the_order_of_their_agreement_with_grad_cam():
    at = computed(count="4")
    assert "Like Grad-CAM" not in at.dataframe[1].value
    at.selectbox(key="w_layers_point").set_value("ResNet-20, CIFAR-10 · conv1").run()
    at.button_group(key="w_layers_order").set_value("unlike").run()
    until(at, lambda at: says(at, "Compared with Grad-CAM: 4 pictures."))
    shown = at.dataframe[1].value
    network = load_network(NETWORK)
    items = tuple(BirdItem(index) for index in range(4))
    wanted = AgreementRequest(network, network.layer("conv1"), "cid", items, CIDSettings(refine=False))
    alone = answer(wanted)
    found = dict(zip(titles(alone.pictures).values(), alone.correlation, strict=True))
    assert shown["Like Grad-CAM"].tolist() == sorted(found.values())
    assert [found[name] for name in shown["Picture"]] == shown["Like Grad-CAM"].tolist()
    assert all("layer=conv1" in address for address in shown["Explore"])
    # A vector has no Grad-CAM: said, and the pictures stand all the same.
    at.selectbox(key="w_layers_point").set_value("ResNet-20, CIFAR-10 · fc").run()
    assert says(at, "Not compared with Grad-CAM: ")
    assert len(at.dataframe[1].value) == 4
    at.button_group(key="w_layers_order").set_value("low").run()
    assert "Like Grad-CAM" not in at.dataframe[1].value
    assert not the_backend().maps._jobs


@pytest.mark.long
def test_a_comparison_is_cancelled_and_goes_on(monkeypatch):
    at = computed(count="4")
    monkeypatch.setattr("explainers.sweeps.agreement.agreement", lambda *_: time.sleep(1) or 0.5)
    at.button_group(key="w_layers_order").set_value("unlike").run()
    until(at, lambda at: any(button.key == "layers_unlike_cancel" for button in at.button))
    jobs = list(the_backend().maps._jobs.values())
    at.button(key="layers_unlike_cancel").click().run()
    assert all(job.ended.wait(60) for job in jobs)
    at.run()
    assert says(at, "The comparison was cancelled")
    monkeypatch.undo()
    at.button(key="layers_unlike_again").click().run()
    until(at, lambda at: says(at, "Compared with Grad-CAM: 4 pictures."))


def test_own_pictures_are_computed_as_the_birds_are_and_open_in_explore():
    at = visit(data="own")
    assert says(at, "Choose the files of your pictures on the left.")
    files = [("red.png", plain("red")), ("bad.png", b"nothing"), ("blue.png", plain("blue"))]
    at.file_uploader(key="w_layers_files").set_value([(name, data, "image/png") for name, data in files]).run()
    assert says(at, "2 pictures, 0 with a box.")
    assert "bad.png: expected" in at.warning[0].value
    boxes = b"name,x0,y0,x1,y1\nred.png,10,10,30,30\n"
    at.file_uploader(key="w_layers_boxes").set_value([("boxes.csv", boxes, "text/csv")]).run()
    assert says(at, "2 pictures, 1 with a box.")
    assert says(at, "0 of 4 maps are there")
    at.button(key="layers_page_again").click().run()
    until(at, lambda at: says(at, "All 4 maps are there"))
    pictures = at.dataframe[1].value
    assert pictures["Picture"].tolist() == ["red.png", "blue.png"]
    assert all(image.startswith("data:image") for image in pictures["Image"])
    assert pictures["Concentration (nats)"].notna().tolist() == [True, False]
    assert pictures["Explore"].isna().all()
    assert "--pictures your-folder --boxes your-boxes.csv --metrics cid" in at.code[0].value
    network = load_network(NETWORK)
    item = FileItem("red.png", (), files[0][1], (10, 10, 30, 30))
    request = PointRequest(network, network.layer("conv1"), "cid", (item,), CIDSettings(refine=False))
    assert pictures["Mean (nats)"][0] == pytest.approx(answer(request).rows[0].mean)
    at.button(key="layers_open").click().run()
    there = at.session_state["selection"]
    assert the_backend().uploaded(there.picture).title == "red.png"
    assert at.session_state["uploads"] == (there.picture,)
    # A link holds no file: the page of another visit asks for them.
    address = {name: value[0] if isinstance(value, list) else value for name, value in at.query_params.items()}
    assert "red" not in str(address)


@pytest.mark.parametrize(
    ("files", "boxes", "start"),
    [
        ([("a.png", b"nothing")], b"", "Expected at least one picture, got none that can be read"),
        ([("a.png", plain("red"))], b"name,x0,y0,x1,y1\nb.png,1,1,9,9\n", "Expected boxes under the names"),
        ([("a.png", plain("red"))], b"nothing", "Expected"),
    ],
    ids=["no picture", "other names", "no boxes"],
)
def test_own_files_that_cannot_be_used_are_one_sentence(files, boxes, start):
    at = visit(data="own")
    at.file_uploader(key="w_layers_files").set_value([(name, data, "image/png") for name, data in files]).run()
    if boxes:
        at.file_uploader(key="w_layers_boxes").set_value([("boxes.csv", boxes, "text/csv")]).run()
    (error,) = at.error
    assert error.value.startswith(start)
    assert says(at, "Choose the files of your pictures on the left.")
