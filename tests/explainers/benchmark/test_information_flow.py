"""Lines of the benchmark of estimates are measured."""

import pytest
import torch

from explainers.benchmark.information_flow import measured


@pytest.mark.parametrize("name", ["entropy", "I(X;T), first layer", "I(X;T), a later layer"])
def test_a_line_of_the_benchmark_is_measured(name):
    threads = torch.get_num_threads()
    line = measured(name, 200, 3, 2, threads, "cpu")
    assert line.error > 0
    assert line.processor_seconds > 0
    assert line.mebibytes < 500
    if name.startswith("I(X;T)"):
        assert 0 < line.value < torch.tensor(200.0).log()
