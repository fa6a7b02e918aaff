"""The study of the bias: its table, and that the truth lies between the two estimates."""

import math
import re

from explainers.studies.information_bias import Bias, biases, draw, table


def test_fewer_samples_and_more_units_are_further_off():
    rows = {(row.d, row.n): row for row in biases([(1, 32), (1, 256), (4, 32), (4, 256)], 0.5, 6)}
    assert all(row.bias < 3 * row.bias_error for row in rows.values())
    assert all(row.upper > -3 * row.upper_error for row in rows.values())
    assert rows[4, 32].bias < rows[4, 256].bias < 0
    assert rows[4, 32].bias < rows[1, 32].bias
    assert rows[4, 32].truth == 2 * math.log(5)
    lines = table(list(rows.values())).splitlines()
    assert lines[0] == "| d | I(X;T) | n = 32 | n = 256 |"
    assert lines[2].startswith("| 1 | 0.80 | ")
    assert len(lines) == 4


def test_a_chart_names_every_number_of_units(tmp_path):
    draw([Bias(d, n, 1.0, -d / n, 0.01, 0.1, 0.01) for d in (2, 5) for n in (64, 256)], tmp_path / "bias.svg")
    assert re.findall(r"<!-- (d = [0-9]+) -->", (tmp_path / "bias.svg").read_text()) == ["d = 2", "d = 5"]
