"""Networks by name: what ships with the project, torchvision's, and weights of your own."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from explainers.assets import DamagedFile, check_shipped
from explainers.checkpoints.errors import CheckpointError, ChoiceNeededError
from explainers.checkpoints.keys import Alignment, State, alignments
from explainers.checkpoints.load import fit, read_header, read_state_dict, read_weight_sets, short
from explainers.devices import parse_device
from explainers.networks import specs, torchvision_specs
from explainers.networks.added import ADDED, answer
from explainers.networks.copies import structural_copy
from explainers.networks.downloads import Progress, WeightsUnavailable, cache_folder, fetch
from explainers.networks.layers import Layer, find_layers
from explainers.networks.preprocessing import Preprocessing
from explainers.networks.recognised_specs import expected_of
from explainers.networks.recognition import Found, fitting, nearest, recognise
from explainers.networks.specs import SHIPPED, Spec

__all__ = [
    "CheckpointError",
    "ChoiceNeededError",
    "Layer",
    "Network",
    "NetworkEntry",
    "WeightsUnavailable",
    "load_checkpoint",
    "load_network",
    "network_catalogue",
]

# Ends the name of a network whose weights came in a file.
OWN_WEIGHTS = ", own weights"
SOURCE_ADDED = "added by whoever runs this"


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network with all that is needed to show it a picture and to name what it sees.

    `module` is in evaluation mode without gradients; `accuracy` is a share, None where it was not measured;
    `fingerprint` is the SHA-256 of architecture and weights. One that `reconstructs` gives pictures (B, 3, H, W) in
    [0, 1] instead of classes, which are the channels then; `error` is their root mean square error on held-out
    pictures, None where it was not measured.
    """

    name: str
    family: str
    title: str
    module: nn.Module
    preprocessing: Preprocessing
    layers: tuple[Layer, ...]
    classes: tuple[str, ...]
    data: str
    accuracy: float | None
    accuracy_note: str
    source: str
    fingerprint: str
    reconstructs: bool = False
    error: float | None = None

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.preprocessing.crop, self.preprocessing.crop

    @property
    def mean(self) -> tuple[float, float, float]:
        """Of each channel, what the preprocessing takes away."""
        return self.preprocessing.mean

    @property
    def std(self) -> tuple[float, float, float]:
        """Of each channel, what the preprocessing divides by."""
        return self.preprocessing.std

    @property
    def segments(self) -> bool:
        """Whether every pixel has an answer of its own: logits (B, classes, H, W), or channels of a picture."""
        return len(self.layers[-1].shape) == 3

    def preprocess(self, image: Image.Image) -> Tensor:
        """(3, H, W) in network units: shorter side scaled, centre cut out, (x − mean) / std."""
        return self.preprocessing.tensor(image)

    def display(self, x: Tensor) -> Image.Image:
        """The picture of a (3, H, W) tensor in network units."""
        return self.preprocessing.picture(x)

    def layer(self, name: str) -> Layer:
        """The layer called `name`. Raises ValueError, with the names there are, for any other."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        known = ", ".join(layer.name for layer in self.layers)
        raise ValueError(f"expected a layer of {self.title} ({known}), got '{name}'; choose one of those")


@dataclass(frozen=True)
class NetworkEntry:
    """A network that can be loaded; `available` without a download of `size` bytes, `file` its weights' name.

    `group` is the network of which it is a variant, or empty.
    """

    name: str
    family: str
    title: str
    data: str
    shipped: bool
    available: bool
    size: int
    file: str
    group: str = ""


@cache
def _specs() -> dict[str, Spec]:
    return {spec.name: spec for spec in (*SHIPPED, *torchvision_specs.specs())}


def registered() -> dict[str, Spec]:
    """Every network by name: what ships, torchvision's, and what was added."""
    return _specs() | ADDED


def _spec(name: str) -> Spec:
    if name not in registered():
        raise ValueError(f"expected one of the networks {', '.join(registered())}; got '{name}'")
    return registered()[name]


def network_catalogue() -> tuple[NetworkEntry, ...]:
    """Every registered network, the shipped ones first; looks at the disk, reads no weights.

    >>> [entry.name for entry in network_catalogue()][:2]
    ['resnet20-cifar10', 'resnet32-cifar10']
    """
    shipped, downloaded = _files(specs.NETWORKS), _files(cache_folder())

    def entry(spec: Spec) -> NetworkEntry:
        here = spec.make is not None or spec.file in (downloaded if spec.url else shipped)
        return NetworkEntry(
            spec.name, spec.family, spec.title, spec.data, spec.shipped, here, spec.size, spec.file, spec.group
        )

    return tuple(map(entry, registered().values()))


