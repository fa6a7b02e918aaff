"""What is printed when nobody reads is lost, and nothing else."""

import os
import sys

import pytest

from explainers.sweeps.heedless import Heedless, heedless


@pytest.mark.parametrize("buffering", [1, 4096])
def test_a_reader_that_goes_away_is_not_missed(buffering):
    reader, writer = os.pipe()
    with open(writer, "w", buffering, encoding="utf-8") as stream:
        heard = Heedless(stream)
        heard.write("first\n")
        heard.flush()
        assert os.read(reader, 100) == b"first\n"
        os.close(reader)
        for _ in range(3):
            heard.write("nobody reads this\n" * 1000)
            heard.flush()
    # Nothing was held back that would have failed as the stream was closed.
    assert stream.closed


def test_a_stream_that_never_was_takes_all():
    heard = Heedless(None)
    assert heard.write("abc") == 3
    heard.flush()
    assert not heard.isatty()


def test_within_it_print_goes_to_such_streams_and_all_is_out_at_the_end(capsys):
    before = sys.stdout, sys.stderr
    with heedless():
        print("said")
        print("warned", file=sys.stderr)
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr() == ("said\n", "warned\n")
