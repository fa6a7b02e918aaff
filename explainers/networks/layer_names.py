"""Names for layers: those of the papers where a network is a plain chain, else the shortest telling path."""

from collections import Counter

from torch import nn

# The module is None where a layer has none of its own.
Use = tuple[str, int, nn.Module | None, str]


def readable_names(uses: list[Use]) -> list[str]:
    """One name per layer, all different, from (path, call, module, kind) in the order of execution.

    The whole network, path "", is called by its kind.

    >>> conv, fc = nn.Conv2d(3, 3, 3), nn.Linear(3, 3)
    >>> readable_names([("features.0", 0, conv, "convolution"), ("classifier.0", 0, fc, "fully connected")])
    ['conv1', 'fc2']
    >>> readable_names([("net.stem", 0, conv, "convolution"), ("net.layer1.0", 0, conv, "block")])
    ['stem', 'layer1.0']
    """
    parts = [use for use in uses if use[0]]
    if parts and all(path.rsplit(".", 1)[-1].isdigit() and path.count(".") < 2 for path, *_ in parts):
        named = _counted(parts)
    else:
        named = _shortened([path for path, *_ in parts])
    names = iter(named)
    names = [next(names) if path else kind for path, *_, kind in uses]
    return _distinct([_again(name, use[1]) for name, use in zip(names, uses, strict=True)])


def _counted(uses: list[Use]) -> list[str]:
    """conv1, pool1, conv2 … fc6 as in AlexNet; with stages, conv1-1 … pool1 … conv5-3, as in VGG.

    Stages are how networks of 3×3 convolutions alone are written; a pooling carries the number before it.
    """
    convs = [module for _, _, module, kind in uses if kind == "convolution"]
    pools = sum(kind == "pooling" for *_, kind in uses)
    blocks = any(kind == "block" for *_, kind in uses)
    staged = pools > 1 and len(convs) > pools and not blocks and all(_is_3x3(conv) for conv in convs)
    number = within = 0
    names: list[str] = []
    for _, _, module, kind in uses:
        if kind == "pooling":
            names.append(f"pool{number}")
            within = 0
        elif kind == "convolution" and staged:
            within += 1
            number += within == 1
            names.append(f"conv{number}-{within}")
        else:
            number += 1
            names.append(f"{_prefix(module, kind)}{number}")
    return names


def _is_3x3(module: nn.Module | None) -> bool:
    kernel, stride = (getattr(module, name, None) for name in ("kernel_size", "stride"))
    return kernel is not None and stride is not None and set(kernel) == {3} and set(stride) == {1}


def _prefix(module: nn.Module | None, kind: str) -> str:
    if kind == "logits" and isinstance(module, nn.Conv2d):
        kind = "convolution"
    short = {"convolution": "conv", "fully connected": "fc", "logits": "fc", "normalisation": "norm"}
    return short.get(kind) or type(module).__name__.lower()


def _shortened(paths: list[str]) -> list[str]:
    """The shortest ends that begin with a word and are not the end of another layer's path."""
    ends = Counter(end for path in set(paths) for end in _ends(path))
    return [next((e for e in _ends(path) if ends[e] == 1 and not e[0].isdigit()), path) for path in paths]


def _ends(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[i:]) for i in range(len(parts) - 1, -1, -1)]


def _again(name: str, call: int) -> str:
    return name if call == 0 else f"{name} (use {call + 1})"


def _distinct(names: list[str]) -> list[str]:
    seen: Counter[str] = Counter()
    distinct: list[str] = []
    for name in names:
        seen[name] += 1
        distinct.append(name if seen[name] == 1 else f"{name} [{seen[name]}]")
    return distinct
