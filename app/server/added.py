"""Networks that whoever starts the server adds on the command line; a visitor can name none."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

HELP = (
    "a network of your own: FILE.pt2 of torch.export.save, or PACKAGE.MODULE:CALLABLE, and after commas name=, title=, "
    "size=, resize= (pixels), mean=, std= (three numbers with slashes between), classes= (a file with one name per "
    "line), weights= (a file)"
)
KEYS = ("name", "title", "size", "resize", "mean", "std", "classes", "weights")


def requested(arguments: Sequence[str]) -> list[tuple[str, dict[str, object]]]:
    """Sources and options of the `--network` on a command line, as `explainers.add_network` takes them.

    Raises ValueError, one sentence, for what cannot be read.

    >>> requested(["--network", "lab.models:best,name=best,size=64,mean=0.5/0.5/0.5"])
    [('lab.models:best', {'name': 'best', 'size': 64, 'mean': (0.5, 0.5, 0.5)})]
    >>> requested(["--network", "runs/mine.pt2"])
    [('runs/mine.pt2', {'name': 'mine'})]
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--network", action="append", default=[], metavar="SOURCE", help=HELP)
    known, _ = parser.parse_known_args(list(arguments))
    return [_read(text) for text in known.network]


def check(arguments: Sequence[str]) -> None:
    """Ends the server before it has begun, with a sentence, where a network that it was to add is not there."""
    try:
        for source, options in requested(arguments):
            for file in (source if source.endswith(".pt2") else None, options.get("weights")):
                if file is not None and not Path(str(file)).is_file():
                    raise ValueError(f"expected a file in --network, found none at '{file}'; check its path")
    except ValueError as error:
        raise SystemExit(str(error)) from None


def add_requested(arguments: Sequence[str], add: Callable[..., None]) -> None:
    """Adds them all by `add`, which is `explainers.add_network`."""
    for source, options in requested(arguments):
        add(source, **options)


def _read(text: str) -> tuple[str, dict[str, object]]:
    source, *parts = text.split(",")
    options: dict[str, object] = {"name": Path(source).stem if source.endswith(".pt2") else source.rpartition(":")[2]}
    for part in parts:
        key, _, value = part.partition("=")
        if key not in KEYS or not value:
            raise ValueError(f"expected {'=, '.join(KEYS)}= after a network's source, got '{part[:80]}' in --network")
        try:
            options[key] = _value(key, value)
        except (OSError, ValueError) as error:
            raise ValueError(
                f"expected a value of {key} that can be read in --network, got '{value}': {error}"
            ) from None
    return source, options


def _value(key: str, value: str) -> object:
    if key in ("size", "resize"):
        return int(value)
    if key in ("mean", "std"):
        return tuple(map(float, value.split("/")))
    if key == "classes":
        return tuple(line.strip() for line in Path(value).read_text(encoding="utf-8").splitlines() if line.strip())
    return value
