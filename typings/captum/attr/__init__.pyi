from collections.abc import Callable, Iterator

from captum._utils.models.model import Model
from torch import Tensor, nn

# What a score is of: a class, one for each picture, or a class at a place.
_Target = int | tuple[int, ...] | Tensor | list[int] | list[tuple[int, ...]] | None
_Scores = Callable[[Tensor], Tensor]

class _OfGradients:
    def __init__(self, forward_func: _Scores) -> None: ...

class Saliency(_OfGradients):
    def attribute(self, inputs: Tensor, target: _Target = None, abs: bool = True) -> Tensor: ...

class InputXGradient(_OfGradients):
    def attribute(self, inputs: Tensor, target: _Target = None) -> Tensor: ...

class GuidedBackprop:
    def __init__(self, model: nn.Module) -> None: ...
    def attribute(self, inputs: Tensor, target: _Target = None) -> Tensor: ...

class IntegratedGradients(_OfGradients):
    def attribute(
        self,
        inputs: Tensor,
        baselines: float | Tensor | None = None,
        target: _Target = None,
        *,
        n_steps: int = 50,
        internal_batch_size: int | None = None,
    ) -> Tensor: ...

class DeepLift:
    def __init__(self, model: nn.Module) -> None: ...
    def attribute(self, inputs: Tensor, baselines: float | Tensor | None = None, target: _Target = None) -> Tensor: ...

class Occlusion:
    def __init__(self, forward_func: _Scores) -> None: ...
    def attribute(
        self,
        inputs: Tensor,
        sliding_window_shapes: tuple[int, ...],
        strides: tuple[int, ...] | int | None = None,
        baselines: float | Tensor | None = None,
        target: _Target = None,
        *,
        perturbations_per_eval: int = 1,
    ) -> Tensor: ...

class Lime:
    interpretable_model: Model
    def __init__(
        self,
        forward_func: _Scores,
        interpretable_model: Model | None = None,
        similarity_func: Callable[..., float | Tensor] | None = None,
        perturb_func: Callable[..., object] | None = None,
    ) -> None: ...
    def attribute(
        self,
        inputs: Tensor,
        baselines: float | Tensor | None = None,
        target: _Target = None,
        *,
        feature_mask: Tensor | None = None,
        n_samples: int = 25,
        perturbations_per_eval: int = 1,
    ) -> Tensor: ...

class KernelShap(Lime):
    def __init__(self, forward_func: _Scores) -> None: ...
    def kernel_shap_perturb_generator(
        self, original_inp: Tensor | tuple[Tensor, ...], **kwargs: object
    ) -> Iterator[Tensor]: ...
