"""Twenty-four birds in eight groups of three that differ in single parts: bill, crown, eye, breast, wing or tail."""

from dataclasses import replace

from explainers.datasets.birds.species import ALL, Bill, Species

_KNOWN = {species.name: species for species in ALL}


def _with(base: Species, name: str, mark: tuple[str, str]) -> Species:
    """With one mark more, over all others."""
    return replace(base, name=name, marks=(*base.marks, mark))


def _groups() -> tuple[tuple[Species, tuple[tuple[str, Species], ...]], ...]:
    """Each: a bird that all know, and two look-alikes with the part in which they differ from it."""
    sparrow, finch, cardinal, chickadee, kingfisher, woodpecker, starling, bunting = (
        _KNOWN[name]
        for name in (
            "sparrow", "goldfinch", "cardinal", "chickadee", "kingfisher", "woodpecker", "starling", "bunting",
        )
    )  # fmt: skip
    bars = ("#f6f2ea", "#f6f2ea")
    unbanded = tuple(mark for mark in kingfisher.marks if mark[0] != "breast band")
    return (
        (sparrow, (
            ("wing", replace(sparrow, name="bar-winged sparrow", wing=replace(sparrow.wing, bars=bars))),
            ("breast", _with(sparrow, "banded sparrow", ("breast band", "#2f1d14"))),
        )),
        (finch, (
            ("crown", _with(finch, "black-capped goldfinch", ("cap", "#17161a"))),
            ("bill", replace(finch, name="dark-billed goldfinch", bill=Bill(1.15, 0.34, "#26262a", "#303034"))),
        )),
        (cardinal, (
            ("crown", replace(cardinal, name="short-crested cardinal", crest=0.12)),
            ("tail", replace(cardinal, name="white-tailed cardinal",
                             tail=replace(cardinal.tail, edge="#f4f0ea", notch=0.3))),
        )),
        (chickadee, (
            ("wing", replace(chickadee, name="white-winged chickadee",
                             wing=replace(chickadee.wing, coverts="#f4f4f1"))),
            ("tail", replace(chickadee, name="long-tailed chickadee", tail=replace(chickadee.tail, length=1.0))),
        )),
        (kingfisher, (
            ("breast", replace(kingfisher, name="unbanded kingfisher", marks=unbanded)),
            ("bill", replace(kingfisher, name="short-billed kingfisher",
                             bill=replace(kingfisher.bill, length=0.8))),
        )),
        (woodpecker, (
            ("wing", replace(woodpecker, name="plain-winged woodpecker", wing=replace(woodpecker.wing, spots=None))),
            ("crown", _with(woodpecker, "red-capped woodpecker", ("cap", "#d8322a"))),
        )),
        (starling, (
            ("eye", _with(starling, "white-browed starling", ("brow", "#f4f1ea"))),
            ("bill", replace(starling, name="dark-billed starling",
                             bill=replace(starling.bill, upper="#1c1b20", lower="#242329"))),
        )),
        (bunting, (
            ("eye", _with(bunting, "white-browed bunting", ("brow", "#f4f4f2"))),
            ("tail", replace(bunting, name="white-tailed bunting", tail=replace(bunting.tail, colour="#f0f1f3"))),
        )),
    )  # fmt: skip


GROUPS = _groups()
LOOKALIKES: tuple[Species, ...] = tuple(
    species for base, others in GROUPS for species in (base, *(other for _, other in others))
)
# By name: the part in which a bird differs from the first of its group.
PARTS: dict[str, str] = {other.name: part for _, others in GROUPS for part, other in others}
GROUP_OF: dict[str, tuple[Species, ...]] = {
    species.name: group for group in ((base, *(o for _, o in others)) for base, others in GROUPS) for species in group
}
