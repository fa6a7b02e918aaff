"""What a run of Explore's script costs where its map is kept: `python -m app.rerun_bench`.

Processor time of a whole run by `AppTest`, the least of many, by turns with the sidebar's picture kept and drawn anew.
"""

import argparse
import time
from unittest.mock import patch

import torch
from streamlit.testing.v1 import AppTest

from app.inputs.pictures import find_picture
from app.jobs.backend import the_backend

QUERY = {"network": "resnet20-cifar10", "view": "layer", "layer": "layer3.2", "refine": "False", "grid": "8"}
PATIENCE = 120


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=60)
    given = parser.parse_args()
    torch.set_num_threads(1)
    at = AppTest.from_string("from app.explore import page; page.page()", default_timeout=PATIENCE)
    at.query_params.update(QUERY)
    at.run()
    while any(runner.count for runner in (the_backend().loads, the_backend().maps)):
        time.sleep(0.1)
        at.run()
    ways = {"picture kept": find_picture, "drawn anew": find_picture.__wrapped__}
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(given.runs):
        for name, find in ways.items():
            with patch("app.jobs.backend.find_picture", find):
                began = time.process_time()
                at.run()
            least[name] = min(least[name], time.process_time() - began)
    for name, seconds in least.items():
        print(f"{name}: {seconds * 1000:.1f} ms")


if __name__ == "__main__":
    main()
