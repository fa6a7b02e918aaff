"""What is known of a map that is not finished: how far it has come, and by how much its mean may be wrong."""

import math

from app.words import number, roughly
from explainers import CIDResult
from explainers.cid.certainty import mean_uncertainty

# Beyond this share the noise has been scaled to the constraint as it was measured, and every frame says how far it is
# from that.
SCALED = 0.9


def frame_error(frame: CIDResult) -> float | None:
    """By how much the mean of a frame may be wrong, in nats; None where nobody knows.

    Before the end the constraint that a frame names is that of its start, and what it has lost is not measured.
    """
    if frame.progress <= SCALED or bool(frame.loss[0].isnan()):
        return None
    off = mean_uncertainty(frame.numbers)
    return None if math.isnan(off) else off


def preview_mean(frame: CIDResult) -> str:
    """The mean with the digits that are known of it."""
    return roughly(float(frame.mean[0]), frame_error(frame))


def how_wrong(frame: CIDResult) -> str:
    """What is to be said of the mean of a map that was cut short."""
    off = frame_error(frame)
    return f"its mean may be wrong by {number(off, 1) + ' nats' if off is not None else 'an unknown amount'}"
