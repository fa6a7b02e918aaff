"""What ships with the project is what was shipped: weights and lessons against their SHA-256 in `assets/SHA256SUMS`.

The commands that train what ships write that list anew, and so does `make sums` after a lesson was edited;
`sha256sum -c SHA256SUMS` in the folder checks it without Python.
"""

import hashlib
from pathlib import Path


def find_assets(package: Path) -> Path:
    """The folder of what ships: inside an installed `package`, beside that of a checkout.

    >>> find_assets(Path("no", "folder", "explainers")).as_posix()
    'no/folder/assets'
    """
    inside = package / "shipped"
    return inside if inside.is_dir() else package.parent / "assets"


ASSETS = find_assets(Path(__file__).resolve().parent)
SUMS = "SHA256SUMS"
# All that the programs read of `assets`; the cards of networks and decoders are for people alone.
KINDS = (
    "*.safetensors", "lessons/*.md", "sweeps/*.parquet", "information_flow/*.parquet", "results/*.zip",
    "studies/*.parquet", "studies/*.npz",
)  # fmt: skip


class DamagedFile(ValueError):
    """A file that is not as it was shipped or written; the message is one sentence that names it."""


def check_shipped(path: Path) -> None:
    """Raises DamagedFile where the sums know the file and it has another content; reads the whole of it."""
    if path.is_relative_to(ASSETS):
        _compare(path.relative_to(ASSETS).as_posix(), sha256(path))


def read_shipped(name: str) -> str:
    """The text `name` below `assets`. Raises DamagedFile where it is missing or has another content than it shipped."""
    try:
        data = (ASSETS / name).read_bytes()
    except FileNotFoundError:
        raise DamagedFile(
            f"expected {Path(name).name} as it ships with this project, found none; copy it again"
        ) from None
    _compare(name, hashlib.sha256(data).hexdigest())
    return data.decode()


def _compare(name: str, digest: str) -> None:
    if read_sums().get(name, digest) != digest:
        raise DamagedFile(
            f"expected {Path(name).name} as it ships with this project, got a damaged file; copy it again"
        )


def shipped_files() -> list[Path]:
    """All that the list has to name, in its order."""
    return sorted(path for kind in KINDS for path in ASSETS.rglob(kind))


def read_sums() -> dict[str, str]:
    """Digests by the names of files below `assets`; none where the list is missing."""
    try:
        lines = (ASSETS / SUMS).read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def write_sums(changed: Path) -> None:
    """The list of what ships as it is now, if the folder `changed` is part of it."""
    if not changed.resolve().is_relative_to(ASSETS):
        return
    lines = (f"{sha256(path)}  {path.relative_to(ASSETS).as_posix()}\n" for path in shipped_files())
    (ASSETS / SUMS).write_text("".join(lines))


def sha256(path: Path) -> str:
    """Of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
