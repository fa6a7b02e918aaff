"""The Compare page as reports: the pair of maps, and the curves over all pairs of layers."""

from collections.abc import Mapping

from app.compare.files import Compared, compared_png
from app.compare.scene import Scene
from app.compare.words import gap_with_error, side_words
from app.export.curves import Curves, curves_file
from app.export.numbers import curves_table, numbers_table
from app.export.picture import asked
from app.export.record import Taken, taken
from app.export.report import Plate, Report, Table
from app.export.script import cells_script
from app.figures.ends import ENDS
from app.inputs.columns import Column
from explainers import CIDResult
from explainers.methods.registry import find_method
from explainers.networks.layers import Layer


def pair_report(scene: Scene, what: Compared, link: str, made: str) -> Report:
    """Both maps and their difference, in a picture and in numbers."""
    cells, found = (what.a, what.b), what.difference
    sides = f"A {scene.a.title}, {what.a.layer}; B {scene.b.title}, {what.b.layer}"
    title = f"{what.a.method_title} of two networks: {sides}"
    rows = (
        ("Mean of A, over the cells that both use (nats)", side_words(found.mean_a, what.a.numbers)),
        ("Mean of B, over the same cells (nats)", side_words(found.mean_b, what.b.numbers)),
        ("B − A (nats)", gap_with_error(found)),
    )
    words = "The picture, map A, map B and their difference B − A"
    plate = Plate(compared_png(what), words, "B − A: red where B discards more.")
    subtitle = " · ".join([what.shown.title, *asked(cells)])
    tables = Table("The difference", ("", ""), rows), numbers_table(cells)
    return Report(title, subtitle, link, made, (plate,), tables, cells, cells_script(cells), reading(scene))


def pairs_report(
    scene: Scene, found: Mapping[tuple[str, Layer], CIDResult], curves: Curves, device: str, link: str, made: str
) -> Report:
    """The curves of both networks through their layers, and their difference."""
    cells = tuple(maps_of(scene, found, device))
    plate = Plate(curves_file(curves, "png"), f"Curves: {curves.title}", curves.subtitle)
    tables = curves_table(curves), numbers_table(cells)
    return Report(
        curves.title, curves.subtitle, link, made, (plate,), tables, cells, cells_script(cells), reading(scene)
    )


def maps_of(scene: Scene, found: Mapping[tuple[str, Layer], CIDResult], device: str) -> list[Taken]:
    """A record of every map that is there, A's before B's."""
    sides, method = {side.letter: side for side in (scene.a, scene.b)}, find_method(scene.metric)
    made = []
    for (letter, layer), result in sorted(found.items(), key=lambda one: (one[0][0], one[0][1].depth)):
        side = sides[letter]
        column = Column(layer.name, "", side.network, side.network_input, layer)
        made.append(taken(method, column, result, side.settings.seed, device))
    return made


def reading(scene: Scene) -> tuple[str, ...]:
    method, (low, high) = find_method(scene.metric), ENDS[scene.metric]
    return (f"{method.title}: {method.sentence} Dark: {low}; bright: {high}.",)
