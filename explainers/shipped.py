"""What ships with the project is what was shipped: every file of weights against its SHA-256 in `assets/SHA256SUMS`.

The commands that train what ships write that list anew; `sha256sum -c SHA256SUMS` in the folder checks it without
Python.
"""

import hashlib
from pathlib import Path

ASSETS = Path(__file__).resolve().parent.parent / "assets"
SUMS = "SHA256SUMS"


class DamagedFile(ValueError):
    """A file that is not as it was shipped or written; the message is one sentence that names it."""


def check_shipped(path: Path) -> None:
    """Raises DamagedFile where the sums know the file and it has another content; reads the whole of it."""
    if not path.is_relative_to(ASSETS):
        return
    promised = read_sums().get(path.relative_to(ASSETS).as_posix())
    if promised is not None and promised != sha256(path):
        raise DamagedFile(f"expected {path.name} as it ships with this project, got a damaged file; copy it again")


def read_sums() -> dict[str, str]:
    """Digests by the names of files below `assets`; none where the list is missing."""
    try:
        lines = (ASSETS / SUMS).read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def write_sums(changed: Path) -> None:
    """The list of all weights below `assets` as they are now, if the folder `changed` is one of them."""
    if not changed.resolve().is_relative_to(ASSETS):
        return
    files = sorted(ASSETS.rglob("*.safetensors"))
    lines = (f"{sha256(path)}  {path.relative_to(ASSETS).as_posix()}\n" for path in files)
    (ASSETS / SUMS).write_text("".join(lines))


def sha256(path: Path) -> str:
    """Of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
