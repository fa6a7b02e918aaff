"""The study of the bias: its table, and that the truth lies between the two estimates."""

import math

from explainers.studies.information_bias import biases, table


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
