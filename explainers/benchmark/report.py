"""What the benchmark's rows say, as Markdown: `python -m explainers.benchmark.report FILE`.

The rows of `python -m explainers.benchmark`, or of `python -m explainers.benchmark.calibration`; `--into DOCUMENT`
writes each table that the document has a place for between its two marks, instead of printing them all.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from pathlib import Path

from explainers.benchmark.calibration import below
from explainers.benchmark.calibration import told as told_of_seeds
from explainers.benchmark.cid import (
    ASCENT,
    BEFORE,
    BUDGETS,
    CLOSED_FORM,
    EQUAL,
    FIRST,
    LONG,
    LONG_BEFORE,
    PAPER,
    PAPER_PLAIN,
    REFINED,
    look,
)
from explainers.benchmark.request import Row
from explainers.benchmark.tables import markdown, number, three

BEGIN, END = "<!-- {}: made by `python -m explainers.benchmark.report` -->", "<!-- end of {} -->"
# Of what separates equal noise from the answer: this near counts as there.
NEAR = 0.05
LOOKS = (FIRST, *map(look, BUDGETS), REFINED)
# What was aimed at: losses in nats, passes, and how many times fewer passes than the published descent takes.
SMALL_LOSS, OTHER_LOSS, MOST_BACKWARD, FIRST_LOSS, FIRST_BACKWARD, FEWER = 0.01, 0.03, 800, 0.03, 64, 10
# How networks are called whose loss is to be small, residual ones and SqueezeNet.
SMALL = ("resnet", "squeezenet")
# Layers of residual networks after their last block.
AFTER_BLOCKS = ("avgpool", "fc")
Ways = Mapping[str, Row]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--into", type=Path)
    args = parser.parse_args()
    tables = told(json.loads(args.file.read_text()))
    if args.into is None:
        print(printed(tables))
    else:
        args.into.write_text(filled(args.into.read_text(), tables))


def printed(tables: Mapping[str, str]) -> str:
    """All tables, each under its name."""
    return "\n\n".join(f"{name}:\n\n{table}" for name, table in tables.items())


def filled(document: str, tables: Mapping[str, str]) -> str:
    """The document with every table between its two marks, where it has these."""
    for name, table in tables.items():
        begin, end = BEGIN.format(name), END.format(name)
        if begin in document:
            before, rest = document.split(begin)
            document = f"{before}{begin}\n\n{table}\n\n{end}{rest.split(end)[1]}"
    return document


def told(rows: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """The tables for which there are rows, by name; `calibration.py` has rows of its own."""
    cases = by_place(rows.get("ways", ()))
    parts: list[tuple[str, Callable[..., str], Sized]] = [
        ("aims", targets, cases),
        ("answers", ours, cases),
        ("ways", all_ways, cases),
        ("others", others, rows.get("others", ())),
        ("scaling", scaling, rows.get("scaling", ())),
        ("RU", ru, rows.get("ru", ())),
        ("seeds", told_of_seeds, rows.get("rows", ())),
    ]
    return {name: tell(part) for name, tell, part in parts if part}


def by_place(rows: Iterable[Row]) -> dict[tuple[str, str], list[Ways]]:
    """By network and layer, for every picture its rows by way."""
    pictures: dict[tuple[str, str, int, float], dict[str, Row]] = {}
    for row in rows:
        pictures.setdefault((row["network"], row["layer"], row["picture"], row["beta"]), {})[row["way"]] = row
    places: dict[tuple[str, str], list[Ways]] = {}
    for (network, layer, *_), ways in pictures.items():
        places.setdefault((network, layer), []).append(ways)
    return places


def near(ways: Ways) -> Row:
    """The first look at a refinement that is within 5 % of its answer, of what separates equal noise from that."""
    answer = ways[REFINED]["lost"]
    allowed = answer + NEAR * max(0.0, ways[EQUAL]["lost"] - answer)
    return next(ways[name] for name in LOOKS if name in ways and ways[name]["lost"] <= allowed)


def fewer(ways: Ways) -> float:
    """How many times the passes of the first look at ours that loses no more than the published descent, it takes."""
    paper = ways[PAPER]
    looks = (ways[name] for name in (*LOOKS[:-1], CLOSED_FORM, REFINED) if name in ways)
    equal = [one["passes"] for one in looks if one["lost"] <= paper["lost"]]
    return paper["passes"] / min(equal) if equal else 0.0


def ours(places: Mapping[tuple[str, str], Sequence[Ways]]) -> str:
    """First frame, 95 % and the answer of every layer, over its pictures."""
    head = ("network, layer", "pictures", "first frame: lost, passes", "95 %: passes, seconds", "answer: lost")
    head = (*head, "backward passes", "in all", "seconds", "said to be lost", "below the limit", "converged")
    lines: list[Sequence[str]] = []
    for (network, layer), pictures in places.items():
        answers, reached = [ways[REFINED] for ways in pictures], [near(ways) for ways in pictures]
        first = [ways.get(FIRST, ways[REFINED]) for ways in pictures]
        line = (
            f"{network} `{layer}`",
            f"{len(pictures)}",
            f"{_spread(first, 'lost', '.4f')}, {_spread(first, 'passes', '.0f')}",
            f"{_spread(reached, 'passes', '.0f')}, {_spread(reached, 'seconds', '.2f')}",
            _spread(answers, "lost", ".4f"),
            _spread(answers, "backward", ".0f"),
            _spread(answers, "passes", ".0f"),
            _spread(answers, "seconds", ".2f"),
            _spread(answers, "said", ".4f"),
            f"{sum(map(below_limit, answers))} of {len(answers)}",
            f"{sum(row['converged'] for row in answers)} of {len(answers)}",
        )
        lines.append(line)
    return markdown(head, lines)


def below_limit(row: Row) -> bool:
    """Whether what was lost lies below the limit that the result states; where it says nothing, it does not."""
    return row["said"] is not None and below({**row, "loss": row["said"], "loss_error": row["said_error"]})


def all_ways(places: Mapping[tuple[str, str], Sequence[Ways]]) -> str:
    """Losses and passes of every way, over the pictures of a layer."""
    names = (CLOSED_FORM, *LOOKS[:-1], REFINED, BEFORE, PAPER, PAPER_PLAIN, LONG, LONG_BEFORE, ASCENT, EQUAL)
    lines: list[Sequence[str]] = []
    for (network, layer), pictures in places.items():
        for name in names:
            if found := [ways[name] for ways in pictures if name in ways]:
                cells = [_spread(found, "lost", ".4f")]
                cells += [_spread(found, column, ".0f") for column in ("backward", "passes")]
                lines.append((f"{network} `{layer}`", name, *cells, _spread(found, "seconds", ".2f")))
    return markdown(("network, layer", "way", "lost", "backward passes", "in all", "seconds"), lines)


def targets(places: Mapping[tuple[str, str], Sequence[Ways]]) -> str:
    """What was aimed at, what was measured, and whether it is met."""
    small = [ways for (network, _), found in places.items() if network.startswith(SMALL) for ways in found]
    other = [ways for (network, _), found in places.items() if not network.startswith(SMALL) for ways in found]
    blocks = [
        ways
        for (network, layer), found in places.items()
        if "resnet" in network and layer not in AFTER_BLOCKS
        for ways in found
    ]
    every = small + other
    early = [ways.get(look(FIRST_BACKWARD), ways[REFINED]) for ways in blocks]
    lines = [
        _aim(
            f"residual networks and SqueezeNet lose at most {SMALL_LOSS} nats",
            [ways[REFINED]["lost"] for ways in small],
            lambda lost: lost <= SMALL_LOSS,
            "lost",
        ),
        _aim(
            f"AlexNet and VGG-16 lose at most {OTHER_LOSS} nats",
            [ways[REFINED]["lost"] for ways in other],
            lambda lost: lost <= OTHER_LOSS,
            "lost",
        ),
        _aim(
            f"at most {MOST_BACKWARD} backward passes",
            [ways[REFINED]["backward"] for ways in every],
            lambda passes: passes <= MOST_BACKWARD,
            "took",
            ".0f",
        ),
        _aim(
            "no more forward passes beyond those of the backward ones than a third of these",
            [ways[REFINED]["forward"] / max(ways[REFINED]["backward"], 1) - 1 for ways in every],
            lambda ratio: ratio <= 1 / 3,
            "beyond, of the backward ones",
            ".2f",
        ),
        _aim(
            f"up to the last block of a residual network, after {FIRST_BACKWARD} backward passes, at most "
            f"{FIRST_LOSS} nats are lost",
            [row["lost"] for row in early],
            lambda lost: lost <= FIRST_LOSS,
            "lost",
        ),
        _aim(
            f"{FEWER} times fewer passes than the published descent (Adam) at its loss",
            [fewer(ways) for ways in every],
            lambda ratio: ratio >= FEWER,
            "times fewer",
            ".1f",
        ),
    ]
    return markdown(("aimed at", "measured: median (least to most)", "maps for which it holds", "met"), lines)


def _aim(
    name: str, values: Sequence[float], holds: Callable[[float], bool], what: str, digits: str = ".4f"
) -> Sequence[str]:
    if not values:
        return name, "–", "–", "not measured"
    count = sum(map(holds, values))
    return (
        name,
        f"{three(values, digits)} {what}",
        f"{count} of {len(values)}",
        "yes" if count == len(values) else "no",
    )


def others(rows: Sequence[Row]) -> str:
    """What maps of other methods cost beside ours."""
    lines = [
        (
            f"{row['network']} `{row['layer']}`",
            row["method"],
            f"{row['passes']:.0f}",
            f"{row['times_passes']:.3f}",
            f"{row['times_seconds']:.2f}",
        )
        for row in rows
    ]
    return markdown(("network, layer", "method", "passes", "of ours", "seconds, of ours"), lines)


def scaling(rows: Sequence[Row]) -> str:
    """Seconds and memory against the size of the problem."""
    lines = [(row["what"], f"{row['size']}", f"{row['seconds']:.2f}", f"{row['megabytes']:.0f}") for row in rows]
    return markdown(("what grows", "to", "seconds", "peak memory (MB)"), lines)


def ru(rows: Sequence[Row]) -> str:
    """What RU reaches, and takes."""
    lines = [
        (
            f"{row['network']} `{row['layer']}`, bird {row['picture']}",
            row["way"],
            number(row["mean"], ".4f"),
            "–" if row["said"] is None else f"{row['said']:.4f} ± {row['said_error']:.4f}",
            f"{row['constraint']:.3f}",
            f"{row['backward']}",
            f"{row['passes']:.0f}",
            f"{row['seconds']:.1f}",
        )
        for row in rows
    ]
    head = ("network, layer, picture", "way", "mean RU (nats)", "said to be lost", "constraint", "backward passes")
    return markdown((*head, "in all", "seconds"), lines)


def _spread(rows: Sequence[Row], column: str, digits: str) -> str:
    return three([row[column] for row in rows if row[column] is not None], digits)


if __name__ == "__main__":
    main()
