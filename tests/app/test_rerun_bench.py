"""The benchmark of a page's rerun prints both ways and leaves the pages as they were."""

import re
import sys

from app import rerun_bench
from app.inputs.pictures import find_picture
from app.jobs import backend


def test_both_ways_are_timed(monkeypatch, capsys, fresh_backend):
    monkeypatch.setattr(sys, "argv", ["rerun_bench", "--runs", "1"])
    rerun_bench.main()
    assert re.findall(r"(.+): [\d.]+ ms\n", capsys.readouterr().out) == ["picture kept", "drawn anew"]
    assert backend.find_picture is find_picture
