"""Which neighbouring layers may be rescaled against each other without changing the network's function.

Dividing all that layer L gives out by c > 0 reaches layer L+1 as an input divided by c when everything
between them is positively homogeneous, a(x/c) = a(x)/c, and when nothing else uses it.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from explainers.networks.layer_names import Use, readable_names
from explainers.networks.layers import Layer
from explainers.networks.operations import NORMS, WEIGHTED
from explainers.rescaling.follow import Arrival, Shrunk, follow, not_own
from explainers.rescaling.graph import OUTPUT, Operation, operations


@dataclass(frozen=True)
class Reach:
    """Inputs `start` to `stop` (None: to the last) of the weight of module `layer`, along `axis`, which are times c.

    `bias` is the module that holds its bias: itself, the normalisation after it, or "" where there is none.
    """

    layer: str
    bias: str = ""
    axis: int = 1
    start: int = 0
    stop: int | None = None


@dataclass(frozen=True)
class Pair:
    """Layers L and L+1 as paths of modules with readable names; `reason` says why they may not be rescaled.

    `scaled` is the module whose weight and bias are divided: L itself, or the normalisation after it. `reaches`
    are the weights that are multiplied: those of L+1, and of every other layer that the feature goes to; where it
    was joined with others, their matching inputs alone. `shrunk` lists what modules give out that is divided
    with it. All are empty for a pair that may not be rescaled. `feature` is what shrinks, after the activation
    where that is a module; None for such a pair, and where no module gives it out.
    """

    layer: str
    following: str
    layer_name: str
    following_name: str
    scaled: str = ""
    reaches: tuple[Reach, ...] = ()
    shrunk: tuple[Shrunk, ...] = ()
    feature: Layer | None = None
    reason: str = ""

    @property
    def rescalable(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reason

    @property
    def following_bias(self) -> bool:
        """Whether any layer that is multiplied has a bias."""
        return any(reach.bias for reach in self.reaches)


def rescalable_pairs(module: nn.Module, example: Tensor) -> tuple[Pair, ...]:
    """Every convolution or linear layer L with the next one that its output reaches, L+1.

    example (B, C, H, W) is a picture that the network takes; its values do not matter. The last layer has no
    pair. With a normalisation between the two (in evaluation mode) that one's affine weight and bias are
    divided instead of L's. Branches and concatenations of channels are followed to each of their ends; a residual
    addition, and a normalisation behind a branch, are refused.

    Raises ValueError for a network without a layer that can be seen, as a scripted one is.

    Source: "Quantification and analysis of layer-wise and pixel-wise information discarding", ICML 2022, section 3.4.

    >>> from torch import zeros
    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.GELU(), nn.Conv2d(4, 2, 3))
    >>> for pair in rescalable_pairs(net, zeros(1, 3, 8, 8)):
    ...     print(pair.layer_name, pair.following_name, pair.reason or "may be rescaled")
    conv1 conv2 may be rescaled
    conv2 conv3 GELU is not positively homogeneous: GELU(x/c) differs from GELU(x)/c
    """
    ops = operations(module, example)
    weighted = weighted_operations(module, ops)
    names = _names(ops)
    pairs: dict[str, Pair] = {}
    for op in weighted:
        way, following = follow(op), _next_weighted(op, ops)
        if following is None or op.place in pairs:
            continue
        goals = list(dict.fromkeys(end.op for end in way.ends)) or [following]
        reason = not_own(op, "the layer") or way.reason
        reason = reason or next(filter(None, (not_own(goal, "the next layer") for goal in goals)), "")
        ends = (op.place, goals[0].place, names[op.place], ", ".join(names[goal.place] for goal in goals))
        if reason:
            pairs[op.place] = Pair(*ends, reason=reason)
        else:
            feature = _layer(way.feature, names[op.place], len(pairs))
            reaches = tuple(_reach(end) for end in way.ends)
            pairs[op.place] = Pair(*ends, way.scaled.layer or "", reaches, way.shrunk, feature)
    return tuple(pairs.values())


def weighted_operations(module: nn.Module, ops: tuple[Operation, ...]) -> list[Operation]:
    """The convolutions and linear maps among `ops`; raises ValueError where there is none."""
    weighted = [op for op in ops if op.name in WEIGHTED]
    if not weighted:
        raise ValueError(
            f"expected a network whose convolutions and linear layers can be followed, got {type(module).__name__}, "
            f"in which none is seen; give the network as ordinary modules, not scripted or compiled"
        )
    return weighted


def _reach(end: Arrival) -> Reach:
    # Transposed convolutions alone have their inputs first.
    axis = 0 if end.op.name.startswith("conv_transpose") else 1
    return Reach(end.op.layer or "", _bias_holder(end.op), axis, end.start, end.stop)


def _layer(op: Operation, name: str, depth: int) -> Layer | None:
    if op.path is None:
        return None
    kind = "fully connected" if len(op.shape) == 1 else "convolution"
    return Layer(name, op.path, kind, op.shape, depth, op.call)


def _bias_holder(following: Operation) -> str:
    """The layer itself, or where it has no bias the normalisation directly after it."""
    after = following.users[0] if len(following.users) == 1 else OUTPUT
    if not following.bias and after.name in NORMS and after.bias and after.layer is not None and not after.shared:
        return after.layer
    return (following.layer or "") if following.bias else ""


def _next_weighted(start: Operation, ops: tuple[Operation, ...]) -> Operation | None:
    """The first weighted operation after `start` that its output reaches, through whatever."""
    reached = {start}
    for op in ops[ops.index(start) + 1 :]:
        if not reached.isdisjoint(op.inputs):
            if op.name in WEIGHTED:
                return op
            reached.add(op)
    return None


def _names(ops: tuple[Operation, ...]) -> dict[str, str]:
    """Readable names of the weighted layers; poolings count, as they separate the stages of a VGG."""
    uses: dict[str, Use] = {}
    for op in ops:
        if op.name in WEIGHTED:
            kind = "fully connected" if op.name == "linear" else "convolution"
            uses.setdefault(op.place, (op.place, 0, op.module, kind))
        elif op.name.startswith(("max_pool", "avg_pool")) and op.path:
            uses.setdefault(op.path, (op.path, 0, op.module, "pooling"))
    return dict(zip(uses, readable_names(list(uses.values())), strict=True))
