"""What is said of the means of maps whose loss nobody has measured: of RU's that ship one is such."""

import pytest

from app.export.curves import Curve, Curves, curves_csv
from app.export.numbers import curves_table, numbers_table
from app.export.picture import caption
from app.export.record import taken
from app.export.table import MORE, cells_csv
from app.figures.means import mean_words
from app.inputs.columns import Column
from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from app.jobs.kept import RECORDS
from explainers import load_network
from explainers.cid.results import RUResult
from explainers.methods.registry import methods
from explainers.storage.shipped import ShippedResults
from tests.support.tables import rows_of


@pytest.fixture(scope="module")
def recovered() -> dict[bool, RUResult]:
    """The maps of RU that a first visit finds, by whether their loss is known."""
    store = ShippedResults(known=RECORDS)
    found = (store.get(key) for key in sorted(store.keys))
    return {not bool(one.loss.isnan()[0]): one for one in found if isinstance(one, RUResult)}


def test_an_unknown_loss_is_said_wherever_the_mean_is(recovered):
    known, unknown = recovered[True], recovered[False]
    assert "at least" in mean_words(unknown.numbers)
    assert "at least" not in mean_words(known.numbers)
    network = load_network("resnet20-cifar10")
    network_input = prepare(network, find_picture("bird/1", 224))
    column = Column("layer3.2", "", network, network_input, network.layer("layer3.2"))
    sure, other = (taken(methods()["ru"], column, one, 0, "cpu") for one in (known, unknown))
    assert "at least" in caption(other)
    assert "at least" not in caption(sure)
    assert "passes" not in caption(sure), "which the tables have"
    table = numbers_table([sure, other])
    off, lost = (table.heads.index(name) for name in ("May be off by (nats)", "Lost at most (nats)"))
    assert [row[off].endswith(" or more") for row in table.rows] == [False, True]
    assert [row[lost] == "not known" for row in table.rows] == [False, True]
    assert [row[MORE] for row in rows_of(cells_csv([sure, other]))] == ["", "True"]


def test_points_of_a_curve_that_may_be_off_by_more_say_so():
    curve = Curve("mean RU", "mean RU (nats)", (-1.0, -2.0), (0.01, 0.01), more=(True, False))
    curves = Curves("RU", "a bird", ("one", "two"), (curve,))
    assert [row[1] for row in curves_table(curves).rows] == ["−1.000 ± 0.010 or more", "−2.000 ± 0.010"]
    said = [row["mean RU (nats) may be off by more"] for row in rows_of(curves_csv(curves))]
    assert [bool(words) for words in said] == [True, False]
