"""What runs a figure through its frames, in the browser: two buttons and a slider."""

from collections.abc import Sequence

from app.figures.style import Look

# Milliseconds that a frame is shown.
STEP = 420


def play_buttons(look: Look, room: int = 0) -> dict:
    """Play from where it stands, and Pause; `room` pixels more above the figure, for a legend."""
    played = {"frame": {"duration": STEP, "redraw": True}, "transition": {"duration": 0}, "mode": "immediate"}
    paused = {"frame": {"duration": 0, "redraw": False}, "mode": "immediate"}
    return {
        "type": "buttons",
        "direction": "left",
        "showactive": False,
        "x": 0,
        "xanchor": "left",
        "y": 1,
        "yanchor": "bottom",
        "pad": {"b": 72 + room, "r": 8},
        "bgcolor": "rgba(128,128,128,0.12)",
        "bordercolor": look.faint,
        "font": {"size": 13, "color": look.text},
        "buttons": [
            {"label": "▶ Play", "method": "animate", "args": [None, played | {"fromcurrent": True}]},
            {"label": "❚❚ Pause", "method": "animate", "args": [[None], paused]},
        ],
    }


def epoch_slider(epochs: Sequence[int], start: int, look: Look, room: int = 0) -> dict:
    """A stop for each of the epochs, on the place `start`."""
    return stops([str(epoch) for epoch in epochs], [f"{epoch:,}" for epoch in epochs], start, look, "epoch ", room)


def stops(frames: Sequence[str], labels: Sequence[str], start: int, look: Look, noun: str, room: int = 0) -> dict:
    """A slider with a stop for each of the frames, by their names, on the place `start`."""
    shown = {"frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}, "mode": "immediate"}
    return {
        "active": start,
        "x": 0,
        "len": 1,
        "y": 1,
        "yanchor": "bottom",
        "pad": {"b": 36 + room, "l": 190},
        "currentvalue": {"prefix": noun, "font": {"size": 14, "color": look.text}, "xanchor": "right"},
        "font": {"size": 10, "color": look.text},
        "bgcolor": look.faint,
        "activebgcolor": look.accent,
        "bordercolor": look.faint,
        "tickcolor": look.faint,
        "steps": [
            {"label": label, "method": "animate", "args": [[frame], shown]}
            for frame, label in zip(frames, labels, strict=True)
        ],
    }
