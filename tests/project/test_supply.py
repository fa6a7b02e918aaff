"""What is installed: the lock agrees with the list that people read, has a digest for everything, and every licence."""

import re
import sys

import pytest

from tests.support.places import ROOT

LOCK = (ROOT / "requirements.lock").read_text()
LOCKED = dict(re.findall(r"^([\w.-]+)==(\S+) --hash=sha256:[0-9a-f]{64}$", LOCK, re.MULTILINE))


def names(file: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / file).read_text(), re.M))


def test_the_lock_agrees_with_the_list():
    lines = LOCK.splitlines()[1:]
    assert len(lines) == len(LOCKED)
    wanted = names("requirements.txt")
    assert wanted
    assert {name: LOCKED.get(name) for name in wanted} == wanted


def test_every_package_of_the_lock_has_a_licence_in_the_list_and_none_is_copyleft_for_all_of_it():
    rows = re.findall(r"^\| ([\w.-]+) \| (\S+) \| (.+) \|$", (ROOT / "docs" / "licences.md").read_text(), re.M)[1:]
    assert {name: version for name, version, _ in rows} == LOCKED
    assert not [name for name, _, licence in rows if re.search(r"\bA?L?GPL", licence)]
    assert "quantus" not in LOCKED


@pytest.mark.parametrize("change", [("Linux", "Plan 9"), ("Python 3", "Python 2"), ("#", "")])
def test_the_lock_is_for_the_platform_that_it_names(change, tmp_path):
    sys.path.insert(0, str(ROOT / "tools"))
    import lock

    text = lock.HEAD.format(place=lock.place()).replace("Darwin", "Linux")
    lock.LOCK = tmp_path / "requirements.lock"
    lock.LOCK.write_text(text)
    assert lock.fits() == (lock.place() in text)
    lock.LOCK.write_text(text.replace(*change))
    assert not lock.fits()


def test_what_the_lock_names_is_installed_by_its_digests():
    (recipe,) = re.findall(r"if .*--fits; then (.*?); \\\s*else", (ROOT / "Makefile").read_text(), re.DOTALL)
    assert "--require-hashes -r requirements.lock" in recipe
    assert "--no-deps" in recipe.partition("--require-hashes")[2]
