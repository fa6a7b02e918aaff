"""Times of day as the reader's own clock shows them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def time_of_day(seconds: float, zone: str | None = None) -> str:
    """Hours and minutes in a time zone, by name; without one in universal time, which is said.

    >>> time_of_day(3600 * 20.5, "Europe/Berlin"), time_of_day(3600 * 20.5), time_of_day(0, "nowhere")
    ('21:30', '20:30 UTC', '00:00 UTC')
    """
    when = datetime.fromtimestamp(seconds, UTC)
    try:
        return f"{when.astimezone(ZoneInfo(zone or '')):%H:%M}"
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{when:%H:%M} UTC"


def here(seconds: float) -> str:
    """In the time zone of this visitor's browser."""
    return time_of_day(seconds, st.context.timezone)
