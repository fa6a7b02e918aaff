"""Panes of equal size in rows and columns, as `make_subplots` lays them out, gathered before Plotly looks at them.

Plotly takes as long for one change of a figure as for a whole trace: twenty maps with their axes and captions, added
one by one, take a third of a second; put down together, a twentieth of that.
"""

from typing import Any

import plotly.graph_objects as go

Place = tuple[int, int]


class Panes:
    """What is drawn on `rows` × `columns` panes, with gaps `across` and `down` as shares of the whole; places from 0.

    `axes` are by name, "xaxis2", the panes one row after the other.
    """

    def __init__(self, rows: int, columns: int, across: float = 0.0, down: float = 0.0) -> None:
        self.columns = columns
        self.data: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.images: list[dict[str, Any]] = []
        self.axes: dict[str, dict[str, Any]] = {}
        width, height = (1 - across * (columns - 1)) / columns, (1 - down * (rows - 1)) / rows
        for row in range(rows):
            bottom = (rows - 1 - row) * (height + down)
            for column in range(columns):
                x, y = self.references((row, column))
                left = column * (width + across)
                # Of twelve rows the last would end a rounding beyond the whole, which Plotly refuses.
                self.axes[_axis(x)] = {"anchor": y, "domain": [left, min(1.0, left + width)]}
                self.axes[_axis(y)] = {"anchor": x, "domain": [bottom, min(1.0, bottom + height)]}

    def references(self, place: Place) -> tuple[str, str]:
        """What traces and annotations call the axes of a pane.

        >>> Panes(2, 3).references((0, 0)), Panes(2, 3).references((1, 0))
        (('x', 'y'), ('x4', 'y4'))
        """
        number = place[0] * self.columns + place[1] + 1
        return (f"x{number}", f"y{number}") if number > 1 else ("x", "y")

    def domain(self, row: int) -> tuple[float, float]:
        """Lower and upper end of a row, as shares of the whole."""
        low, high = self.axes[_axis(self.references((row, 0))[1])]["domain"]
        return low, high

    def draw(self, place: Place, *traces: dict[str, Any]) -> None:
        """Traces, with their "type", on a pane."""
        x, y = self.references(place)
        self.data += [trace | {"xaxis": x, "yaxis": y} for trace in traces]

    def write(self, place: Place, text: str, **note: object) -> None:
        """An annotation whose x and y are shares of the pane; its middle where they are left out."""
        x, y = self.references(place)
        middle = {"x": 0.5, "y": 0.5, "xref": f"{x} domain", "yref": f"{y} domain", "showarrow": False}
        self.annotations.append(middle | {"text": text} | note)

    def title(self, place: Place, text: str, **note: object) -> None:
        """An annotation over the middle of a pane."""
        x, y = (self.axes[_axis(reference)]["domain"] for reference in self.references(place))
        above = {"x": sum(x) / 2, "y": y[1], "xref": "paper", "yref": "paper", "xanchor": "center", "yanchor": "bottom"}
        self.annotations.append(above | {"text": text, "showarrow": False} | note)

    def set(self, place: Place, across: dict[str, Any], down: dict[str, Any]) -> None:
        """Adds to what is said of the axes of a pane."""
        for reference, said in zip(self.references(place), (across, down), strict=True):
            self.axes[_axis(reference)] |= said

    def set_all(self, across: dict[str, Any], down: dict[str, Any]) -> None:
        """Adds to what is said of the axes of every pane."""
        for name, axis in self.axes.items():
            axis |= across if name.startswith("x") else down

    def figure(self, **layout: object) -> go.Figure:
        """All of it, with what else the layout says."""
        return go.Figure(self.data, self.axes | {"annotations": self.annotations, "images": self.images} | layout)


def _axis(reference: str) -> str:
    return f"{reference[0]}axis{reference[1:]}"
