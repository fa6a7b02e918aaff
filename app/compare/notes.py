"""What has to be known before two networks' maps are held against each other, in a sentence each."""

from app.compare.pairs import scale_gap, seen
from app.compare.scene import Scene
from app.words import signed
from explainers.methods.entropies import CID_NAME, RU_NAME

HARDLY = 5e-3


def notes(scene: Scene) -> list[str]:
    """Sentences on what differs between the two besides their weights; none where nothing does."""
    a, b = scene.a, scene.b
    found = []
    if seen(a.network) != seen(b.network):
        found.append(
            f"A sees {seen(a.network):.0%} of the picture's shorter side and B {seen(b.network):.0%}: the difference "
            "and the means are over the section that both see."
        )
    if (sizes := [_size(side.network_input.size) for side in (a, b)])[0] != sizes[1]:
        found.append(
            f"A works with {sizes[0]} pixels and B with {sizes[1]}: entropies are per pixel of each network's own "
            f"size. Both maps have {a.settings.grid}×{a.settings.grid} cells, since finer ones "
            "alone would raise the mean."
        )
    gap = scale_gap(a.network, b.network)
    if scene.metric == CID_NAME and abs(gap) > HARDLY:
        found.append(
            "The two normalise pixel values differently. σ and the constraint are in each network's own units, so that "
            f"the scale of an input alone moves no map; with σ in pixel values, {signed(gap)} nats would come on top."
        )
    if scene.metric == RU_NAME:
        found.append(
            "RU is mostly the error of each layer's decoder: the difference compares decoders as much as layers."
        )
    return found


def _size(size: tuple[int, int]) -> str:
    return f"{size[1]}×{size[0]}"
