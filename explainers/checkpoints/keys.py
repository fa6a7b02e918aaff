"""Which tensors of a weights file are a network's, and how its names become those of the network.

Files of training carry more than the weights: the trainer's own objects around them, wrappers in the names, averaged
copies beside them, counters and metrics among them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from explainers.nested import is_mapping
from explainers.norms import norm

State = dict[str, Tensor]
# What a file holds, whatever it is.
Entries = Mapping[object, object]
Shape = tuple[int, ...]

# The usual names of what holds the weights, the likeliest first.
CONTAINERS = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params")
# Segments that DataParallel, torch.compile, checkpointing, FSDP and DeepSpeed put into names, anywhere.
WRAPPERS = {"module", "_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module", "_forward_module"}
# What training keeps beside the weights and nobody looks at.
BESIDE = ("optim", "sched", "scaler", "rng")
COUNTER = "num_batches_tracked"
# What profilers (thop, ptflops) leave in every module.
PROFILED = ("total_ops", "total_params", "__flops__", "__params__")
LONGEST = 500
# Containers within containers.
MAX_DEPTH = 4


def weight_sets(loaded: Entries) -> dict[str, Entries]:
    """The sets of weights in what a file holds, by the names that lead to them; '' for the file itself.

    A set is what stands under one of the usual names, or any dictionary of tensors, one of which is a matrix at least.
    More than one are those of a network and its average, of student and teacher, of generator and discriminator.

    >>> weights = {"fc.weight": torch.zeros(2, 3)}
    >>> list(weight_sets({"epoch": 3, "model": weights, "model_ema": {"module": dict(weights)}, "optimizer": {}}))
    ['model', 'model_ema/module']
    >>> list(weight_sets(weights))
    ['']
    """
    found: dict[str, Entries] = {}
    seen: set[int] = set()

    def walk(value: Entries, path: tuple[str, ...], usual: bool) -> None:
        if id(value) in seen or not value:
            return
        seen.add(id(value))
        before = len(found)
        if len(path) < MAX_DEPTH:
            # A state dict holds no dictionaries, so that nothing is looked for among twenty thousand tensors.
            inner = {key: child for key, child in value.items() if is_mapping(child) and isinstance(key, str)}
            for key in (*(name for name in CONTAINERS if name in inner), *(k for k in inner if k not in CONTAINERS)):
                if not any(word in key.lower() for word in BESIDE):
                    walk(inner[key], (*path, key), key in CONTAINERS)
        if len(found) == before and (usual or _tensors(value)):
            found["/".join(path)] = value

    walk(loaded, (), True)
    whole = {name: value for name, value in found.items() if _tensors(value)}
    return whole or dict(list(found.items())[:1])


def _tensors(value: Entries) -> bool:
    tensors = [tensor for tensor in value.values() if isinstance(tensor, Tensor)]
    return len(tensors) == len(value) and any(tensor.dim() > 1 for tensor in tensors)


def plain_key(key: str) -> str:
    """The name without the segments of wrappers.

    >>> plain_key("features.module.0._checkpoint_wrapped_module.weight"), plain_key("_orig_mod.module.fc.bias")
    ('features.0.weight', 'fc.bias')
    """
    return ".".join(part for part in key.split(".") if part not in WRAPPERS)


def plain_keys(state: State) -> State:
    """The state with plain names, those left alone that would meet another."""
    names = Counter(map(plain_key, state))
    return {(plain if names[plain := plain_key(key)] == 1 else key): value for key, value in state.items()}


def merged(state: State) -> State:
    """The state with the weights that pruning and weight normalisation keep in two parts put together.

    w = w_orig ∘ mask, and w = g v / ‖v‖ with the norm over all but the first axis.

    >>> merged({"fc.weight_orig": torch.tensor([2.0, 3.0]), "fc.weight_mask": torch.tensor([1.0, 0.0])})
    {'fc.weight': tensor([2., 0.])}
    """
    state = dict(state)
    for stem, first, second, together in list(_parts(state)):
        state[stem] = together(state.pop(first), state.pop(second))
    return state


def _parts(state: State) -> Iterable[tuple[str, str, str, Callable[[Tensor, Tensor], Tensor]]]:
    for key, value in state.items():
        for first, second, together, possible in MERGED:
            stem = key.removesuffix(first)
            other = stem + second
            if stem != key and other in state and possible(value, state[other]):
                name = stem.replace("parametrizations.", "")
                if name not in state:
                    yield name, key, other, together


def _normed(g: Tensor, v: Tensor) -> Tensor:
    return g * v / norm(v.flatten(1), dim=1).reshape(g.shape)


def _maskable(value: Tensor, mask: Tensor) -> bool:
    return value.shape == mask.shape


def _scalable(g: Tensor, v: Tensor) -> bool:
    return v.dim() > 1 and v.is_floating_point() and g.shape == (len(v), *[1] * (v.dim() - 1))


# torch.nn.utils' prune and weight_norm, and torch.nn.utils.parametrizations.weight_norm.
MERGED = (
    ("_orig", "_mask", torch.mul, _maskable),
    ("_g", "_v", _normed, _scalable),
    (".original0", ".original1", _normed, _scalable),
)


@dataclass(frozen=True)
class Alignment:
    """A file's tensors under the names of one network; complete where nothing is missing, too much or misshapen.

    `prefix` led to them in the file; `ignored` are names of counters, metrics and other parts that are not used.
    """

    prefix: str
    state: State
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[str, ...]
    ignored: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every weight has its place and its shape."""
        return not (self.missing or self.unexpected or self.misshapen)

    @property
    def likeness(self) -> float:
        """The share of names, here or there, that fit: 0 to 1."""
        fitting = len(self.state) - len(self.misshapen)
        return fitting / max(len(self.state) + len(self.missing) + len(self.unexpected), 1)


