"""What ships lies in `assets` beside the packages; an installation takes it along inside the library."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# The name under which `explainers/assets.py` looks for it.
INSIDE = Path("explainers", "shipped")


class WithAssets(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            shutil.copytree(
                "assets", self.build_lib / INSIDE, dirs_exist_ok=True, ignore=shutil.ignore_patterns("screenshots")
            )


setup(cmdclass={"build_py": WithAssets})
