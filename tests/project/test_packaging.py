"""What `pip install .` brings: the packages, all that ships, the server's settings and the command."""

import runpy
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
from streamlit import config

from app.command import command
from explainers.assets import ASSETS, SUMS, shipped_files
from tests.support.places import ROOT

BUILD = "import setuptools.build_meta as build, sys; print(getattr(build, sys.argv[1])(sys.argv[2]))"


def build(kind: str, source: Path, target: Path) -> Path:
    """A wheel or an archive of the source, from its folder alone."""
    made = subprocess.run(
        [sys.executable, "-c", BUILD, f"build_{kind}", str(target)],
        cwd=source,
        check=True,
        capture_output=True,
        text=True,
    )
    return target / made.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder as pip fills it, from a wheel that was built from an archive of the source."""
    folder = tmp_path_factory.mktemp("packaging")
    copy = folder / "copy"
    for name in ("explainers", "app", "assets"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    with tarfile.open(build("sdist", copy, folder)) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.glob("information_discarding_explorer-*/")
    site = folder / "site"
    with zipfile.ZipFile(build("wheel", source, folder)) as wheel:
        wheel.extractall(site)
    return site


@pytest.mark.long
def test_every_module_and_all_that_ships_are_inside(installed):
    modules = {path.relative_to(ROOT) for name in ("explainers", "app") for path in (ROOT / name).rglob("*.py")}
    assert {path.relative_to(installed) for path in installed.rglob("*.py")} == modules
    scripts = {path.relative_to(ROOT) for path in (ROOT / "app").rglob("*.js")}
    assert scripts
    assert {path.relative_to(installed) for path in installed.rglob("*.js")} == scripts
    library = runpy.run_path(str(installed / "explainers" / "assets.py"))
    inside = library["ASSETS"]
    assert inside.is_relative_to(installed)
    assert [path.relative_to(inside) for path in library["shipped_files"]()] == [
        path.relative_to(ASSETS) for path in shipped_files()
    ]
    for path in library["shipped_files"]():
        library["check_shipped"](path)
    assert (inside / SUMS).read_bytes() == (ASSETS / SUMS).read_bytes()
    # One reads the cards of networks and decoders beside the weights, and the pictures of the page in the project.
    assert {path.name for path in inside.iterdir()} == {
        *("networks", "results", "sweeps", "decoders", "lessons", "information_flow", "studies"),
        SUMS,
    }


@pytest.mark.long
def test_the_command_starts_the_installed_app_with_its_settings(installed, monkeypatch):
    (metadata,) = installed.glob("*.dist-info")
    [script] = PathDistribution(metadata).entry_points
    assert (script.group, script.name, script.value) == ("console_scripts", "explorer", "app.command:main")
    words = runpy.run_path(str(installed / "app" / "command.py"))["command"](["--server.port", "8600"])
    assert words == ["run", str(installed / "app" / "main.py"), "--server.port", "8600"]
    # Streamlit's own rule for where settings are looked for, last the one that wins.
    monkeypatch.setattr(config, "_main_script_path", words[1])
    settings = Path(config.get_config_files("config.toml")[-1])
    assert settings == installed / "app" / ".streamlit" / "config.toml"
    assert tomllib.loads(settings.read_text())["server"]["address"] == "localhost"


def test_the_checkout_is_started_by_the_same_command():
    assert command([]) == ["run", str(ROOT / "app" / "main.py")]


@pytest.mark.long
def test_version_and_licence_are_said_once_and_alike(installed):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (metadata,) = installed.glob("*.dist-info")
    said = PathDistribution(metadata).metadata
    assert (said["Version"], said["License-Expression"]) == (project["version"], "MIT")
    assert (metadata / "licenses" / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert changes.index("## Unreleased") < changes.index(f"## {project['version']} (")
