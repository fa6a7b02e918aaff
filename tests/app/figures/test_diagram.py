"""The picture of a network: boxes over all registered networks, and what is said by colour, dots and lines."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
import torch

from app.figures.diagram import Known, boxes, colours, drawing, sizes, style
from app.figures.style import DARK, LIGHT
from explainers.networks.catalogue import _specs
from explainers.networks.diagram import Diagram, chain, diagram, extent
from explainers.networks.layers import Layer, find_layers
from explainers.networks.specs import SHIPPED

NAMES = [*(spec.name for spec in SHIPPED), "squeezenet1_1", "resnet18"]
LIMITS = (-4.5, 1.0)
SVG = "{http://www.w3.org/2000/svg}"


def of(name: str) -> Diagram:
    spec = _specs()[name]
    with torch.device("meta"):
        module = spec.build(len(spec.classes))
    side = spec.preprocessing.crop
    layers = find_layers(module, torch.empty(1, 3, side, side, device="meta"))
    return diagram(module, layers, (side, side))


@pytest.mark.parametrize("name", NAMES)
def test_boxes_stand_side_by_side_higher_with_resolution_and_wider_with_channels(name):
    drawn = of(name)
    found = boxes(drawn)
    width, middle, height = sizes(drawn)
    for before, after in pairwise(found):
        assert after.left == pytest.approx(before.left + before.width)
    assert found[-1].left + found[-1].width == width
    assert all(0 < middle - box.height / 2 < middle + box.height / 2 < height for box in found)
    sides = {box.height: extent(layer.shape)[1] for box, layer in zip(found, drawn.layers, strict=True)}
    assert [sides[one] for one in sorted(sides)] == sorted(sides.values())
    channels = {box.width: extent(layer.shape)[0] for box, layer in zip(found, drawn.layers, strict=True)}
    assert [channels[one] for one in sorted(channels)] == sorted(channels.values())


@pytest.mark.parametrize("name", ["alexnet-birds", "resnet20-cifar10", "unet-membranes"])
@pytest.mark.parametrize("look", [LIGHT, DARK])
def test_the_drawing_has_a_box_for_each_layer_and_a_line_for_each_edge_and_shortcut(name, look):
    drawn = of(name)
    root = ElementTree.fromstring(drawing(drawn, {}, {0, 2}, LIMITS, look))
    assert len(root.findall(f"{SVG}rect")) == len(drawn.layers)
    paths = root.findall(f"{SVG}path")
    dots = [path for path in paths if path.get("stroke-linecap") == "round"]
    assert len(dots) == 2
    assert len(paths) - 2 == len(drawn.edges) + len(drawn.shortcuts)
    width, _, height = sizes(drawn)
    coordinates = [float(n) for path in paths for n in re.findall(r"-?\d+\.?\d*", path.get("d"))]
    assert min(coordinates) >= 0
    assert max(coordinates) <= max(width, height)


def test_what_is_known_is_coloured_what_is_not_is_dashed_and_what_is_unsure_is_pale():
    drawn = of("alexnet-birds")
    known = {0: Known(-4.5), 1: Known(1.0), 2: Known(-2.0, sure=False)}
    root = ElementTree.fromstring(drawing(drawn, known, (), LIMITS, LIGHT))
    rects = root.findall(f"{SVG}rect")
    assert rects[0].get("fill") == "rgb(68,1,84)"
    assert rects[1].get("fill") == "rgb(253,231,37)"
    assert [rect.get("stroke-dasharray") is None for rect in rects[:4]] == [True, True, False, False]
    assert rects[2].get("fill-opacity") == "0.4"
    assert "stroke-dasharray" not in drawing(drawn, {}, (), None, LIGHT)
    rules = colours("here", known, "<svg/>")
    assert "mean CID −4.50 nats" in rules
    assert "mean CID about −2 nats" in rules
    assert rules.count("::after") == 3


def test_no_name_of_a_layer_comes_into_the_rules():
    layers = (Layer("</style><script>", "0", "convolution", (4, 8, 8), 0), Layer("b'}", "1", "logits", (2,), 1))
    drawn = Diagram(layers, chain(layers))
    written = style("here", drawn, LIGHT) + colours("here", {0: Known(0.0)}, drawing(drawn, {}, (), LIMITS, LIGHT))
    assert "script" not in written
    assert "b'}" not in written
