"""What a training step asks of a network: the right class, a teacher's opinion, or both despite an attack."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def half_width(device: str, float32: bool = False) -> torch.autocast:
    """bfloat16 arithmetic, or with `float32` that, ten times as fast on a processor without bfloat16."""
    return torch.autocast(device, torch.bfloat16, enabled=not float32)


@dataclass(frozen=True)
class Distillation:
    r"""A teacher's softened answers beside the labels.

    .. math:: L = (1 - a)\, CE(s, y) + a\, T^2\, KL(softmax(t / T) \,\|\, softmax(s / T))

    with the logits s of the network and t of the `teacher` (a name of the catalogue), the `temperature` T and the
    `share` a. Hinton, Vinyals, Dean, "Distilling the knowledge in a neural network", 2015, section 2.
    """

    teacher: str
    temperature: float = 4.0
    share: float = 0.9

    def loss(self, logits: Tensor, taught: Tensor, expected: Tensor) -> Tensor:
        """The mean over a batch of logits (B, classes), those of the teacher, and labels (B,).

        >>> Distillation("", share=1.0).loss(torch.ones(2, 3), torch.ones(2, 3), torch.zeros(2).long()).item()
        0.0
        """
        hot = self.temperature
        soft = F.kl_div(
            F.log_softmax(logits / hot, 1), F.log_softmax(taught / hot, 1), log_target=True, reduction="batchmean"
        )
        return (1 - self.share) * F.cross_entropy(logits, expected) + self.share * hot**2 * soft


@dataclass(frozen=True)
class Attack:
    """Projected gradient descent in the L∞ ball of `radius` around a picture in [0, 1]: `steps` of size `step`.

    Madry et al., "Towards deep learning models resistant to adversarial attacks", ICLR 2018, without a random start.
    The paper's ten steps of 0.001 (Appendix F.4) go no further than 0.01, which is the radius here.
    """

    steps: int = 10
    step: float = 0.001
    radius: float = 0.01

    def on(
        self, net: nn.Module, x: Tensor, expected: Tensor, mean: Tensor, std: Tensor, float32: bool = False
    ) -> Tensor:
        """Of pictures `x` (B, 3, H, W) in network units, (pixels − mean) / std, those that `net` finds hardest near by.

        `net` is asked in evaluation mode and left in the mode in which it was; its weights get no gradient.
        """
        training = net.training
        net.eval()
        pixels = x * std + mean
        low, high = (pixels - self.radius).clamp(min=0), (pixels + self.radius).clamp(max=1)
        for _ in range(self.steps):
            moved = pixels.detach().requires_grad_()
            with half_width(x.device.type, float32):
                logits = net((moved - mean) / std)
            (uphill,) = torch.autograd.grad(F.cross_entropy(logits.float(), expected), moved)
            pixels = torch.minimum(torch.maximum(moved.detach() + self.step * uphill.sign(), low), high)
        net.train(training)
        return (pixels - mean) / std