# None stands for the length that the number of classes decides.
Expected = Mapping[str, tuple[int | None, ...]]


def alignments(expected: Expected, state: State, rename: Callable[[str], str | None] = str) -> tuple[Alignment, ...]:
    """The ways to find a network with the entries `expected` in a file, the nearest first.

    Looked for as they are and behind every prefix (`model.`, `backbone.` …); several are complete where a file holds
    an averaged copy. The last layer may have another name, counters of batch normalisation may be missing.
    `rename` maps names of older files to today's, or to None for parts that are not used.

    >>> expected = {"conv.weight": (4, 3, 1, 1), "fc.weight": (None, 4)}
    >>> file = {"net.conv.weight": torch.zeros(4, 3, 1, 1), "net.linear.weight": torch.zeros(7, 4)}
    >>> found = alignments(expected, file)[0]
    >>> found.complete, found.prefix, list(found.state)
    (True, 'net.', ['conv.weight', 'fc.weight'])
    """
    known = {plain_key(key): key for key in expected}
    state = _renamed(plain_keys(merged(state)), rename)
    counts: Counter[str] = Counter({"": 0})
    for key, value in state.items():
        # Names of foreign files may be of any length, those of layers are not.
        parts = key.split(".") if len(key) < LONGEST else []
        for start in range(len(parts)):
            name = known.get(".".join(parts[start:]))
            if name is not None:
                counts["".join(f"{part}." for part in parts[:start])] += 1 + fits(value, expected[name])
    most = max(counts.values())
    # What finds hardly anything is the chance likeness of one layer with another.
    found = [_aligned(expected, known, state, prefix, rename) for prefix, n in counts.items() if 2 * n >= most]
    return tuple(sorted(found, key=lambda one: (-one.complete, -one.likeness)))


def fits(value: Tensor, shape: tuple[int | None, ...]) -> bool:
    """Whether a tensor has the shape, whatever the number of classes.

    >>> fits(torch.zeros(7, 64), (None, 64)), fits(torch.zeros(7, 64), (7, 32))
    (True, False)
    """
    return value.dim() == len(shape) and all(b is None or a == b for a, b in zip(value.shape, shape, strict=True))


def _renamed(state: State, rename: Callable[[str], str | None]) -> State:
    return {name: value for key, value in state.items() if (name := rename(key)) is not None}


def _aligned(
    expected: Expected, known: dict[str, str], state: State, prefix: str, rename: Callable[[str], str | None]
) -> Alignment:
    inside = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    inside = {known.get(key, key): value for key, value in _renamed(inside, rename).items()}
    outside = {key: value for key, value in state.items() if not key.startswith(prefix)}
    for old, new in _head(expected, inside | outside).items():
        inside[new] = inside.pop(old) if old in inside else outside.pop(old)
    surplus = [key for key in inside if key not in expected]
    counters = [key for key in surplus if _counter(key, inside[key])]
    missing = tuple(key for key in expected if key not in inside and not key.endswith(COUNTER))
    # Where nothing is missing, what lies beside the network is of no interest.
    beside = [key for key in outside if missing and not _counter(key, outside[key])]
    return Alignment(
        prefix,
        {key: inside[key] for key in expected if key in inside},
        missing,
        (*(key for key in surplus if key not in counters), *beside),
        tuple(key for key, shape in expected.items() if key in inside and not fits(inside[key], shape)),
        (*counters, *(key for key in outside if key not in beside)),
    )


def _counter(key: str, value: Tensor) -> bool:
    """Steps, metrics and what profilers count: whole numbers, or one number without a place in any layer."""
    if value.numel() == 1 and key.rpartition(".")[2] in PROFILED:
        return True
    return value.dim() == 0 or not (value.is_floating_point() or value.is_complex())


def _head(expected: Expected, state: State) -> dict[str, str]:
    """Names of a last layer that the file calls otherwise, and ours: the only layer left over that has its shapes.

    Where none has, the only one of its kind: its width is another, as that of the layers before.
    """
    heads = {key: shape for key, shape in expected.items() if None in shape}
    layers = {key.rpartition(".")[0] for key in heads}
    if len(layers) != 1 or heads.keys() & state.keys():
        return {}
    wanted = {key.rpartition(".")[2]: key for key in heads}
    left: dict[str, dict[str, str]] = {}
    for key, value in state.items():
        if key not in expected and not _counter(key, value):
            layer, _, name = key.rpartition(".")
            left.setdefault(layer, {})[name] = key
    kind = [
        names
        for names in left.values()
        if names.keys() == wanted.keys() and all(state[names[n]].dim() == len(heads[wanted[n]]) for n in names)
    ]
    same = [names for names in kind if all(fits(state[names[n]], heads[wanted[n]]) for n in names)]
    found = same or kind
    return {key: wanted[name] for name, key in found[0].items()} if len(found) == 1 else {}
