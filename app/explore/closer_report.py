"""What is looked at closer, for the report of the grid: in a drawing and in numbers. Nothing is computed for it."""

from collections.abc import Sequence

import numpy as np

from app.address import selection
from app.explore.agreement import HIGH, LOW, OVERLAP, RANK, pairs, pictures_of, place_of, table
from app.explore.difference import SHARES, UNSURE, apart, first_and_last, held, scale_of, told
from app.explore.grid_choice import GridChoice
from app.explore.histogram import edges_of, nearest, parts_of, said, shares_of, within
from app.explore.spots import Spot, request, spot
from app.export.closer import bars_png, maps_png
from app.export.report import Plate, Table
from app.figures.ends import ENDS
from app.inputs.columns import Column
from app.jobs.backend import Backend, View
from app.words import NONE, decimal
from explainers import CIDSettings
from explainers.methods.method import MapMethod

Part = tuple[tuple[Plate, ...], tuple[Table, ...]]
NOTHING: Part = ((), ())


def looked_closer(
    backend: Backend,
    rows: Sequence[MapMethod],
    columns: Sequence[Column],
    views: Sequence[Sequence[View]],
    chosen: GridChoice,
    settings: CIDSettings,
) -> Part:
    """Plates and tables of what stands below the grid; nothing where its maps are not there."""
    if chosen.closer == "agreement":
        return _agreement(backend, rows, columns, chosen, settings)
    known = [
        spot(method, column, place, view, chosen.across)
        for method, line in zip(rows, views, strict=True)
        for place, (column, view) in enumerate(zip(columns, line, strict=True), start=1)
        if view.state not in ("same", "refused")
    ]
    if not known or not chosen.closer:
        return NOTHING
    return (_difference if chosen.closer == "difference" else _histogram)(known, chosen)


def _named(known: Sequence[Spot], name: str, usual: Spot) -> Spot:
    return next((one for one in known if one.name == name), usual)


def _difference(known: Sequence[Spot], chosen: GridChoice) -> Part:
    a, b = (_named(known, *each) for each in zip((chosen.a, chosen.b), first_and_last(known), strict=True))
    if a.result is None or b.result is None or apart(a, b):
        return NOTHING
    what = held(a, b)
    title = f"Difference: A {a.title}; B {b.title}"
    ends = ENDS.get(a.method.name) if what.same else None
    png = maps_png(title, a, b, what, scale_of(a, what.same, chosen), ends)
    notes = [UNSURE.format(" and of ".join(what.unsure))] if what.unsure else []
    plate = Plate(png, f"Map A, map B and B − A: {a.title}, {b.title}", " ".join(notes if what.same else [SHARES]))
    rows = tuple((name, text) for name, (text, _) in told(a, b, what).items())
    return (plate,), (Table(title, ("", ""), rows),)


def _histogram(known: Sequence[Spot], chosen: GridChoice) -> Part:
    one = _named(known, chosen.a, known[0])
    if one.result is None or not np.isfinite(one.values).any():
        return NOTHING
    finite = np.isfinite(one.values)
    edges = edges_of(one.values[finite])
    marked = nearest(edges, chosen.marked) if chosen.marked else None
    words = said(within(one.values, edges, marked), finite, parts_of(one), marked is not None)
    title = f"How often each value occurs: {one.title}"
    png = bars_png(title, edges, shares_of(one, edges), marked, one.method.unit)
    return (Plate(png, title, words),), ()


def _agreement(
    backend: Backend, rows: Sequence[MapMethod], columns: Sequence[Column], chosen: GridChoice, settings: CIDSettings
) -> Part:
    column = columns[place_of(chosen.a, len(columns))]
    kinds = [kind for kind in rows if not kind.refuse(column.network, column.layer)]
    seen = pictures_of(backend, column, chosen.over)

    def kept(kind: MapMethod, one: Column) -> View:
        return backend.ask(request(kind, one, settings), selection.owner("closer"), start=False)

    found = pairs(kinds, [[kept(kind, one) for kind in kinds] for one in seen])
    if not any(pair.ranks for pair in found):
        return NOTHING
    told = table([kind.title for kind in kinds], found, len(seen))
    places = {RANK: 2, LOW: 2, HIGH: 2, OVERLAP: 0}

    def text(name: str, value: object) -> str:
        if value is None:
            return NONE
        return decimal(float(str(value)), places[name]) if name in places else str(value)

    heads = tuple(told[0])
    lines = tuple(tuple(text(name, row[name]) for name in heads) for row in told)
    where = f"{column.title}, {chosen.over} pictures" if chosen.over else column.title
    return (), (Table(f"How far the methods agree: {where}", heads, lines),)
