"""The library stands alone, and what ships stays small."""

import subprocess
import sys

import pytest

from explainers import load_network
from explainers.decoders.cards import find_decoder, read_card
from explainers.decoders.command import LAYERS
from tests.support.places import ROOT


@pytest.mark.long
def test_the_library_never_loads_the_front_end():
    modules = [
        str(path.relative_to(ROOT).with_suffix("")).replace("/", ".")
        for path in (ROOT / "explainers").rglob("*.py")
        if path.name != "__init__.py"
    ]
    code = f"import importlib, sys; [importlib.import_module(m) for m in {modules!r}]; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "explainers.cid.explain" in loaded
    assert not {"streamlit", "plotly", "app"} & {name.split(".")[0] for name in loaded}


def test_assets_stay_within_their_limits():
    sizes = [path.stat().st_size for path in (ROOT / "assets").rglob("*") if path.is_file()]
    assert sum(sizes) < 80 * 2**20
    assert max(sizes) < 12 * 2**20


def test_every_weights_file_has_its_card():
    for weights in (ROOT / "assets" / "networks").rglob("*.safetensors"):
        card = weights.with_suffix(".md").read_text()
        assert all(word in card for word in ("Data:", "Recipe:", "Seed:"))
        assert "Accuracy:" in card or "Error:" in card


def test_every_decoder_belongs_to_a_shipped_network_and_stands_on_its_card():
    folder = ROOT / "assets" / "decoders"
    for path in folder.glob("*.safetensors"):
        card = read_card(path)
        page = (folder / f"{card.network}.md").read_text()
        assert card.fingerprint == load_network(card.network).fingerprint
        assert all(word in page for word in ("Data:", "Error:", "Recipe:", "--seed", path.name, f"{card.error:.4f}"))
        [row] = [line for line in page.splitlines() if path.name in line]
        assert row.startswith(f"| {card.layer} | {card.blocks} | {card.steps} × {card.batch}")
        assert card.data in row or card.data in page.partition("| layer")[0]


@pytest.mark.parametrize("name", list(LAYERS))
def test_every_shipped_network_has_decoders_from_first_to_last(name):
    network = load_network(name)
    cards = [card for layer in network.layers if (card := find_decoder(network, layer)) is not None]
    assert len(cards) >= 5
    depths = [network.layer(card.layer).depth for card in cards]
    assert min(depths) <= 1
    assert max(depths) == network.layers[-1].depth
    assert all(0 < card.error < 0.3 for card in cards)
