"""Writes `requirements.lock`: every package that `requirements.txt` leads to on this platform, with its SHA-256.

`make lock` calls it; `make run` installs from it where `python tools/lock.py --fits` says that it was made for the same
system, processor and Python. requirements.txt stays the list that people read.
"""

import json
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
HEAD = "# Made by `make lock` for {place}; install with --require-hashes.\n"


def place() -> str:
    """What the wheels of a lock depend on."""
    return f"{platform.system()} {platform.machine()}, Python {sys.version_info.major}.{sys.version_info.minor}"


def fits() -> bool:
    """Whether there is a lock for this platform, and no other build of torch, the small one, is installed already."""
    try:
        other = "+" in version("torch")
    except PackageNotFoundError:
        other = False
    return LOCK.is_file() and LOCK.read_text().startswith(HEAD.format(place=place())) and not other


def resolved() -> list[dict]:
    """What pip would install for requirements.txt without the project itself, from its report."""
    wanted = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and line[0] not in "#-"]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
        subprocess.run([*pip, "--report", str(report), *wanted], check=True)
        return json.loads(report.read_text())["install"]


def line(package: dict) -> str:
    """One package with its digest, as pip reads it.

    >>> info = {"archive_info": {"hashes": {"sha256": "0"}}}
    >>> line({"metadata": {"name": "a", "version": "1"}, "download_info": info})
    'a==1 --hash=sha256:0'
    """
    metadata, info = package["metadata"], package["download_info"]["archive_info"]
    return f"{metadata['name'].lower()}=={metadata['version']} --hash=sha256:{info['hashes']['sha256']}"


def main() -> None:
    if "--fits" in sys.argv:
        raise SystemExit(0 if fits() else 1)
    LOCK.write_text(HEAD.format(place=place()) + "".join(f"{one}\n" for one in sorted(map(line, resolved()))))


if __name__ == "__main__":
    main()
