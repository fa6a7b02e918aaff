"""Which neighbouring layers may be rescaled against each other without changing the network's function.

Dividing all that layer L gives out by c > 0 reaches layer L+1 as an input divided by c when everything
between them is positively homogeneous, a(x/c) = a(x)/c, and when nothing else uses it.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from explainers.layer_names import readable_names
from explainers.layers import Layer
from explainers.rescaling_graph import OUTPUT, WEIGHTED, Operation, operations

ACTIVATIONS = frozenset({"relu", "leaky_relu", "prelu", "rrelu"})
HOMOGENEOUS = ACTIVATIONS | frozenset(
    [f"{kind}_pool{n}d" for kind in ("max", "avg", "adaptive_max", "adaptive_avg", "lp") for n in (1, 2, 3)]
    + ["mean", "sum", "amax", "interpolate", "upsample", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle"]
    + ["dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout", "clone", "contiguous", "detach"]
    + ["flatten", "unflatten", "view", "reshape", "permute", "transpose", "movedim", "squeeze", "unsqueeze"]
    + ["T", "mT", "expand", "repeat", "roll", "flip", "getitem", "narrow", "select", "chunk", "split", "neg", "abs"]
)
BOUNDED = {"hardtanh", "relu6", "sigmoid", "hardsigmoid", "tanh", "softsign", "softmax", "softmin"}
CURVED = {"elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "hardswish", "tanhshrink", "exp"}
LOGARITHMIC = {"log", "logsigmoid", "log_softmax"}
THRESHOLDED = {"hardshrink", "softshrink"}
MIXED = {"local_response_norm", "multi_head_attention_forward"}
INHOMOGENEOUS = frozenset(BOUNDED | CURVED | LOGARITHMIC | THRESHOLDED | MIXED)
QUOTIENTS = frozenset({"div", "idiv", "itruediv", "truediv", "divide"})
PRODUCTS = QUOTIENTS | {"mul", "imul", "rmul", "multiply"}
SUMS = frozenset({"add", "iadd", "radd", "sub", "isub", "rsub"})
JOINS = frozenset({"cat", "concat", "concatenate", "stack", "hstack", "vstack"})
NORMS = frozenset({"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"})


@dataclass(frozen=True)
class Pair:
    """Layers L and L+1 as paths of modules with readable names; `reason` says why they may not be rescaled.

    `scaled` is the module whose weight and bias are divided: L itself, or the normalisation after it.
    `following_bias` is the one that holds the bias of L+1: itself, the normalisation after it, or "" where
    there is none. Both are empty for a pair that may not be rescaled. `feature` is what shrinks, after the
    activation where that is a module; None for such a pair, and where no module gives it out.
    """

    layer: str
    following: str
    layer_name: str
    following_name: str
    scaled: str = ""
    following_bias: str = ""
    feature: Layer | None = None
    reason: str = ""

    @property
    def rescalable(self) -> bool:
        return not self.reason


def rescalable_pairs(module: nn.Module, example: Tensor) -> tuple[Pair, ...]:
    """Every convolution or linear layer L with the next one that its output reaches, L+1.

    example (B, C, H, W) is a picture that the network takes; its values do not matter. The last layer has no
    pair. With a normalisation between the two (in evaluation mode) that one's affine weight and bias are
    divided instead of L's. A branch, a residual addition or a concatenation is refused, not followed.

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
        reason = _not_own(op, "the layer") or way.reason or _not_own(following, "the next layer")
        ends = (op.place, following.place, names[op.place], names[following.place])
        if reason:
            pairs[op.place] = Pair(*ends, reason=reason)
        else:
            feature = _layer(way.feature, names[op.place], len(pairs))
            pairs[op.place] = Pair(*ends, way.scaled.layer, _bias_holder(following), feature)
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


@dataclass(frozen=True)
class Way:
    """How the output of a layer goes on: to `end`, the next weighted operation or `OUTPUT`, or a `reason`.

    `scaled` is the last operation with an affine weight of its own on that way, `feature` the activation
    after it or itself.
    """

    scaled: Operation
    feature: Operation
    end: Operation | None = None
    reason: str = ""


def follow(start: Operation) -> Way:
    """From a layer through everything positively homogeneous to the next layer or the output."""
    scaled = feature = op = start
    while True:
        if len(set(op.users)) != 1:
            return Way(scaled, feature, reason=_branch(op))
        after = op.users[0]
        if after is OUTPUT or (after.name in WEIGHTED and len(after.inputs) == 1):
            return Way(scaled, feature, after)
        reason = _obstacle(after)
        if reason:
            return Way(scaled, feature, reason=reason)
        if after.name in NORMS:
            scaled = feature = after
        elif op is feature and after.name in ACTIVATIONS and after.path is not None:
            feature = after
        op = after


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
    return following.layer if following.bias else ""


def _branch(op: Operation) -> str:
    if OUTPUT in op.users:
        return "its feature is an output of the network besides"
    places = len(set(op.users))
    return f"its feature is used in {places} places, not by the next layer alone" if places else "nothing uses it"


def _obstacle(op: Operation) -> str:
    """Why `op` does not pass a division by c on; empty where it does."""
    several = len(op.inputs) > 1
    if op.name in NORMS:
        return _not_own(op, "the normalisation") if op.layer else f"{op.title} undoes it and has no weight of its own"
    if op.name in SUMS:
        return f"{'another branch' if several else 'a constant'} is added, which is not divided with it"
    if op.name in JOINS:
        return "it is joined with another feature, which is not divided with it"
    if op.name in PRODUCTS and several:
        return "it is multiplied by another feature"
    if op.name in INHOMOGENEOUS:
        return f"{op.title} is not positively homogeneous: {op.title}(x/c) differs from {op.title}(x)/c"
    if op.name == "pad" and not several:
        return "" if _pads_zeros(op) else "it is padded with a constant, which is not divided with it"
    scales = op.name in HOMOGENEOUS or (op.name in PRODUCTS and (op.leading or op.name not in QUOTIENTS))
    return "" if scales and not several else f"{op.title} is not known to be positively homogeneous"


def _pads_zeros(op: Operation) -> bool:
    given = dict(zip(("input", "pad", "mode", "value"), op.args, strict=False)) | op.kwargs
    return given.get("mode", "constant") != "constant" or not given.get("value")


def _not_own(op: Operation, what: str) -> str:
    if op.layer is None:
        return f"{what} computes its weight from others"
    return f"{what} shares its weight with another use of it" if op.shared else ""


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
    uses: dict[str, tuple] = {}
    for op in ops:
        if op.name in WEIGHTED:
            kind = "fully connected" if op.name == "linear" else "convolution"
            uses.setdefault(op.place, (op.place, 0, op.module, kind))
        elif op.name.startswith(("max_pool", "avg_pool")) and op.path:
            uses.setdefault(op.path, (op.path, 0, op.module, "pooling"))
    return dict(zip(uses, readable_names(list(uses.values())), strict=True))
