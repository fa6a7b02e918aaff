"""What an address holds, and what is wrong with one: every part that could not be taken, in one sentence."""

from collections.abc import Callable, Mapping, Sequence

from explainers.methods.entropies import CID_NAME, ENTROPIES

# What a reader calls each part of the address, and what it has to be: parts of all pages, then those of each.
PARTS: Mapping[str, tuple[str, str]] = {
    "network": ("network", "one of the list on the left"),
    "picture": ("picture", "one of the gallery, or a part of one"),
    "layer": ("layer", "one of this network"),
    "beta": ("strength β", "one of the slider's steps, from 1e-6 to 0.1"),
    "grid": ("grid", "a number of cells per side that the settings offer"),
    "refine": ("refinement", "True or False"),
    "method": ("solver", "two-stage or paper"),
    "seed": ("seed", "a whole number from 0 to 9999"),
}
ENTROPY, CELL = " or ".join(ENTROPIES), f"a method and a column, such as {CID_NAME}.1"
PIN = ("pinned pixel", "row and column of a pixel of the picture, as in 12 40")
PAGES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "explore": PARTS
    | {
        "view": ("tab", "grid, layer or layers"),
        "methods": ("methods", "names of the list of methods"),
        "across": ("kind of columns", "layers, pictures or networks"),
        "layers": ("layers", "layers of this network"),
        "pictures": ("pictures", "pictures of the gallery"),
        "networks": ("networks", "networks that are on this computer"),
        "scale": ("scale", "row or own"),
        "opacity": ("opacity", "20, 40, 60, 80 or 100"),
        "colours": ("colours", "viridis, cividis, magma or grey"),
        "signed_colours": ("colours with a sign", "rdbu or puor"),
        "target": ("class explained", "the number of a class of this network"),
        "metric": ("metric", ENTROPY),
        "present": ("presentation", "1, or no such part"),
        "noise": ("strength of the noise", "one of the slider's steps, from 1 to 20"),
        "pin": PIN,
        "play": ("player", "1, or no such part"),
        "closer": ("closer look", "difference, histogram or agreement"),
        "a": ("cell A", CELL),
        "b": ("cell B", CELL),
        "marked": ("marked values", "the two ends of a range"),
        "over": ("number of pictures compared", "0, 6 or 12"),
    },
    "compare": PARTS
    | {
        "network": ("network A", "one of the list on the left"),
        "other": ("network B", "one of the list on the left"),
        "layer": ("layer of A", "one of this network"),
        "partner": ("layer of B", "one of this network"),
        "metric": ("metric", ENTROPY),
        "curve": ("kind of curve", "quick or full"),
        "scale": ("scale", "pair or fixed"),
        "pin": PIN,
    },
    "fairness": PARTS
    | {
        "c": ("factor c", "a power of two from 1/16 to 16, written as 0.0625 to 16, without 1"),
        "pair": ("pair of layers", "one of the list under Rescale"),
        "at": ("layer looked at", "one of this network"),
        "bias": ("switch of the next bias", "True or False"),
    },
    "evaluate": PARTS
    | {
        "methods": ("methods", "names of the list of methods"),
        "data": ("kind of pictures", "birds or folder"),
        "count": ("number of pictures", "12, 24, 50, 100 or 200"),
        "removed": ("replacement", "mean, blur or noise"),
        "magnitude": ("order of signed maps", "True or False"),
        "refined": ("refinement of CID and RU", "True or False"),
        "judged": ("way of judging", "scores, randomisation or stability"),
        "checked": ("number of pictures checked", "4, 8, 16 or 32"),
    },
    "layers": PARTS
    | {
        "networks": ("networks", "networks of the list on the left"),
        "metric": ("metric", f"{', '.join(ENTROPIES)} or concentration"),
        "data": ("kind of pictures", "birds or table"),
        "count": ("number of pictures", "1, 4 or 12"),
        "x": ("horizontal axis", "layer or depth"),
        "refined": ("refinement of the maps", "True or False"),
        "second": ("second strength β", "one of the slider's steps, from 1e-6 to 0.1"),
    },
    "flow": PARTS
    | {
        "experiment": ("experiment", "neuron, bits, spirals or digits"),
        "variant": ("network", "one of the list on the left"),
        "sigma": ("noise σ", "one with which this network was trained"),
        "at": ("layer", "all, or one of this network"),
        "epoch": ("epoch", "one of the slider's steps"),
        "width": ("width of bins", "0.001, 0.01, 0.1 or 0.5, where the experiment has bins"),
        "curves": ("kind of curves", "input, label, binned, distance, cosine, radius, purity, cid or training"),
        "unit": ("unit", "nats or bits"),
        "deterministic": ("switch of the noise", "True or False"),
        "noise": ("noise of the new estimate", "one of the list on the left"),
        "samples": ("number of samples", "64, 128, 256, 512, 1024 or 2048"),
    },
    "studies": PARTS
    | {
        "study": ("study", "one of the index"),
        "quantity": ("quantity", "one that the study has curves of"),
        "curve": ("curve", "one of the study's with maps"),
        "stop": ("place on the curve", "one whose map ships"),
        "bird": ("picture of the map", "one whose map ships"),
    },
    "learn": {
        "lesson": ("lesson", "one of the list"),
        "present": ("presentation", "1, or no such part"),
    },
}
LISTS = ("methods", "layers", "pictures", "networks")
FEW = 6
LONGEST = 40


