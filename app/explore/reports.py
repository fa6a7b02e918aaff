"""The three views of Explore as reports: what each shows, for reading and for running again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.address import selection
from app.explore.noise_itself import drawn, verdict
from app.export.curves import Curves, curves_file
from app.export.numbers import numbers_table
from app.export.picture import Line, Sheet, cell_png, cell_subtitle, cell_title, sheet_png
from app.export.record import Taken
from app.export.report import Plate, Report, Table
from app.export.script import cell_script, cells_script
from app.export.strip import pictures_png, strip_png
from app.figures.ends import ENDS
from app.inputs.columns import Column
from app.jobs.backend import Backend, View
from app.jobs.objects import foreground_gain, foreground_kind, located
from app.parts.given_back import given_back, off_by
from app.parts.strange import GIVEN_BACK, answered
from app.words import NONE, decimal, factor, multiple, signed_known
from explainers.cid.certainty import mean_uncertainty
from explainers.cid.noise_effect import FACTORS, NoiseEffect
from explainers.methods.network_input import NetworkInput
from explainers.methods.noise import NoiseRequest
from explainers.methods.registry import find_method
from explainers.networks.catalogue import Network


def answer_of(backend: Backend, network: Network, network_input: NetworkInput) -> str:
    """The likeliest class with its probability, as the page says it."""
    (name, share), *_ = backend.predictions(network, network_input, 1)
    return answered(network_input.key, network, name, share)


def answers_table(backend: Backend, columns: Sequence[Column]) -> Table:
    """What each network answers to its picture."""
    seen = {(column.network.title, column.network_input.title): column for column in columns}

    def said(network: Network, network_input: NetworkInput) -> list[str]:
        if network.reconstructs:
            return [GIVEN_BACK]
        return [f"{name} {share:.1%}" for name, share in backend.predictions(network, network_input, 3)]

    rows = [(" · ".join(title), *said(one.network, one.network_input)) for title, one in seen.items()]
    longest = max(map(len, rows), default=1)
    first = "Answer" if all(one.network.reconstructs for one in seen.values()) else "Likeliest"
    heads = ("Network and picture", first, "second", "third")[:longest]
    return Table("What the network answers", heads, tuple(row + (NONE,) * (longest - len(row)) for row in rows))


def object_numbers(view: View, network_input: NetworkInput) -> dict[str, str]:
    """Concentration and localisation of a finished map of an entropy, where the picture's object is known."""
    if view.state != "done" or "mean" not in view.value.numbers:
        return {}
    gain, _ = foreground_gain(view.value, network_input)
    if gain is None:
        return {}
    return {
        "Concentration (nats)": signed_known(gain, mean_uncertainty(view.value.numbers)),
        "Localisation (of 1)": decimal(located(view.value, network_input)),
    }


def reading(methods: Sequence[str]) -> tuple[str, ...]:
    """What each method shows, and how its colours are read."""
    found = [find_method(name) for name in dict.fromkeys(methods)]
    return tuple(
        f"{method.title}: {method.sentence}"
        + (f" Dark: {ENDS[method.name][0]}; bright: {ENDS[method.name][1]}." if method.name in ENDS else "")
        for method in found
    )


@dataclass(frozen=True, eq=False)
class Shown:
    """One map of the page: its column, how it stands, its record or why there is none, and its row for paper.

    `times`: how many times its own noise the page shows beside it, 0 where it does not.
    """

    column: Column
    view: View
    cell: Taken | str
    line: Line
    opacity: float = 1.0
    times: float = 0.0


def map_report(backend: Backend, shown: Shown, cell: Taken, link: str, made: str) -> Report:
    """One map: the picture with its object, the map on both scales, the numbers, the answers, the noise if shown."""
    column, line, opacity = shown.column, shown.line, shown.opacity
    network_input, title = column.network_input, cell_title(cell)
    words = f"{network_input.title}, as the network sees it"
    plates = [
        Plate(
            pictures_png(words, [(network_input.picture, "")], network_input.mask, network_input.box),
            words,
            _object(network_input),
        )
    ]
    plates.append(Plate(cell_png(cell, line, opacity), f"{title}: the picture and its map", title))
    if line.limits is not None:
        own = cell_png(cell, replace(line, limits=None), opacity)
        plates.append(Plate(own, f"{title}: the map on its own scale", "The same map on its own scale: where."))
    if column.network.reconstructs:
        plates.append(_given_back(backend, column.network, network_input))
    tables = [numbers_table([cell], [object_numbers(shown.view, network_input)]), answers_table(backend, [column])]
    noise = _noise(backend, shown)
    if noise is not None:
        plates.append(noise[0])
        tables.append(noise[1])
    return Report(
        title, cell_subtitle(cell), link, made, tuple(plates), tuple(tables), (cell,), cell_script(cell),
        reading([cell.method]),
    )  # fmt: skip


