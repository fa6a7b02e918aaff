"""What is wrong with a link: every part of it that could not be taken, in one sentence each."""

from collections.abc import Collection, Mapping, Sequence

# What a reader calls each part of the address, and what it has to be.
PARTS: Mapping[str, tuple[str, str]] = {
    "network": ("network", "one of the list on the left"),
    "picture": ("picture", "one of the gallery"),
    "layer": ("layer", "one of this network"),
    "beta": ("strength β", "one of the slider's steps, from 1e-6 to 0.1"),
    "grid": ("grid", "a number of cells per side from 1 to 512"),
    "refine": ("refinement", "True or False"),
    "method": ("solver", "two-stage or paper"),
    "seed": ("seed", "a whole number from 0 to 9999"),
    "view": ("tab", "grid, layer or layers"),
    "methods": ("list of methods", "names with spaces between them"),
    "across": ("kind of columns", "layers, pictures or networks"),
    "layers": ("list of layers", "layers of this network"),
    "pictures": ("list of pictures", "pictures of the gallery"),
    "networks": ("list of networks", "networks of the list on the left"),
    "scale": ("scale", "row or own"),
    "opacity": ("opacity", "20, 40, 60, 80 or 100"),
    "colours": ("colours", "viridis, cividis, magma or grey"),
    "signed_colours": ("colours with a sign", "rdbu or puor"),
    "target": ("class explained", "the number of a class of this network"),
    "metric": ("metric", "cid or ru"),
}
LONGEST = 40


def problems(query: Mapping[str, str], taken: Mapping[str, str], plain: Mapping[str, str]) -> list[str]:
    """A sentence on each part of `query` that is not in `taken`, the parts that the page understood.

    `plain` are the defaults, which no address repeats; parts of other pages are left alone.

    >>> problems({"beta": "7", "seed": "3"}, {"seed": "3"}, {})
    ["The link asks for the strength β `7`; expected one of the slider's steps, from 1e-6 to 0.1."]
    """
    wrong = [name for name in PARTS if name in query and not _same(query[name], taken.get(name, plain.get(name, "")))]
    return [unknown(name, query[name]) for name in wrong]


def unknown(name: str, value: str) -> str:
    """The sentence on a part of the link that could not be taken."""
    what, expected = PARTS[name]
    return f"The link asks for the {what} `{_short(value)}`; expected {expected}."


def absent(name: str, wanted: Sequence[str], there: Collection[str]) -> list[str]:
    """Sentences on those of a list in the link that are not there.

    >>> absent("layers", ("conv1", "conv9"), ["conv1"])
    ['The link asks for the list of layers `conv9`; expected layers of this network.']
    """
    missing = [item for item in wanted if item not in there]
    return [unknown(name, " ".join(missing))] if missing else []


def _same(text: str, taken: str) -> bool:
    """Whether both mean the same: numbers may be written in several ways."""
    try:
        return text == taken or float(text) == float(taken)
    except ValueError:
        return False


def _short(text: str) -> str:
    """What a link says, cut, and without what would end the Markdown that shows it as plain text.

    >>> _short("a`b\\n![](c)")
    'ab![](c)'
    """
    plain = "".join(sign for sign in text if sign.isprintable() and sign != "`")
    return plain[:LONGEST] + "…" if len(plain) > LONGEST else plain or " "
