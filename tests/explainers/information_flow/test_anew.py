"""Estimates on snapshots that ship: found again by what they depend on."""

from explainers.information_flow.anew import AnewRequest
from explainers.information_flow.unfolding import snapshots_path


def test_estimates_are_found_again_under_the_key_that_was_written_down(tmp_path, as_written):
    """As version 0.2 makes it; of the snapshots it takes the bytes of their file."""
    snapshots_path("bits-relu-0.005", tmp_path).write_bytes(b"snapshots")
    asked = AnewRequest("bits-relu-0.005", ("1", "2"), (0, 100), 0.05, 256, seed=1, folder=tmp_path)
    assert asked.key == "dabbb26222160d3c2569ca9f821f623ca445a0c2757f38e5c8df7366dfc958c7"