def _files(folder: Path) -> frozenset[str]:
    """The names of the files in `folder`: one look where every network would take one."""
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if entry.is_file())
    except OSError:
        return frozenset()


def load_network(name: str, device: str | torch.device = "cpu", progress: Progress | None = None) -> Network:
    """The network called `name`, its weights downloaded on first use where they do not ship.

    `progress(share, text)` is told how far a download is. Raises ValueError for an unknown name, and
    WeightsUnavailable, in one sentence that says what to do, where there are no weights.

    >>> load_network("resnet20-cifar10").layer("layer3.2").shape
    (64, 8, 8)
    """
    spec, device = _spec(name), parse_device(device)
    if spec.make is not None:
        return _added(spec, device)
    if spec.shipped and not spec.available:
        raise WeightsUnavailable(f"{spec.weights.name} is missing", _help(spec))
    try:
        path = spec.weights if spec.shipped else fetch(spec.url, progress)
    except WeightsUnavailable as problem:
        raise WeightsUnavailable(problem.reason, _help(spec)) from problem.__cause__
    if spec.shipped:
        try:
            check_shipped(path)
        except DamagedFile as error:
            raise WeightsUnavailable(f"{path.name} is damaged: it is not as it ships", _help(spec)) from error
    record = read_header(path) if spec.shipped else {}
    source = f"trained for this project: python -m explainers.train {spec.asked or name}" if spec.shipped else spec.url
    # What was downloaded is what its publisher wrote, Python 2 among them: torch itself reads it.
    state = read_state_dict(path) if spec.shipped else torch.load(path, map_location="cpu", weights_only=True)
    return _network(
        spec,
        alignments(expected_of(spec), state, spec.rename)[0],
        device,
        title=spec.title,
        name=name,
        classes=spec.classes,
        data=record.get("data", spec.data),
        accuracy=float(record["accuracy"]) if "accuracy" in record else spec.accuracy,
        accuracy_note=spec.accuracy_note,
        source=source,
        error=float(record["error"]) if "error" in record else None,
    )


def load_checkpoint(
    architecture: str | None,
    source: bytes | str | Path,
    device: str | torch.device = "cpu",
    classes: tuple[str, ...] | None = None,
    title: str | None = None,
    weights: str | None = None,
    wanted: Callable[[], None] = lambda: None,
) -> Network:
    """Your own weights, from a `.safetensors` file or one of torch.save (`.pt`, `.pth`, `.th`, `.bin` …) or its bytes.

    `architecture` is a registered name, one that was recognised before, or None to recognise it from the names and
    shapes in the file: registered ones, torchvision's other classifiers, residual networks of any depth and width,
    AlexNet, VGG, DenseNet, SqueezeNet and GoogLeNet of any width. `weights` names one of several sets in the file, the
    averaged ones for instance. The number of classes is read from the file; `classes` names them. No Python object is
    ever unpickled. Bytes of torch.save are read in a process of its own; `wanted` is called meanwhile, and what it
    raises ends that.

    Raises ChoiceNeededError where several architectures or sets could be meant, and CheckpointError, with the missing,
    unexpected and misshapen keys, for a file that does not fit.
    """
    device = parse_device(device)
    if not isinstance(source, bytes) and not Path(source).is_file():
        raise CheckpointError(f"expected a weights file, found no file '{Path(source).name}'; check its path")
    sets = read_weight_sets(source if isinstance(source, bytes) else Path(source), wanted)
    spec, found, chosen, advice = _chosen(architecture, weights, sets)
    return _network(
        spec,
        found,
        device,
        title=title or f"{spec.title.split(', ')[0]}, your own weights",
        advice=advice,
        name=f"{spec.name}{OWN_WEIGHTS}",
        classes=classes or spec.classes,
        data="unknown",
        accuracy=None,
        accuracy_note="not measured",
        source="a file of your own" + (f", its weights '{chosen}'" if chosen else ""),
    )


