"""What was judged -> the table on the page and the file to download; pure functions."""

import csv
import io
from collections.abc import Collection, Iterable, Mapping

from app.words import NONE, decimal
from explainers.evaluation.measures import Interval
from explainers.evaluation.methods import MapSettings, title, uses_layer
from explainers.evaluation.pictures import Birds, Folder
from explainers.evaluation.randomised import Randomisation, RandomisationSettings
from explainers.evaluation.scores import EvaluationSettings, Judged, Scores
from explainers.evaluation.stability import Stability, StabilitySettings
from explainers.methods.entropies import ENTROPIES
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

# What every file begins with.
ABOUT = (
    "network", "data", "method", "layer", "magnitude", "cid_refined", "pictures", "forward_passes", "backward_passes",
    "seconds_per_map", "uncertain_maps",
)  # fmt: skip


def table(scores: Mapping[str, Scores], partial: Collection[str] = ()) -> list[dict]:
    """A row per method, best descriptive accuracy first; `partial` ones, which have no place yet, come last."""
    rows = []
    for method, one in sorted(scores.items(), key=lambda pair: (pair[0] in partial, -pair[1].area.mean)):
        located = one.localisation
        rows.append(
            {
                "Method": _named(method, partial),
                "Descriptive accuracy": one.area.mean,
                "95 % interval": span(one.area),
                "Localisation": None if located is None else located.mean,
                "95 % interval ": span(located),
                "Boxes": len(one.shares),
            }
            | _costs(one)
        )
    return rows


def span(interval: Interval | None) -> str:
    """
    >>> span(Interval(0.5, 0.25, 0.75, 9)), span(None)
    ('0.250 – 0.750', '–')
    """
    return NONE if interval is None or interval.count == 1 else f"{decimal(interval.low)} – {decimal(interval.high)}"


def similarities_table(found: Mapping[str, Randomisation], partial: Collection[str] = ()) -> list[dict]:
    """A row per method, the one that forgets the network most completely first, unfinished ones last."""
    rows = []
    for method, one in sorted(found.items(), key=lambda pair: (pair[0] in partial, _left(pair[1]))):
        final = one.final
        row = {
            "Method": _named(method, partial),
            "Similarity at the end": None if final is None else final.mean,
            "95 % interval": span(final),
            "Only the last layer random": one.curve[0].mean,
        }
        rows.append(row | _costs(one))
    return rows


def changes_table(found: Mapping[str, Stability], partial: Collection[str] = ()) -> list[dict]:
    """A row per method, the most stable first, unfinished ones last."""
    rows = []
    for method, one in sorted(found.items(), key=lambda pair: (pair[0] in partial, pair[1].change.mean)):
        row = {"Method": _named(method, partial), "Change": one.change.mean, "95 % interval": span(one.change)}
        rows.append(row | _costs(one))
    return rows


def _left(one: Randomisation) -> float:
    return 2.0 if one.final is None else abs(one.final.mean)


def _named(method: str, partial: Collection[str]) -> str:
    return title(method) + (" (running)" if method in partial else "")


def _costs(one: Judged) -> dict:
    return {
        "Pictures": one.count,
        "Seconds per map": one.seconds / one.maps,
        "Uncertain maps": f"{one.unsure} of {one.maps}" if one.method in ENTROPIES else NONE,
    }


def as_csv(
    scores: Mapping[str, Scores], network: Network, layer: Layer, data: Birds | Folder, settings: EvaluationSettings
) -> str:
    """Everything that the page shows: a row per method, scores with intervals and the curve behind them."""
    head = (
        "replacement", "label", "descriptive_accuracy", "low", "high", "boxes", "localisation", "localisation_low",
        "localisation_high", *(f"accuracy_at_{part:.2f}" for part in settings.fractions),
    )  # fmt: skip
    rows = [
        (
            *_about(one, network, layer, data, settings),
            settings.replacement,
            "given" if one.true_labels else "answer to the whole picture",
            *_cells(one.area),
            len(one.shares),
            *_cells(one.localisation),
            *(f"{value:.4f}" for value in one.accuracy),
        )
        for one in scores.values()
    ]
    return _csv(head, rows)


def similarities_as_csv(
    found: Mapping[str, Randomisation],
    network: Network,
    layer: Layer,
    data: Birds | Folder,
    settings: RandomisationSettings,
) -> str:
    """A row per method and layer down to which the weights are random."""
    rows = [
        (*_about(one, network, layer, data, settings), step, path, *_cells(interval))
        for one in found.values()
        for step, (path, interval) in enumerate(zip(one.layers, one.curve, strict=True), 1)
    ]
    return _csv(("step", "random_down_to", "similarity", "low", "high"), rows)


def changes_as_csv(
    found: Mapping[str, Stability], network: Network, layer: Layer, data: Birds | Folder, settings: StabilitySettings
) -> str:
    """A row per method."""
    rows = [
        (*_about(one, network, layer, data, settings), settings.radius, settings.samples, *_cells(one.change))
        for one in found.values()
    ]
    return _csv(("noise", "samples", "change", "low", "high"), rows)


def _about(one: Judged, network: Network, layer: Layer, data: Birds | Folder, settings: MapSettings) -> tuple:
    return (
        network.name,
        "rendered birds" if isinstance(data, Birds) else "own pictures",
        one.method,
        layer.name if uses_layer(one.method) else "",
        settings.magnitude,
        settings.cid.refine if one.method in ENTROPIES else "",
        one.count,
        *(f"{number:g}" for number in one.passes),
        f"{one.seconds / one.maps:.4f}",
        one.unsure if one.method in ENTROPIES else "",
    )


def _csv(head: Iterable[str], rows: Iterable[Iterable]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow((*ABOUT, *head))
    writer.writerows(rows)
    return file.getvalue()


def _cells(interval: Interval | None) -> list[str]:
    if interval is None:
        return ["", "", ""]
    return [f"{value:.4f}" for value in (interval.mean, interval.low, interval.high)]
