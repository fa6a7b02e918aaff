"""Any other network, added by whoever runs the program: from an exported program or a function that builds it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from explainers.checkpoints.exported_programs import load_program
from explainers.checkpoints.keys import alignments
from explainers.checkpoints.load import fit, read_state_dict
from explainers.networks.preprocessing import Preprocessing
from explainers.networks.specs import Spec

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
SIDE = 224
ADDED_FAMILY = "added"
ADDED: dict[str, Spec] = {}


def add_network(
    source: str | Path | Callable[[], nn.Module],
    name: str,
    size: int | None = None,
    resize: int | None = None,
    mean: Sequence[float] = (0.0, 0.0, 0.0),
    std: Sequence[float] = (1.0, 1.0, 1.0),
    classes: Sequence[str] = (),
    title: str | None = None,
    weights: str | Path | None = None,
) -> None:
    """Puts a network into the catalogue under `name`, from where `load_network` and the app take it.

    `source` is a file of torch.export.save (`.pt2`), which runs without the code it came from, or `package.module:name`
    of something installed that gives the network when it is called, or that callable itself; `weights` is then a
    weights file for it, where it does not bring its own. Pictures are scaled so that the shorter side has `resize`
    pixels, cut to a square of `size` (of a program what it was exported for, else 224), and normalised to
    (x − mean) / std of values between 0 and 1. The same name again takes the place of what was added before.

    All of this runs as code: never with what a stranger names. Raises ValueError, one sentence, for a name that cannot
    be used or is taken, and for a source that is not there; what is wrong with the network itself is said when it is
    loaded.

    >>> add_network(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 2)), "tiny", size=8)
    >>> from explainers import load_network
    >>> load_network("tiny").layers[-1].shape
    (2,)
    >>> _ = ADDED.pop("tiny")
    """
    from explainers.networks.catalogue import registered

    if not NAME.fullmatch(name) or (name in registered() and name not in ADDED):
        raise ValueError(f"expected a name of letters, digits, dots and dashes that is not taken, got '{name[:80]}'")
    if len(mean) != 3 or len(std) != 3 or not all(value > 0 for value in std):
        raise ValueError(f"expected three means and three standard deviations above 0, got {mean} and {std}")
    program = Path(source) if isinstance(source, Path | str) and str(source).endswith(".pt2") else None
    if program is not None and not program.is_file():
        raise ValueError(f"expected a file of torch.export.save, found no file '{program.name}'; check its path")
    if isinstance(source, str) and program is None and source.count(":") != 1:
        raise ValueError(f"expected a file that ends in .pt2, or package.module:name, got '{source[:80]}'")
    side = size or SIDE
    pre = Preprocessing(resize or side, side, (mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))

    def make() -> tuple[nn.Module, Preprocessing]:
        if program is None:
            return _built(cast("str | Callable[[], nn.Module]", source), weights), pre
        net, (channels, height, width) = load_program(program)
        if channels != 3 or height != width or size not in (None, height):
            raise ValueError(
                f"expected a program for square colour pictures of {size or 'any'} pixels, got one for {channels} "
                f"channels and {height}×{width}"
            )
        return net, replace(pre, crop=height, resize=resize or height)

    ADDED[name] = Spec(
        name=name,
        family=ADDED_FAMILY,
        title=title or name,
        data="unknown",
        build=lambda classes: make()[0],
        preprocessing=pre,
        classes=tuple(classes),
        accuracy_note="not measured",
        make=make,
    )


def _built(source: str | Callable[[], nn.Module], weights: str | Path | None) -> nn.Module:
    """The network of a callable, with the weights of a file where one is given."""
    if isinstance(source, str):
        module, _, name = source.partition(":")
        try:
            build = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"expected something installed under {module}:{name}, got the error: {error}") from error
    else:
        build = source
    net = build()
    if not isinstance(net, nn.Module):
        raise ValueError(f"expected a callable that gives a torch.nn.Module, got {type(net).__name__}")
    if weights is not None:
        expected = {key: tuple(value.shape) for key, value in net.state_dict().items()}
        found = alignments(expected, read_state_dict(Path(weights)))[0]
        built = net
        net = fit(lambda classes: built, 1, found, type(net).__name__, "Give the file that belongs to this network.")
    return net.eval().requires_grad_(False)


def answer(net: nn.Module, pre: Preprocessing) -> Tensor:
    """What a network says to a fixed picture of noise; tells two functions of the same weights apart.

    Raises ValueError, one sentence, for a network that does not answer pictures with one tensor of logits.
    """
    noise = torch.rand(1, 3, pre.crop, pre.crop, generator=torch.Generator().manual_seed(0))
    weight = next((value for value in net.parameters() if value.is_floating_point()), noise)
    try:
        with torch.no_grad():
            found = net(noise.to(weight))
    except Exception as error:  # a network of anybody's may raise anything
        raise ValueError(
            f"expected a network for pictures of 3×{pre.crop}×{pre.crop}, got the error {type(error).__name__}: "
            f"{str(error)[:200]}; give its size"
        ) from error
    if not isinstance(found, Tensor) or found.dim() not in (2, 4) or len(found) != 1:
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise ValueError(f"expected logits (1, classes) or (1, classes, H, W) for one picture, got {shape}")
    return found
