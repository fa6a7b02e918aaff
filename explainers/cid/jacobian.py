r"""Squared column norms of a feature's Jacobian: products with any vectors, and directions that are taken out.

With J = ∂h/∂x, column i measures how much the feature moves when input variable i does:

.. math:: G_i = \|J_i\|^2 = \sum_j J_{ji}^2 = \mathbb{E}_v\big[(J^\top v)_i^2\big],
          \qquad \delta_f^2 = \|J\|_F^2 = \sum_i G_i

for any random v with E[vvᵀ] = I. Independent ±1 give the estimate the least variance of all
independent entries (Hutchinson, 1990); the few directions in which a deep feature moves most are
taken out and treated exactly, the rest is probed (Meyer et al., "Hutch++", 2021).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from explainers.norms import LINALG

Function = Callable[[Tensor], Tensor]


def squared_products(h: Function, x: Tensor, v: Tensor) -> Tensor:
    """(J(x_k)ᵀ v_k)² for every row k: x is (N, C, H, W), v is (N, D), the result (N, C, H, W).

    One forward and one backward pass of N rows. No gradient is accumulated anywhere.
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_(True)
        (product,) = torch.autograd.grad(h(x), x, v, allow_unused=True, materialize_grads=True)
    return product.square()


def orthonormal(rows: Tensor, complete: bool = False) -> Tensor:
    """Orthonormal rows that span the given ones, (B, q, D) with q ≤ D.

    Where a row depends on those before it the answer has a row of zeros; with `complete`, another direction.
    """
    # Metal has no QR decomposition; the matrices are small.
    factors: tuple[Tensor, Tensor] = LINALG.qr(rows.mT.cpu() if rows.device.type == "mps" else rows.mT)
    q, r = (factor.to(rows.device) for factor in factors)
    diagonal = r.diagonal(dim1=-2, dim2=-1).abs()
    independent = diagonal > 1e-6 * diagonal.amax(-1, keepdim=True)
    return q.mT if complete else q.mT * independent.unsqueeze(-1)


def outside(basis: Tensor, v: Tensor) -> Tensor:
    """The part of the rows of `v` (B, N, D) that is orthogonal to the rows of `basis` (B, q, D)."""
    return v - (v @ basis.mT) @ basis
