"""Scripts that people have taken away run on: what they import is where it was in version 0.1."""

import subprocess
import sys

import pytest

from tests.support.places import ROOT

# What it imports is asked, not the last digits of its maps.
BRIEF = """
import pytest
from tests.support.brief import brief
brief(pytest.MonkeyPatch())
"""
SCRIPT = """
from pathlib import Path
from explainers import CID, RU, CIDSettings, add_network, load_checkpoint, load_network
from explainers.baselines import attribute
from explainers.bottleneck import BottleneckSettings
from explainers.datasets.birds import render_bird
from explainers.datasets.membranes_rendered import render_tissue
from explainers.datasets.photographs import photographs
from explainers.datasets.pictures import open_picture
from explainers.decoders import find_decoder, load_decoder
network = load_network("resnet20-cifar10")
x = network.preprocess(render_bird(1, 224).image)[None]
layer = network.layer("layer2.2")
settings = CIDSettings(grid=4, probes=8, refine=False)
print(CID(network.module, layer).explain(x, settings).entropy.shape)
print(RU(network.module, layer, load_decoder(find_decoder(network, layer))).explain(x, settings).entropy.shape)
print(attribute("bottleneck", network, layer, x, target=2, settings=BottleneckSettings(steps=1)).shape)
"""


@pytest.mark.long
def test_a_script_of_version_0_1_runs():
    run = subprocess.run([sys.executable, "-c", BRIEF + SCRIPT], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split("\n")[:3] == ["torch.Size([1, 1, 32, 32])"] * 3
