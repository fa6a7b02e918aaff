"""Where a division by c travels: from a layer through everything positively homogeneous to the next layers.

An activation with a(x/c) = a(x)/c hands it on, a concatenation too, to a range of channels; a branch hands it on to
each of its ends. Whatever is added, multiplied or curved stops it.
"""

from dataclasses import dataclass

import torch

from explainers.networks.operations import (
    AVERAGES,
    BOUNDED,
    COPIES,
    CURVED,
    DIFFERENCES,
    HOMOGENEOUS_ACTIVATIONS,
    IDENTITIES,
    JOINS,
    MAXIMA,
    MOVES,
    NORMALISING,
    NORMS,
    PRODUCTS,
    QUOTIENTS,
    SHUFFLES,
    SUMS,
    THRESHOLDED,
    WEIGHTED,
)
from explainers.rescaling.graph import OUTPUT, Operation

HOMOGENEOUS = (
    HOMOGENEOUS_ACTIVATIONS
    | AVERAGES
    | MAXIMA
    | MOVES
    | SHUFFLES
    | IDENTITIES
    | COPIES
    | {"lp_pool1d", "lp_pool2d", "lp_pool3d", "detach", "neg", "abs"}
)
LOGARITHMIC = {"exp", "log", "logsigmoid"}
INHOMOGENEOUS = BOUNDED | CURVED | LOGARITHMIC | THRESHOLDED | NORMALISING | {"multi_head_attention_forward"}
SCALINGS = QUOTIENTS | PRODUCTS
ADDITIONS = SUMS | DIFFERENCES
# What leaves every channel where it was, at the first axis of the feature.
CHANNELWISE = (
    HOMOGENEOUS_ACTIVATIONS
    | NORMS
    | (AVERAGES - {"mean", "sum"})
    | (MAXIMA - {"amax"})
    | IDENTITIES
    | COPIES
    | {"lp_pool1d", "lp_pool2d", "lp_pool3d", "detach", "neg", "abs"}
)
FLATTENING = frozenset({"flatten", "view", "reshape"})


@dataclass(frozen=True)
class Arrival:
    """The weighted operation `op` where a feature goes in as channels `start` to `stop`; None for all of them."""

    op: Operation
    start: int = 0
    stop: int | None = None


@dataclass(frozen=True)
class Shrunk:
    """Channels `start` to `stop` of what the module at (path, call) gives out are divided by c."""

    path: str
    call: int
    start: int
    stop: int


