"""What is known of the mean of a map that is not finished: its order.

What it has lost is not measured before the end, and while the noise is scaled to the constraint a frame may be off by
several times what it says of itself.
"""

from app.words import roughly
from explainers import CIDResult

# How many nats the mean of a preview is at most away from that of the finished map, in every layer of the networks that
# ship: tests/app/parts/test_previews.py walks every frame. Of others nobody knows.
OFF = 1.5
# Of a map that was cut short.
UNKNOWN = "its mean may be wrong by an unknown amount"


def preview_mean(frame: CIDResult) -> str:
    """The mean as a whole number of nats, within `OFF` of the finished map's."""
    return roughly(float(frame.mean[0]))
