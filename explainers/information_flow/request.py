"""Estimates as requests, like maps: what they depend on, why there are none, answers that sharpen."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from explainers.information_flow.checks import check_labels, check_points, check_sigma, check_units
from explainers.information_flow.estimates import (
    REPEATS,
    mutual_information_input,
    mutual_information_label,
    propagate,
)
from explainers.information_flow.mixture import gaussian_mixture_entropy
from explainers.information_flow.records import Estimate, Information
from explainers.methods.request import MAP_LANE, Workbench
from explainers.networks.architectures.noisy import NoisyNetwork
from explainers.storage.digest import digest
from explainers.storage.versions import method_version

METHOD = "information"


@dataclass(frozen=True, eq=False)
class EntropyRequest:
    """The entropy of a Gaussian mixture: arguments of `gaussian_mixture_entropy`, for the workbench's device.

    >>> import torch
    >>> from explainers.streams import last
    >>> request = EntropyRequest(torch.zeros(1, 1), sigma=1.0)
    >>> round(last(request.stream(Workbench())).value, 3), request.refusal()
    (1.419, None)
    """

    centers: Tensor = field(repr=False)
    sigma: float
    draws: int = 10
    seed: int = 0
    force: bool = False
    lane: ClassVar[str] = MAP_LANE

    @property
    def key(self) -> str:
        """SHA-256 of all that the number depends on."""
        said = repr((self.sigma, self.draws, self.seed))
        return digest("entropy", method_version(METHOD), said, _said(self.centers))

    @property
    def refusal_key(self) -> str:
        """What `refusal` depends on."""
        return digest("refusal", self.key, str(self.force))

    @property
    def cost(self) -> int:
        """About how often every centre is looked at."""
        return self.draws

    def refusal(self) -> str | None:
        """Why there is no number, in one sentence; None where there is one."""
        try:
            check_sigma(self.sigma)
            check_units(check_points(self.centers).shape[1], self.force)
        except ValueError as reason:
            return str(reason)
        return None

    def stream(self, bench: Workbench) -> Iterator[Estimate]:
        """First of one draw for each centre, where that is enough for an error, then of all."""
        centers = self.centers.to(bench.device)
        for draws in sorted({1 if len(centers) > 2 else self.draws, self.draws}):
            yield gaussian_mixture_entropy(centers, self.sigma, draws=draws, seed=self.seed, force=self.force)


@dataclass(frozen=True, eq=False)
class InformationRequest:
    """I(X;T) of one hidden layer, or I(Y;T) with labels `y`: the arguments of `mutual_information_input`.

    Whatever computes works on a copy of the network on the workbench's device.
    """

    network: NoisyNetwork = field(repr=False)
    layer: str
    x: Tensor = field(repr=False)
    y: Tensor | None = field(default=None, repr=False)
    draws: int = 10
    repeats: int = REPEATS
    seed: int = 0
    force: bool = False
    lane: ClassVar[str] = MAP_LANE

    @property
    def key(self) -> str:
        """SHA-256 of all that the number depends on."""
        weights = [part for name, value in self.network.state_dict().items() for part in (name, _said(value))]
        said = repr((self.layer, self.network.sigma, self.draws, self.repeats, self.seed, self.y is None))
        labels = b"" if self.y is None else _said(self.y)
        return digest(METHOD, method_version(METHOD), str(self.network), *weights, said, _said(self.x), labels)

    @property
    def refusal_key(self) -> str:
        """What `refusal` depends on."""
        return digest("refusal", self.key, str(self.force))

    @property
    def cost(self) -> int:
        """About how many times all inputs go through the network."""
        return self.repeats

    def refusal(self) -> str | None:
        """Why there is no number, in one sentence; None where there is one."""
        try:
            propagate(_on(self.network, "cpu"), self.layer, self.x.cpu(), 1, self.seed, self.force)
            if self.y is not None:
                check_labels(self.y, len(self.x))
        except ValueError as reason:
            return str(reason)
        return None

    def stream(self, bench: Workbench) -> Iterator[Information]:
        """First of one point of T for each input, then of all."""
        network, x = _on(self.network, bench.device), self.x.to(bench.device)
        for draws in sorted({1, self.draws}):
            of_label = partial(mutual_information_label, y=self.y) if self.y is not None else None
            ask = of_label or mutual_information_input
            yield ask(network, self.layer, x, draws=draws, repeats=self.repeats, seed=self.seed, force=self.force)


def _on(network: NoisyNetwork, device: torch.device | str) -> NoisyNetwork:
    return copy.deepcopy(network).to(device)


def _said(values: Tensor) -> bytes:
    values = values.detach().cpu().contiguous()
    return repr((values.dtype, tuple(values.shape))).encode() + values.numpy().tobytes()
