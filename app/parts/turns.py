"""In which order the maps of a page are computed."""

# More than any network has layers.
FIRST = 10_000


def previews_first(depth: int, looked_at: bool = False, group: int = 1) -> tuple[int, int, int]:
    """The place of a layer's map (`Job.turn`) where a preview of every map comes before any of them is finished.

    Previews come the deepest first; then what one looks at is finished, and then the others, again the deepest first.

    >>> previews_first(9) < previews_first(2, looked_at=True)
    True
    """
    return group, -depth, -depth - looked_at * FIRST
