"""Which frames of CID and RU a request passes on."""

from dataclasses import replace

import pytest

from explainers import CID, CIDSettings, load_network
from explainers.datasets.birds.render import render_bird
from explainers.methods.entropies import sharpened


@pytest.mark.long
def test_a_frame_that_is_known_worse_than_the_last_is_not_shown():
    network = load_network("resnet20-cifar10")
    x = network.preprocess(render_bird(1, 64).image)[None]
    settings = CIDSettings(grid=4, probes=32)
    start, *_, one, two, done = CID(network.module, network.layer("fc")).stream(x, settings)
    worse = replace(two, mean_error=one.mean_error + 1, mean=one.mean + 1, backward_passes=one.backward_passes + 8)
    better = replace(two, mean_error=one.mean_error / 2)
    shown = list(sharpened([start, one, worse, better, done]))
    assert [float(frame.mean[0]) for frame in shown[1:]] == [float(f.mean[0]) for f in (one, one, better, done)]
    # Its work counts.
    assert shown[2].backward_passes == worse.backward_passes


@pytest.mark.long
def test_a_start_that_is_looked_for_again_hides_nothing_and_sets_no_measure():
    network = load_network("resnet20-cifar10")
    x = network.preprocess(render_bird(1, 64).image)[None]
    settings = CIDSettings(grid=4, probes=32)
    *_, one, two, done = CID(network.module, network.layer("fc")).stream(x, settings)
    known = replace(one, stage="probes", progress=0.2)
    again = replace(one, stage="start", mean_error=one.mean_error / 9, mean=one.mean + 1, progress=0.22)
    again = replace(again, backward_passes=one.backward_passes + 8)
    worse, better = replace(two, mean_error=one.mean_error * 2), replace(two, mean_error=one.mean_error / 2)
    shown = list(sharpened([known, again, worse, better, done]))
    assert not any(frame.preliminary for frame in shown)
    assert [float(frame.mean[0]) for frame in shown] == [float(f.mean[0]) for f in (one, one, one, better, done)]
    assert (shown[1].backward_passes, shown[1].progress) == (again.backward_passes, again.progress)
