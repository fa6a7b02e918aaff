"""The benchmark of what a visitor waits for says it of every wait, and of a map that comes before it has ended."""

import re
import sys

import pytest

from app import first_map_bench


@pytest.mark.long
def test_what_a_visitor_of_a_server_waits_for_is_told(monkeypatch, capsys):
    monkeypatch.setenv("RESULTS_LIMIT", "0")
    monkeypatch.setattr(sys, "argv", ["first_map_bench", "--server", "0", "--grid", "8"])
    first_map_bench.main()
    assert re.fullmatch(r"first map 0 s after a server's start: \d+ s\n", capsys.readouterr().out)


@pytest.mark.long
def test_every_wait_is_told(monkeypatch, capsys, fresh_backend):
    monkeypatch.setenv("RESULTS_LIMIT", "0")
    monkeypatch.setattr(sys, "argv", ["first_map_bench", "--runs", "1", "--grid", "8"])
    first_map_bench.main()
    said = capsys.readouterr().out
    waits = re.findall(r"first map, (\w+): shown after ([\d.]+) s, ended after ([\d.]+) s", said)
    assert [name for name, *_ in waits] == ["cold", "warm"]
    assert all(float(shown) <= float(ended) for _, shown, ended in waits)
    assert re.search(r"rerun with the map kept: \d+ ms, at most \d+ ms", said)
    assert "rerun while another map is computed: " in said
