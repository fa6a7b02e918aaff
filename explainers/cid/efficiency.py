r"""Efficiency of a layer, as far as concentration and CID determine it: a curve over constants nobody can measure.

.. math:: \rho = \frac{I(F;Y)}{I(X;F)} = C_1 + \frac{C_2 \cdot \mathrm{concentration} - C_3}{2\,(C_4 - \mathrm{CID})}

Source: "Quantification and analysis of layer-wise and pixel-wise information discarding", ICML 2022,
Appendix C, Eq. 15.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class EfficiencyConstants:
    r"""The constants of Eq. 15; entropies in nats.

    With H(X) the entropy of the pictures, H(X|Y) what is left of it given the labels, and γ_fg > γ_bg the shares
    of foreground and background that have to do with the labels:
    C1 = (γ_fg + γ_bg)/2, C2 = γ_fg − γ_bg, C3 = (γ_fg + γ_bg − 2) H(X) + 2 H(X|Y), C4 = H(X).

    Raises ValueError for a C2 that is not positive: the derivation needs γ_fg > γ_bg.
    """

    c1: float = 0.5
    c2: float = 0.6
    c3: float = -1.0
    c4: float = 1.0

    def __post_init__(self) -> None:
        if not self.c2 > 0:
            raise ValueError(f"expected C2 above 0, got {self.c2:g}; the foreground must tell more of the label")


def efficiency(concentration: ArrayLike, cid: ArrayLike, constants: EfficiencyConstants | None = None) -> np.ndarray:
    """ρ of Eq. 15, without unit, for `concentration` and mean `cid` in nats; shapes are broadcast.

    Never a property of a network: the constants are chosen by whoever looks at the curve.

    Raises ValueError where CID is not below C4 = H(X): no layer discards more than there is.

    >>> efficiency([0.0, 0.5], -3.0, EfficiencyConstants(c1=0.5, c2=0.8, c3=0.0, c4=1.0)).tolist()
    [0.5, 0.55]
    """
    constants = constants or EfficiencyConstants()
    concentration, cid = np.asarray(concentration, float), np.asarray(cid, float)
    if not (cid < constants.c4).all():
        raise ValueError(f"expected a CID below C4 = {constants.c4:g} nats, got {cid.max():g}; choose a larger C4")
    return constants.c1 + (constants.c2 * concentration - constants.c3) / (2 * (constants.c4 - cid))