def text(value: object) -> str:
    """A value as the address holds it.

    >>> text(1e-3), text(("cid", "lrp")), text(None), text(False)
    ('0.001', 'cid lrp', '', 'False')
    """
    if isinstance(value, float):
        return f"{value:g}"
    return " ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


def texts(values: Mapping[str, object], names: Mapping[str, str] | None = None) -> dict[str, str]:
    """All values as the address holds them, under their names there.

    >>> texts({"layer": None, "c": 0.25}, {"layer": "at"})
    {'at': '', 'c': '0.25'}
    """
    return {(names or {}).get(name, name): text(value) for name, value in values.items()}


def problems(page: str, query: Mapping[str, str], taken: Mapping[str, str]) -> list[str]:
    """A clause on each part of `query` that is not what the page has understood, `taken`.

    Parts of other pages are left alone, so are empty ones; lists are looked at by `listed`.

    >>> problems("fairness", {"beta": "7", "seed": "3", "c": "3"}, {"beta": "0.00015", "seed": "3", "c": "4"})[0]
    "the strength β `7` (expected one of the slider's steps, from 1e-6 to 0.1)"
    """
    asked = [name for name in PAGES[page] if query.get(name) and name not in LISTS]
    return [clause(page, name, query[name]) for name in asked if not same(query[name], taken.get(name, ""))]


def clause(page: str, name: str, value: str) -> str:
    """What is wrong with one part of a link."""
    return _clause(*PAGES[page][name], value)


def unoffered(label: str, value: str, offered: Sequence[str]) -> str:
    """The same for a control called `label` that offers other values.

    >>> unoffered("σ", "7", ["1", "2"]), unoffered("σ", "x", list("123456789"))
    ('the σ `7` (expected 1 or 2)', 'the σ `x` (expected one of its 9 values from 1 to 9)')
    """
    *first, last = offered
    if len(offered) <= FEW:
        return _clause(label, f"{', '.join(first)} or {last}", value)
    return _clause(label, f"one of its {len(offered)} values from {offered[0]} to {last}", value)


def _clause(what: str, expected: str, value: str) -> str:
    return f"the {what} `{_short(value)}` (expected {expected})"


def listed(
    page: str, name: str, wanted: Sequence[str], there: Callable[[str], bool], most: int | None = None
) -> tuple[tuple[str, ...], list[str]]:
    """Those of a list in the link that are there, at most `most`, and clauses on the others.

    >>> listed("explore", "layers", ("conv1", "conv9"), "conv1 conv2".split().__contains__)
    (('conv1',), ['the layers `conv9` (expected layers of this network)'])
    >>> listed("explore", "layers", "abc", "abc".__contains__, 2)
    (('a', 'b'), ['3 layers (expected at most 2)'])
    """
    kept = tuple(item for item in wanted if there(item))
    missing = [item for item in wanted if item not in kept]
    wrong = [clause(page, name, " ".join(missing))] if missing else []
    if most is not None and len(kept) > most:
        wrong.append(f"{len(kept)} {PAGES[page][name][0]} (expected at most {most})")
    return kept[:most], wrong


def sentence(clauses: Sequence[str]) -> str:
    """
    >>> sentence(["the seed `a` (expected a number)"])
    'This link asks for the seed `a` (expected a number); what cannot be taken is left out.'
    """
    *first, last = clauses
    asked = f"{', '.join(first)} and {last}" if first else last
    return f"This link asks for {asked}; what cannot be taken is left out."


def same(one: str, other: str) -> bool:
    """Whether both mean the same: numbers may be written in several ways."""
    try:
        return one == other or float(one) == float(other)
    except ValueError:
        return False


def _short(words: str) -> str:
    """What a link says, cut, and without what would end the Markdown that shows it as plain text.

    >>> _short("a`b\\n![](c)")
    'ab![](c)'
    """
    plain = "".join(sign for sign in words if sign.isprintable() and sign != "`")
    return plain[:LONGEST] + "…" if len(plain) > LONGEST else plain or " "
