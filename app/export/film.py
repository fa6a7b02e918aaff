"""Maps of several layers one after the other, as a GIF for slides."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from app.export import canvas
from app.export.picture import Line, cell_figure
from app.export.record import Taken
from app.figures import raster

DPI = 110
# Milliseconds that a layer is shown, and the last one.
EACH, LAST = 800, 2400
# A GIF has 256 colours: these for the scale of the maps and for letters, the others for the pictures.
OF_SCALE, OF_LETTERS = 128, 16


def film_gif(cells: Sequence[Taken], line: Line) -> bytes:
    """A frame for each cell, in their order and without end: the picture, and the map on the scale of `line`."""
    colours = _palette(cells, line)
    frames = [
        Image.fromarray(canvas.pixels(cell_figure(cell, line), DPI)).quantize(
            palette=colours, dither=Image.Dither.NONE
        )
        for cell in cells
    ]  # fmt: skip
    buffer = io.BytesIO()
    times = [EACH] * (len(frames) - 1) + [LAST]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0)
    return buffer.getvalue()


def _palette(cells: Sequence[Taken], line: Line) -> Image.Image:
    """The same for all frames, so that a colour of the scale means one value from the first to the last."""
    scale = raster.palette(line.scale)[np.linspace(0, 255, OF_SCALE).round().astype(int)]
    letters = np.repeat(np.linspace(0, 255, OF_LETTERS).round().astype(np.uint8)[:, None], 3, 1)
    pictures = [cells[0].image, *(cell.reconstruction for cell in cells if cell.reconstruction is not None)]
    pixels = Image.fromarray(np.concatenate([picture.reshape(-1, 1, 3) for picture in pictures]))
    few = pixels.quantize(256 - OF_SCALE - OF_LETTERS).convert("RGB").getcolors(1 << 16) or []
    seen = np.array([colour for _, colour in few], np.uint8)
    made = Image.new("P", (1, 1))
    made.putpalette(np.concatenate([scale, letters, seen]).tobytes())
    return made
