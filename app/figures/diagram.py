"""A network as a picture to choose from: boxes and edges as SVG, and the rules that lay a button over each box."""

import base64
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.figures.raster import palette
from app.figures.style import NATS_SCALE, Look
from app.words import decimal
from explainers.networks.diagram import PICTURE, Diagram, extent

# Pixels: around a box, above all boxes with and without skips, below them for decoders and for names.
GAP, ARCS, BRIDGES, DOTS, NAMES = 10, 38, 12, 16, 20
# A letter of a name.
LETTER = 6.1
# A button that is pointed at, by whatever means.
LIVE = ":is(:hover, [data-focus-visible='true'])"
DASHED = 'stroke-opacity="0.6" stroke-dasharray="3 3"'


@dataclass(frozen=True)
class Box:
    """A layer's place, in pixels of a diagram that is as wide as it likes to be: its column, and the box in it."""

    left: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Of the column, from the left."""
        return self.left + self.width / 2


@dataclass(frozen=True)
class Known:
    """The mean CID of a layer, nats; `sure` where its noise meets the constraint."""

    mean: float
    sure: bool = True


def boxes(drawn: Diagram) -> list[Box]:
    """As high as the resolution and as wide as the number of channels, both on a logarithmic scale.

    >>> from explainers.networks.layers import Layer
    >>> pair = Layer("conv1", "0", "convolution", (4, 8, 8), 0), Layer("fc", "1", "logits", (16,), 1)
    >>> boxes(Diagram(pair, frozenset()))
    [Box(left=0, width=25.0, height=31.0), Box(left=25.0, width=32.0, height=10.0)]
    """
    found: list[Box] = []
    left = 0.0
    for layer in drawn.layers:
        channels, side = extent(layer.shape)
        width = GAP + 8 + 3.5 * math.log2(max(channels, 1))
        found.append(Box(left or 0, width, 10 + 7 * math.log2(max(side, 1))))
        left += width
    return found


def sizes(drawn: Diagram) -> tuple[float, float, float]:
    """Of the whole: its width, the height of its middle line, and its height without names, in pixels."""
    found = boxes(drawn)
    highest = max(box.height for box in found)
    middle = (ARCS if drawn.skips else BRIDGES) + highest / 2
    return found[-1].left + found[-1].width, middle, middle + highest / 2 + DOTS


def drawing(
    drawn: Diagram,
    known: Mapping[int, Known],
    decoders: Collection[int],
    limits: tuple[float, float] | None,
    look: Look,
) -> str:
    """The SVG: boxes coloured by what is `known`, between `limits`; a dot under those that have `decoders`.

    Without `limits` nothing is to be known: all boxes are plain.
    """
    width, middle, height = sizes(drawn)
    found = boxes(drawn)
    line = f'fill="none" stroke="{look.text}" stroke-opacity="0.55" vector-effect="non-scaling-stroke"'
    parts = [_edge(found, edge, middle, line) for edge in sorted(drawn.edges)]
    for depth, box in enumerate(found):
        left, top, wide = box.left + GAP / 2, middle - box.height / 2, box.width - GAP
        if depth in drawn.shortcuts:
            over = f"M{left} {top + 2} C{left} {top - 9} {left + wide} {top - 9} {left + wide} {top + 2}"
            parts.append(f'<path d="{over}" {line}/>')
        paint = _paint(known.get(depth), limits, look)
        parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{box.height:.1f}" {paint} '
            'vector-effect="non-scaling-stroke"/>'
        )
        if depth in decoders:
            # A line of no length with round ends stays round where the drawing is stretched.
            parts.append(
                f'<path d="M{box.middle:.1f} {top + box.height + 11:.1f}h0.01" stroke="{look.accent}" stroke-width="6" '
                'stroke-linecap="round" vector-effect="non-scaling-stroke"/>'
            )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" '
        f'preserveAspectRatio="none" width="{width:.0f}" height="{height:.0f}">{"".join(parts)}</svg>'
    )


def _edge(found: Sequence[Box], edge: tuple[int, int], middle: float, line: str) -> str:
    before, after = edge
    right = found[after].left + GAP / 2
    if before == PICTURE and after == 0:
        return f'<path d="M0 {middle}H{right}" {line}/>'
    if after - before == 1:
        end = found[before].left + found[before].width - GAP / 2
        return f'<path d="M{end} {middle}H{right}" {line}/>'
    # Over what lies between, the higher the more it passes over.
    start, top = (0.0, middle) if before == PICTURE else (found[before].middle, middle - found[before].height / 2)
    level = max(2.0, ARCS - 6 - 7 * math.log2(after - before))
    end, below = found[after].middle, middle - found[after].height / 2
    bend = min(10.0, (end - start) / 2)
    path = (
        f"M{start:.1f} {top:.1f} C{start:.1f} {level} {start:.1f} {level} {start + bend:.1f} {level} "
        f"H{end - bend:.1f} C{end:.1f} {level} {end:.1f} {level} {end:.1f} {below:.1f}"
    )
    return f'<path d="{path}" {line}/>'


def _paint(known: Known | None, limits: tuple[float, float] | None, look: Look) -> str:
    """Dashed and empty where nothing is known; pale and dashed where it is not to be relied on."""
    if limits is None or known is None or not math.isfinite(known.mean):
        empty = f'fill="{look.faint}" fill-opacity="0.35" stroke="{look.text}" stroke-opacity="0.6"'
        return empty if limits is None else f'{empty} stroke-dasharray="3 3"'
    share = min(max((known.mean - limits[0]) / (limits[1] - limits[0]), 0.0), 1.0)
    red, green, blue = palette(NATS_SCALE)[round(share * 255)].tolist()
    fill = f'fill="rgb({red},{green},{blue})" stroke="{look.text}"'
    return f'{fill} stroke-opacity="0.6"' if known.sure else f'{fill} fill-opacity="0.4" {DASHED}'


def _group(key: str) -> str:
    return f".st-key-{key} [data-orientation]"


def colours(key: str, known: Mapping[int, Known], svg: str) -> str:
    """The rules that change with what is `known`, after those of `style` for the same container: picture and words."""
    address = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
    rules = [f"{_group(key)} {{background-image:url({address})}}"]
    for depth, one in known.items():
        rough = "" if one.sure else "about "
        mean = decimal(one.mean, 2 if one.sure else 0)
        words = f"content:' · mean CID {rough}{mean} nats'"
        rules.append(f"{_group(key)} button:nth-of-type({depth + 1}) p::after {{{words}}}")
    return f"<style>{' '.join(rules)}</style>"


def style(key: str, drawn: Diagram, look: Look) -> str:
    """The rules for a row of buttons in the container `key`, one for each layer: each lies over its box."""
    width, middle, height = sizes(drawn)
    found, count = boxes(drawn), len(drawn.layers)
    group = _group(key)
    longest = max(len(layer.name) for layer in drawn.layers)
    rules = [
        f".st-key-{key} {{overflow-x:auto}}",
        f".st-key-{key} > div, .st-key-{key} [data-testid='stButtonGroup'] {{width:100%; container-type:inline-size}}",
        f"{group} {{position:relative; display:block; margin:0 5px; width:calc(100% - 10px);"
        f" max-width:{width * 2.4:.0f}px; min-width:{count * 12}px; height:{height + NAMES:.0f}px;"
        f" background:no-repeat 0 0 / 100% {height:.0f}px}}",
        f"{group} button {{position:absolute; top:0; height:100%; min-height:0; max-height:none; min-width:0; margin:0;"
        " padding:0; border:none; border-radius:0; background:none !important; box-shadow:none; overflow:visible}",
        f"{group} button > div, {group} button > div > span {{position:static; overflow:visible}}",
        f"{group} button::before {{content:''; position:absolute; border-radius:4px; pointer-events:none}}",
        f"{group} button:hover::before {{outline:2px solid {look.text}; outline-offset:-1px}}",
        f"{group} button[data-selected='true']::before {{outline:3px solid {look.second}}}",
        f"{group} button[data-focus-visible='true'] {{outline:2px solid {look.accent}; outline-offset:-2px}}",
        f"{group} button p {{position:absolute; bottom:0; left:50%; transform:translateX(-50%); margin:0;"
        f" white-space:nowrap; font-size:0; line-height:{NAMES}px; color:{look.text}; pointer-events:none}}",
        f"{group} button[data-selected='true'] p strong {{font-size:11px}}",
        f"@container (min-width:{count * (longest * LETTER + 5):.0f}px) {{{group} button p strong {{font-size:11px;"
        " font-weight:400}"
        f" {group} button[data-selected='true'] p strong {{font-weight:700}}}}",
        f"{group} button{LIVE} {{z-index:2}}",
        f"{group} button{LIVE} p {{font-size:12px; padding:0 6px; border-radius:4px;"
        " background:light-dark(#fdfdfb, #14191b); z-index:3}",
    ]
    for depth, box in enumerate(found):
        nth = f"{group} button:nth-of-type({depth + 1})"
        rules.append(f"{nth} {{left:{100 * box.left / width:.3f}%; width:{100 * box.width / width:.3f}%}}")
        beside = f"calc({50 * GAP / box.width:.2f}% - 3px)"
        place = f"top:{middle - box.height / 2 - 3:.1f}px; height:{box.height + 6:.1f}px"
        rules.append(f"{nth}::before {{left:{beside}; right:{beside}; {place}}}")
        # Long words would stand out at an end of the row.
        if depth < count / 4:
            rules.append(f"{nth}{LIVE} p {{left:0; transform:none}}")
        elif depth >= 3 * count / 4:
            rules.append(f"{nth}{LIVE} p {{left:auto; right:0; transform:none}}")
    return f"<style>{' '.join(rules)}</style>"
