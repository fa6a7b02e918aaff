"""What is known of the mean of a map that is not finished: its order.

What it has lost is not measured before the end, and while the noise is scaled to the constraint a frame may be off by
several times what it says of itself.
"""

from app.words import roughly
from explainers import CIDResult

# Of a map that was cut short.
UNKNOWN = "its mean may be wrong by an unknown amount"


def preview_mean(frame: CIDResult) -> str:
    """The mean with the digits that are known of it."""
    return roughly(float(frame.mean[0]))
