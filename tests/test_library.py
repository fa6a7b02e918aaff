"""The library stands alone, and what ships stays small."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_library_never_loads_the_front_end():
    modules = [
        str(path.relative_to(ROOT).with_suffix("")).replace("/", ".")
        for path in (ROOT / "explainers").rglob("*.py")
        if path.name != "__init__.py"
    ]
    code = f"import importlib, sys; [importlib.import_module(m) for m in {modules!r}]; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "explainers.cid" in loaded
    assert not {"streamlit", "plotly", "app"} & {name.split(".")[0] for name in loaded}


def test_assets_stay_within_their_limits():
    sizes = [path.stat().st_size for path in (ROOT / "assets").rglob("*") if path.is_file()]
    assert sum(sizes) < 40 * 2**20
    assert max(sizes) < 12 * 2**20


def test_every_weights_file_has_its_card():
    for weights in (ROOT / "assets").rglob("*.safetensors"):
        card = weights.with_suffix(".md").read_text()
        assert all(word in card for word in ("Data:", "Accuracy:", "Recipe:", "Seed:"))