def _given_back(backend: Backend, network: Network, network_input: NetworkInput) -> Plate:
    picture = given_back(backend, network, network_input)
    words = f"{network_input.title}, as the network gives it back"
    off = f"{words}, off by {decimal(off_by(network_input, picture))} (root mean square, of values from 0 to 1)."
    return Plate(pictures_png(words, [(picture, "")]), words, off)


def grid_report(
    backend: Backend, sheet: Sheet, columns: Sequence[Column], views: Sequence[Sequence[View]], link: str, made: str,
    closer: tuple[tuple[Plate, ...], tuple[Table, ...]] = ((), ()),
) -> Report:  # fmt: skip
    """All maps of the grid in one picture, with the numbers of each, and what is looked at `closer` below it."""
    found = [
        (cell, object_numbers(view, column.network_input))
        for line, states in zip(sheet.lines, views, strict=True)
        for cell, view, column in zip(line.cells, states, columns, strict=True)
        if isinstance(cell, Taken)
    ]
    cells = tuple(cell for cell, _ in found)
    words = f"Maps by {', '.join(line.title for line in sheet.lines)} for {', '.join(head[0] for head in sheet.heads)}"
    tables = numbers_table(cells, [more for _, more in found]), answers_table(backend, columns)
    plates = Plate(sheet_png(sheet), words), *closer[0]
    return Report(
        sheet.title, sheet.subtitle, link, made, plates, (*tables, *closer[1]), cells, cells_script(cells),
        reading([cell.method for cell in cells]),
    )  # fmt: skip


def layers_report(
    backend: Backend,
    columns: Sequence[Column],
    views: Sequence[View],
    line: Line,
    curves: Curves,
    link: str,
    made: str,
) -> Report:
    """The curves through the layers and one map of each."""
    first = columns[0]
    found = [
        (cell, object_numbers(view, first.network_input))
        for cell, view in zip(line.cells, views, strict=True)
        if isinstance(cell, Taken)
    ]
    cells = tuple(cell for cell, _ in found)
    maps = layers_png(backend, columns, line, curves)
    plates = (
        Plate(curves_file(curves, "png"), f"Curves: {curves.title}", curves.subtitle),
        Plate(maps, f"{curves.title}: one map for each layer", _object(first.network_input)),
    )
    tables = numbers_table(cells, [more for _, more in found]), answers_table(backend, [first])
    return Report(
        curves.title, curves.subtitle, link, made, plates, tables, cells, cells_script(cells),
        reading([cell.method for cell in cells]),
    )  # fmt: skip


def layers_png(backend: Backend, columns: Sequence[Column], line: Line, curves: Curves) -> bytes:
    """The picture with its answer, and the maps of all layers on one scale."""
    first = columns[0]
    said = first.network_input.picture, answer_of(backend, first.network, first.network_input)
    return strip_png(curves.title, curves.subtitle, said, [column.title for column in columns], line)


def _object(network_input: NetworkInput) -> str:
    if network_input.mask is None and network_input.box is None:
        return ""
    return f"Outlined: the object, by the {foreground_kind(network_input)}."


def _noise(backend: Backend, shown: Shown) -> tuple[Plate, Table] | None:
    """The noise itself, where the page shows it and it has been measured."""
    times, view = shown.times, shown.view
    if not times or view.state != "done" or "mean" not in view.value.numbers:
        return None
    network, network_input, layer = shown.column.network, shown.column.network_input, shown.column.layer
    request = NoiseRequest(network, layer, network_input.x, network_input.digest, view.value)
    found = backend.ask(request, selection.owner("noise"), start=False)
    if found.state != "done":
        return None
    effect: NoiseEffect = found.value
    at = FACTORS.index(times)
    noisy, alone = drawn(network, network_input, effect, times)
    seen = [
        (network_input.picture, network_input.title),
        (noisy, f"with its noise {factor(times)}"),
        (alone, "the noise alone"),
    ]
    said = verdict(effect, at, layer.name).replace("**", "")
    rows = tuple(
        (
            factor(each),
            multiple(float(effect.changes[place]), float(effect.errors[place])),
            f"{float(effect.moved[place]):.1%}",
            *([] if network.reconstructs else [network.classes[int(effect.answers[place].argmax())]]),
        )
        for place, each in enumerate(FACTORS)
    )
    heads = ("Strength of the noise", "Feature has moved (1 is allowed)", "Of its length", "Likeliest class")
    heads = heads[: len(rows[0])]
    return Plate(pictures_png("The noise itself", seen), "The picture, under noise, and the noise", said), Table(
        "What the noise does", heads, rows
    )