def _chosen(architecture: str | None, weights: str | None, sets: dict[str, State]) -> tuple[Spec, Alignment, str, str]:
    """The architecture and the set of weights that are meant, its name, and what to say if they do not fit."""
    spec = _specs().get(architecture or "")
    if architecture in ADDED:
        raise CheckpointError(f"expected an architecture of the catalogue, got '{architecture}', which was added whole")
    found = fitting(spec, sets) if spec else recognise(_specs().values(), sets)
    if spec is None and architecture is not None and found:
        found = [one for one in found if one.spec.name == architecture]
        if not found:
            _spec(architecture)
    one = _only_one(found, weights) if found else None
    if one is not None:
        return one.spec, one.alignment, one.weights, ""
    near = nearest([spec] if spec else _specs().values(), sets)
    others = dict.fromkeys(one.spec.title for one in recognise(_specs().values(), sets)) if spec else {}
    if others:
        advice = f"The file fits {' and '.join(others)}: choose that, or have it recognised."
    elif spec:
        advice = "Choose the architecture that the file was made for."
    else:
        advice = "No known architecture fits, this one comes nearest."
    return near.spec, near.alignment, near.weights, advice


def _only_one(found: list[Found], weights: str | None) -> Found:
    """Raises ChoiceNeededError for several architectures or sets, CheckpointError where no set is called `weights`."""
    architectures = {one.spec.name: one.spec.title for one in found}
    if len(architectures) > 1:
        raise ChoiceNeededError(
            f"expected weights of one architecture, got some that fit {len(architectures)}: "
            f"{'; '.join(architectures.values())}; choose one of them",
            tuple(architectures),
        )
    names = tuple(one.weights for one in found)
    if weights is None and len(names) > 1:
        raise ChoiceNeededError(
            f"expected one set of weights, got a file with {len(names)}: {', '.join(map(short, names))}; choose one",
            tuple(architectures),
            names,
        )
    chosen = [one for one in found if weights in (None, one.weights)]
    if not chosen:
        raise CheckpointError(f"expected one of the sets of weights {', '.join(map(short, names))}, got '{weights}'")
    return chosen[0]


def _network(
    spec: Spec,
    found: Alignment,
    device: torch.device,
    classes: tuple[str, ...],
    title: str,
    advice: str = "",
    **about: Any,
) -> Network:
    module = fit(spec.build, len(spec.classes), found, spec.title.split(", ")[0], advice)
    side = spec.preprocessing.crop
    layers = find_layers(structural_copy(module, "meta"), torch.empty(1, 3, side, side, device="meta"))
    count = layers[-1].shape[0]
    return Network(
        family=spec.family,
        title=title,
        module=module.to(device),
        preprocessing=spec.preprocessing,
        layers=layers,
        classes=classes if len(classes) == count else tuple(f"class {i}" for i in range(count)),
        fingerprint=fingerprint(spec.name, module),
        reconstructs=spec.reconstructs,
        **about,
    )


def _added(spec: Spec, device: torch.device) -> Network:
    """A network that was added: its weights alone do not tell it from another function of them."""
    assert spec.make is not None
    module, preprocessing = spec.make()
    said = answer(module, preprocessing)
    example = torch.zeros(1, 3, preprocessing.crop, preprocessing.crop, dtype=said.dtype)
    layers = find_layers(module, example)
    structure = hashlib.sha256(repr(module).encode() + said.float().numpy().tobytes()).hexdigest()
    return Network(
        name=spec.name,
        family=spec.family,
        title=spec.title,
        module=module.to(device),
        preprocessing=preprocessing,
        layers=layers,
        classes=spec.classes
        if len(spec.classes) == said.shape[1]
        else tuple(map("class {}".format, range(said.shape[1]))),
        data=spec.data,
        accuracy=None,
        accuracy_note=spec.accuracy_note,
        source=SOURCE_ADDED,
        fingerprint=fingerprint(f"{spec.name} {structure}", module),
    )


def fingerprint(name: str, module: nn.Module) -> str:
    """SHA-256 over the name of the architecture and all weights.

    >>> net = nn.Linear(2, 2)
    >>> before = fingerprint("linear", net)
    >>> _ = net.weight.data.add_(1e-3)
    >>> before == fingerprint("linear", net)
    False
    """
    digest = hashlib.sha256(name.encode())
    for key, value in sorted(module.state_dict().items()):
        digest.update(f"{key} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _help(spec: Spec) -> str:
    """Where the file may be put, and what works without it."""
    place = (
        "assets/networks"
        if spec.shipped
        else "the folder checkpoints of torch's cache (TORCH_HOME, or ~/.cache/torch/hub)"
    )
    here = [other.name for other in _specs().values() if other.available and other.name != spec.name]
    others = f"; what works without it: {', '.join(here)}" if here else ""
    return f"put the file into {place} and load the network again{others}"
