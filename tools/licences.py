"""Writes `docs/licences.md`: what is installed with the app, and under which licence, from the packages' own words."""

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HEAD = """# Licences

What `requirements.lock` installs beside this project, by the packages' own metadata (`make licences`). What the tests
alone need is not listed: it is not part of the app.

| package | version | licence |
|---|---|---|
"""
UNKNOWN = "not said in its metadata"


def licence(package: str) -> str:
    """In a few words: the expression, else the classifiers, else the first line of the text."""
    # A message, of which the type says less.
    found: Any = metadata(package)
    kinds = [one.split(" :: ")[-1] for one in found.get_all("Classifier") or [] if one.startswith("License ::")]
    text = (found.get("License") or "").strip().splitlines()
    return found.get("License-Expression") or ", ".join(kinds) or (text[0][:80] if text else UNKNOWN)


def main() -> None:
    rows = []
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE):
        try:
            rows.append(f"| {name} | {version} | {licence(name)} |\n")
        except PackageNotFoundError:
            rows.append(f"| {name} | {version} | not installed here |\n")
    (ROOT / "docs").mkdir(exist_ok=True)
    (ROOT / "docs" / "licences.md").write_text(HEAD + "".join(rows))


if __name__ == "__main__":
    main()
