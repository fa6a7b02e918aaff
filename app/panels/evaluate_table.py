"""Scores -> the table on the page and the file to download; pure functions."""

import csv
import io
from collections.abc import Collection, Mapping

from explainers.evaluation import Interval
from explainers.layers import Layer
from explainers.networks import Network
from explainers.studies.evaluate_methods import title, uses_layer
from explainers.studies.evaluate_scores import EvaluationSettings, Scores
from explainers.studies.evaluation_data import Birds, Folder


def table(scores: Mapping[str, Scores], partial: Collection[str] = ()) -> list[dict]:
    """A row per method, best descriptive accuracy first; `partial` ones say that more pictures are to come."""
    rows = []
    for method, one in sorted(scores.items(), key=lambda pair: -pair[1].area.mean):
        located = one.localisation
        rows.append(
            {
                "Method": title(method) + (" (running)" if method in partial else ""),
                "Descriptive accuracy": one.area.mean,
                "95 % interval": span(one.area),
                "Localisation": None if located is None else located.mean,
                "95 % interval ": span(located),
                "Pictures": one.count,
                "Boxes": len(one.shares),
                "Passes": f"{one.passes[0]:.0f} + {one.passes[1]:.0f}",
                "Seconds per map": one.seconds / one.count,
            }
        )
    return rows


def span(interval: Interval | None) -> str:
    """
    >>> span(Interval(0.5, 0.25, 0.75, 9)), span(None)
    ('0.250 – 0.750', '–')
    """
    return "–" if interval is None or interval.count == 1 else f"{interval.low:.3f} – {interval.high:.3f}"


def as_csv(
    scores: Mapping[str, Scores], network: Network, layer: Layer, data: Birds | Folder, settings: EvaluationSettings
) -> str:
    """Everything that the page shows: a row per method, scores with intervals and the curve behind them."""
    fractions = settings.fractions
    head = [
        "network", "data", "method", "layer", "replacement", "magnitude", "cid_refined", "label", "pictures",
        "descriptive_accuracy", "low", "high", "boxes", "localisation", "localisation_low", "localisation_high",
        "forward_passes", "backward_passes", "seconds_per_map", *(f"accuracy_at_{part:.2f}" for part in fractions),
    ]  # fmt: skip
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(head)
    for method, one in scores.items():
        writer.writerow(
            [
                network.name,
                "rendered birds" if isinstance(data, Birds) else "own pictures",
                method,
                layer.name if uses_layer(method) else "",
                settings.replacement,
                settings.magnitude,
                settings.cid.refine if method == "cid" else "",
                "given" if one.true_labels else "answer to the whole picture",
                one.count,
                *_cells(one.area),
                len(one.shares),
                *_cells(one.localisation),
                *(f"{number:g}" for number in one.passes),
                f"{one.seconds / one.count:.4f}",
                *(f"{value:.4f}" for value in one.accuracy),
            ]
        )
    return file.getvalue()


def _cells(interval: Interval | None) -> list[str]:
    if interval is None:
        return ["", "", ""]
    return [f"{value:.4f}" for value in (interval.mean, interval.low, interval.high)]
