"""What I(X;T) is where no noise is added: a constant, or infinite."""

import math

import numpy as np
from torch import Tensor

from explainers.information_flow.checks import check_points
from explainers.information_flow.records import Information


def deterministic_information(t: Tensor, continuous: bool = False) -> Information:
    r"""I(X;T) of a deterministic layer with activations `t` (n, d): exact, and empty of meaning.

    .. math:: I(X;T) = H(T) = H(X) = \log n \quad\text{(X discrete)},\qquad I(X;T) = \infty \quad\text{(X continuous)}

    For X uniform over n inputs it is log n as long as no two of them fall together to the last digit, whatever the
    layer does; where some do (a ReLU that is off for several, a tanh that is 1 in this precision, inputs that are
    equal), H of those that are left apart. `continuous` X makes it infinite, unless the layer gives one and the same
    answer to all, and then it is 0. Flag: "deterministic". Raises ValueError for activations that are not
    finite or not (n, d).

    >>> import torch
    >>> found = deterministic_information(torch.tensor([[0.0], [1e-9], [1.0], [5.0]]))
    >>> round(found.value / math.log(2), 6), deterministic_information(torch.eye(2), continuous=True).value
    (2.0, inf)
    """
    rows = check_points(t).cpu().numpy()
    shares = np.unique(rows, axis=0, return_counts=True)[1] / len(rows)
    kept = float(-(shares * np.log(shares)).sum()) + 0.0
    value = math.inf if continuous and len(shares) > 1 else kept
    n, d = rows.shape
    return Information(
        value=value,
        error=0.0,
        low=value,
        high=value,
        flags=("deterministic",),
        over_inputs=(value, value),
        ceiling=math.inf if continuous else math.log(n),
        upper=value,
        n=n,
        d=d,
        points=n,
    )
