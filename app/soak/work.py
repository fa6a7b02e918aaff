"""What sixteen sessions do in a trial: maps whose answers are known, pages, odd addresses, files good and bad."""

import io
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from safetensors.torch import load_file

from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from app.soak.visitor import Failure, Visitor
from app.words import decimal, read
from explainers import CID, CIDSettings, load_network
from explainers.networks.specs import NETWORKS

NETWORK, PICTURE, GRID = "resnet20-cifar10", "bird/1", 8
PLAIN = f"network={NETWORK}&picture={PICTURE}&view=layer&refine=False&grid={GRID}"
LAYERS, SEEDS = ("conv1", "layer1.1", "layer2.0", "layer2.2", "layer3.0", "layer3.2"), 40
# Half of the last digit that a page shows, and what processors and threads differ by.
CLOSE = 0.0006
PAGES = ("compare", "fairness", "evaluate", "layers", "learn", "class", "glossary", "about")
ODD = (
    "picture=../../etc/passwd",
    "picture=bird/" + "9" * 5000,
    "seed=" + "9" * 5000,
    "network=own/../../etc/passwd",
    "grid=-1&beta=nan&method=x&layer=%00",
)
# Said of weights that made room for others': a refusal.
GONE = "that are not here; upload them again"
DAMAGED = b"PK\x03\x04" + bytes(100_000)
# A dictionary whose key is a tuple of tuples, each the one before twice.
ENDLESS = b"\x80\x02})q\x00" + b"".join(b"h%ch%c\x86q%c" % (n, n, n + 1) for n in range(60)) + b"K\x01s."


@dataclass(frozen=True)
class Map:
    """A map that may be asked for."""

    layer: str
    seed: int

    @property
    def query(self) -> str:
        return f"{PLAIN}&layer={self.layer}&seed={self.seed}"


MAPS = [Map(layer, seed) for layer in LAYERS for seed in range(SEEDS)]


class Answers:
    """The mean of every map as it was shown, in nats; two showings that differ are a Failure."""

    def __init__(self) -> None:
        self.shown: dict[Map, str] = {}
        self._lock = threading.Lock()

    def add(self, wanted: Map, shown: str) -> None:
        with self._lock:
            if self.shown.setdefault(wanted, shown) != shown:
                raise Failure(f"wrong answer: {wanted} is shown as {shown} and as {self.shown[wanted]}")

    def check(self, most: int) -> tuple[int, list[str]]:
        """How many were held against what the library alone makes of them, at most `most`, and what was wrong."""
        network = load_network(NETWORK)
        x = prepare(network, find_picture(PICTURE, network.input_size[0])).x[None]
        drawn = random.Random(0).sample(sorted(self.shown, key=repr), min(most, len(self.shown)))
        wrong = []
        for one in drawn:
            settings = CIDSettings(refine=False, grid=GRID, seed=one.seed)
            mean = float(CID(network.module, network.layer(one.layer)).explain(x, settings).mean[0])
            if abs(read(self.shown[one]) - mean) > CLOSE:
                wrong.append(
                    f"wrong answer: {one} is shown as {self.shown[one]}, the library makes {decimal(mean, 4)} of it"
                )
        return len(drawn), wrong


def look_at(address: str, wanted: Map, answers: Answers, over: Callable[[], bool]) -> bool:
    """Waits for one map and notes its mean; whether it came before the end."""
    with Visitor(address, wanted.query) as visitor:
        if visitor.until(lambda text: "mean CID" in text, over) is None:
            return False
        answers.add(wanted, visitor.number("Mean CID"))
    return True


def visit(address: str, query: str, page: str = "") -> None:
    """Runs a page once."""
    with Visitor(address, query, page) as visitor:
        visitor.run()


def weights() -> bytes:
    """Good weights, as `torch.save` writes them."""
    buffer = io.BytesIO()
    torch.save(load_file(NETWORKS / f"{NETWORK}.safetensors"), buffer)
    return buffer.getvalue()


def bring(address: str, data: bytes, good: bool, over: Callable[[], bool]) -> bool:
    """Uploads weights: good ones give a map, bad ones a sentence; False where good ones gave way to others' first."""
    with Visitor(
        address, f"network={NETWORK}&picture={PICTURE}&view=layer&refine=False&grid={GRID}&layer=conv1"
    ) as one:
        one.run()
        one.bring("mine.pt", data)
        said = ("your own weights", GONE) if good else ("Expected",)
        text = one.until(lambda text: any(words in text for words in said), over)
        return text is None or said[0] in text


def any_work(chosen: random.Random, answers: Answers, good: bytes) -> Callable[[str, Callable[[], bool]], str]:
    """Something that a session may do: given an address and whether it is over, what it was."""

    def work(address: str, over: Callable[[], bool]) -> str:
        kind = chosen.choices(("map", "page", "odd", "good file", "bad file"), (12, 2, 2, 1, 2))[0]
        if kind == "map":
            return "map" if look_at(address, chosen.choice(MAPS), answers, over) else "unfinished"
        if kind == "page":
            visit(address, "", chosen.choice(PAGES))
        elif kind == "odd":
            visit(address, chosen.choice(ODD))
        else:
            bad = chosen.choice((DAMAGED, ENDLESS))
            if not bring(address, good if kind == "good file" else bad, kind == "good file", over):
                kind = "good file that gave way"
        time.sleep(chosen.random())
        return kind

    return work
