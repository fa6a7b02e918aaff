"""A sweep that takes seconds, and its rows in a form that can be compared."""

import pandas as pd

from explainers.cid.results import CIDSettings
from explainers.sweeps.pictures import find_pictures
from explainers.sweeps.plan import Block, Plan, blocks
from explainers.sweeps.row import as_table
from explainers.sweeps.work import Bench

NETWORK = "resnet20-cifar10"
QUICK = CIDSettings(refine=False, probes=16, grid=8)
BENCH = Bench(store=False)
# What is measured anew every time.
TIMES = ("seconds",)


def quick_plan(count=3, **changed) -> Plan:
    asked = {
        "networks": (NETWORK,),
        "layers": ("conv1", "layer1.1"),
        "methods": ("cid",),
        "items": find_pictures(f"birds:{count}").items,
        "settings": QUICK,
    }
    return Plan(**(asked | changed))


def todo(plan: Plan, done=frozenset()) -> list[Block]:
    return [block for block in blocks(plan, done) if isinstance(block, Block)]


def compared(rows) -> pd.DataFrame:
    """Without what is measured anew, in one order."""
    frame = rows if isinstance(rows, pd.DataFrame) else as_table(list(rows)).to_pandas()
    return frame.drop(columns=list(TIMES)).sort_values("row", ignore_index=True)


def rows_of(answers) -> pd.DataFrame:
    return compared(row for done in answers for row in done.rows)


class Shelf(dict):
    """What several requests need, for ever."""

    def put(self, key, value):
        self[key] = value