@dataclass(frozen=True)
class Way:
    """How the output of a layer goes on: to the `ends`, each a layer or `OUTPUT`, or a `reason` why not.

    `scaled` is the last operation with an affine weight of its own before any branch, `feature` the activation
    after it or itself; `shrunk` says what lies between `scaled` and the ends.
    """

    scaled: Operation
    feature: Operation
    ends: tuple[Arrival, ...] = ()
    shrunk: tuple[Shrunk, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class _Stretch:
    """The feature on its way at `op`, as channels `start` to `stop`; `whole`: alone; `ordered`: channels first."""

    op: Operation
    start: int
    stop: int
    whole: bool = True
    ordered: bool = True


def follow(start: Operation) -> Way:
    """From a layer to all layers that use its feature, or to the output."""
    scaled, feature = _trunk(start)
    waiting, branched = [_Stretch(scaled, 0, _channels(scaled))], ""
    ends: list[Arrival] = []
    places: dict[Shrunk, None] = {}
    while waiting:
        here = waiting.pop(0)
        places |= dict.fromkeys(Shrunk(*place, here.start, here.stop) for place in here.op.places)
        users = list(dict.fromkeys(here.op.users))
        if not users or (OUTPUT in users and len(users) > 1):
            return Way(scaled, feature, reason=_unused_or_output(users))
        if len(users) > 1:
            branched = branched or f"it is used in {len(users)} places, and in one of them "
        for after in users:
            arrives = after is OUTPUT or (after.name in WEIGHTED and len(after.inputs) == 1)
            reason = _no_end(after, here) if arrives else _no_way(after, here)
            if reason:
                return Way(scaled, feature, reason=branched + reason)
            if arrives:
                ends.append(Arrival(after) if here.whole else Arrival(after, here.start, here.stop))
            else:
                waiting += _joined(after, here) if after.name in JOINS else [_passed(after, here)]
    return Way(scaled, feature, tuple(sorted(ends, key=lambda end: end.op.order)), tuple(places))


def _trunk(start: Operation) -> tuple[Operation, Operation]:
    """The last normalisation before any branch, else the layer itself, and the activation behind it."""
    scaled = feature = op = start
    while len(set(op.users)) == 1:
        after = op.users[0]
        if after is OUTPUT or after.name in WEIGHTED or after.name in JOINS or _obstacle(after):
            break
        if after.name in NORMS:
            scaled = feature = after
        elif op is feature and after.name in HOMOGENEOUS_ACTIVATIONS and after.path is not None:
            feature = after
        op = after
    return scaled, feature


def _channels(op: Operation) -> int:
    return op.shape[0] if op.shape else 1


def _passed(after: Operation, here: _Stretch) -> _Stretch:
    """The feature behind an operation on it alone; flattening gives each channel as many places as it has positions."""
    flat = after.name in FLATTENING and len(after.shape) == 1 and len(here.op.shape) > 1
    cells = torch.Size(here.op.shape[1:]).numel() if flat else 1
    ordered = here.ordered and (after.name in CHANNELWISE or flat)
    stop = _channels(after) if here.whole else here.stop * cells
    return _Stretch(after, here.start * cells, stop, here.whole, ordered)


def _joined(after: Operation, here: _Stretch) -> list[_Stretch]:
    """One stretch for every place that the feature has in the concatenation."""
    stretches: list[_Stretch] = []
    offset = 0
    for given in after.inputs:
        if given is here.op:
            stretches.append(_Stretch(after, offset + here.start, offset + here.stop, whole=False))
        offset += _channels(given)
    return stretches


def _no_end(end: Operation, here: _Stretch) -> str:
    """Why the inputs of `end` that are the feature cannot be multiplied alone; empty where they can."""
    if here.whole:
        return ""
    if end is OUTPUT:
        return "it is an output of the network, joined with another feature"
    groups = end.args[6] if len(end.args) > 6 else end.kwargs.get("groups", 1)
    plain = end.name.startswith("conv_transpose") or groups == 1
    return "" if plain else "it is joined with another feature before a grouped convolution"


def _no_way(after: Operation, here: _Stretch) -> str:
    """Why `after` does not hand the division by c on; empty where it does."""
    if after.name in JOINS:
        return "" if _joinable(after, here) else "it is joined with another feature, not channel behind channel"
    reason = _obstacle(after)
    if reason:
        return reason
    # Before any branch a normalisation would have been the one to scale.
    if after.name in NORMS:
        return "it is normalised" + ("" if here.whole else " together with another feature")
    lost = not here.whole and not _passed(after, here).ordered
    return f"{after.title} may move its channels where it is joined with another feature" if lost else ""


def _joinable(after: Operation, here: _Stretch) -> bool:
    """Whether the feature is a range of channels behind a concatenation."""
    given = dict(zip(("tensors", "dim"), after.args, strict=False)) | after.kwargs
    axis, axes = given.get("dim", 0), len(after.shape) + 1
    listed = given.get("tensors", ())
    alike = after.name in ("cat", "concat", "concatenate") and axis in (1, 1 - axes) and axes in (2, 4)
    return alike and here.ordered and len(listed) == len(after.inputs)


def _unused_or_output(users: list[Operation]) -> str:
    return "its feature is an output of the network besides" if users else "nothing uses it"


def _obstacle(op: Operation) -> str:
    """Why `op` does not pass a division by c on; empty where it does."""
    several = len(op.inputs) > 1
    if op.name in NORMS:
        return not_own(op, "the normalisation") if op.layer else f"{op.title} undoes it and has no weight of its own"
    if op.name in ADDITIONS:
        return f"{'another branch' if several else 'a constant'} is added, which is not divided with it"
    if op.name in SCALINGS and several:
        return "it is multiplied by another feature"
    if op.name in INHOMOGENEOUS:
        return f"{op.title} is not positively homogeneous: {op.title}(x/c) differs from {op.title}(x)/c"
    if op.name == "pad" and not several:
        return "" if _pads_zeros(op) else "it is padded with a constant, which is not divided with it"
    scales = op.name in HOMOGENEOUS or (op.name in SCALINGS and (op.leading or op.name not in QUOTIENTS))
    return "" if scales and not several else f"{op.title} is not known to be positively homogeneous"


def _pads_zeros(op: Operation) -> bool:
    given = dict(zip(("input", "pad", "mode", "value"), op.args, strict=False)) | op.kwargs
    return given.get("mode", "constant") != "constant" or not given.get("value")


def not_own(op: Operation, what: str) -> str:
    """Why the weight of `op` cannot be changed alone; empty where it can."""
    if op.layer is None:
        return f"{what} computes its weight from others"
    return f"{what} shares its weight with another use of it" if op.shared else ""
