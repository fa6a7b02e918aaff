"""Ctrl-C in the terminal of a server that is in the middle of torch."""

import os
import signal

import pytest

from tests.support.server import serving
from tests.support.visitor import asked, run, stream, told

LONG = "network=vgg16-birds&view=layer&layer=fc8&seed=4711"


@pytest.mark.long
def test_a_server_that_is_stopped_at_work_complains_of_nothing(tmp_path):
    log = tmp_path / "log"
    # As many threads as a server has of itself, which others give to tests.
    with serving(log, OMP_NUM_THREADS=str(os.cpu_count())) as (address, process):
        with stream(address) as visitor:
            assert "Cancel" in told(run(visitor, asked(LONG)))
            process.send_signal(signal.SIGINT)
        process.wait(60)
    said = log.read_text()
    assert "You can now view" in said
    assert not [word for word in ("terminate", "Traceback", "Exception") if word in said], said
