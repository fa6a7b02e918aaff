"""What is known of the mean of a map that is not finished: so many decimals, and how wrong it may be."""

import math

from app.words import decimal
from explainers import CIDResult


def preview_mean(frame: CIDResult) -> str:
    """The mean with what it may be wrong by, both with the decimals that this leaves them.

    The finished map's mean lies within that of what is written: what rounding adds is part of it.
    """
    value, off, places = float(frame.mean[0]), *_off(frame)
    return f"about {decimal(value, places)} ± {decimal(off, places)}" if math.isfinite(value) else decimal(value)


def how_wrong(frame: CIDResult) -> str:
    """Of a map that was cut short, in a clause."""
    off, places = _off(frame)
    return f"its mean may lie {decimal(off, places)} nats from that of the finished map"


def _off(frame: CIDResult) -> tuple[float, int]:
    error = float(frame.mean_error[0])
    places = 1 if error >= 0.1 else 2
    last = 10.0**-places
    return math.ceil((error + last / 2) / last) * last, places
