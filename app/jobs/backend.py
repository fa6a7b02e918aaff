"""Every cache and every job: what takes more than one pass through a network is computed here, beside the pages."""

import atexit
import os
import sys
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import streamlit as st
import torch
from cachetools import LRUCache
from torch import Tensor

from app.inputs.crop import part, split
from app.inputs.network_input import prepare
from app.inputs.outline import split_outline, with_outline
from app.inputs.pictures import Picture, PictureGoneError, find_picture, upload
from app.inputs.sentences import foreign, sentence
from app.jobs.decoders import MOST
from app.jobs.kept import PENDING, RECORDS, Kept
from app.jobs.memory import MEBIBYTE, Recent, Store
from app.jobs.owners import mark, owns
from app.jobs.paces import Paces
from app.jobs.runner import Job, Runner, preliminary
from app.jobs.shared import SharedPictures
from app.jobs.work import load, load_own
from app.server.added import add_requested
from explainers import ChoiceNeededError, add_network
from explainers.datasets.birds.source import shown_side
from explainers.devices import best_device
from explainers.fairness.plan import Plan, plan
from explainers.methods.network_input import NetworkInput
from explainers.methods.request import DECODER_LANE, MAP_LANE, Request, Workbench
from explainers.networks.catalogue import Network, network_catalogue
from explainers.networks.diagram import Diagram, diagram
from explainers.storage.digest import digest
from explainers.storage.results import ResultStore
from explainers.storage.shipped import ShippedResults

# Networks in memory: so many, and so many bytes together. One's own has 1 GiB at most.
NETWORKS_KEPT, NETWORK_BYTES = 8, 1536 * MEBIBYTE
QUICK_LOAD = 6.0
# Seconds that the end of the server waits for a thread to leave what it is at: one of torch's operations, or a file.
PARTING = 3.0
OWN = "own/"
NOT_KEPT = "expected a picture that was uploaded in this window, got one that is not here; upload it again"
ASKED = "the disk is being asked"
FULL_LINE = f"{MOST} decoders are being trained already; try again later."
GONE = "Expected weights that were uploaded in this window, got some that are not here; upload them again."


@dataclass(frozen=True)
class View:
    """What a page needs to know of one piece of work.

    `state`: "missing" (never asked for), "waiting", "running", "done", "stopped", "failed", "refused" or "gone", and
    "loading" where something else must come first; `value` is the newest whole result, if any; `remaining` in seconds;
    `message` is one sentence for the reader, or the place in line; `others` sessions take turns with the work.
    """

    key: str
    state: str
    value: Any = None
    progress: float = 0.0
    remaining: float | None = None
    message: str = ""
    others: int = 0

    @property
    def live(self) -> bool:
        return self.state in ("waiting", "running", "loading")


@dataclass(frozen=True)
class Lane:
    """A queue for requests of one kind.

    `keeps`: answers are kept for whoever asks later. `joins`: a look at work that somebody else has begun is interest
    in it. At most `most` wait or run; `full` is said to those beyond.
    """

    runner: Runner
    keeps: bool = True
    joins: bool = False
    most: int = sys.maxsize
    full: str = ""


class Backend:
    """One per server: networks, pictures, results, and the threads that compute them."""

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device or best_device()
        self.results = Kept(Store(256 * MEBIBYTE), ResultStore(known=RECORDS), shipped_results())
        self.previews = Store(64 * MEBIBYTE)
        self.uploads, self.network_inputs = Store(256 * MEBIBYTE), Store(64 * MEBIBYTE)
        self.shared = SharedPictures()
        # What several requests need, and plans of networks.
        self.shelf, self.plans = Store(192 * MEBIBYTE), Store(8 * MEBIBYTE)
        self._networks: LRUCache = LRUCache(NETWORK_BYTES, getsizeof=network_bytes)
        self._failures = Recent(256, 600.0)
        self._choices = Recent(256, 600.0)
        self._lock = threading.Lock()
        # What requests took on this machine.
        self.paces = Paces()
        self.maps = Runner(f"maps on {self.device}", self._map_ended, device=self.device)
        self.loads = Runner("networks", self._load_ended)
        # A file that takes its minute to be refused holds up no network of the catalogue.
        self.own_loads = Runner("own weights", self._load_ended)
        # On a thread of their own, one after the other; ten minutes without a look at them and they stop.
        self.trainings = Runner("decoders", self._training_ended, linger=600.0, most=1, strict=True, device=self.device)
        self.lanes = {
            MAP_LANE: Lane(self.maps),
            DECODER_LANE: Lane(self.trainings, keeps=False, joins=True, most=MOST, full=FULL_LINE),
        }

    def close(self) -> None:
        for runner in self._runners:
            runner.close()
        self.results.close()

    def end(self) -> None:
        """Before the process ends: closes, and waits a moment until no thread is within torch."""
        self.close()
        for runner in self._runners:
            runner.join(PARTING)

    @property
    def _runners(self) -> tuple[Runner, ...]:
        return self.maps, self.loads, self.own_loads, self.trainings

    # Networks

    def network(self, name: str, owner: str) -> View:
        """The network `name`, of the catalogue or the session's own, loaded once; quick ones are waited for."""
        if name.startswith(OWN) and not owns(owner, name):
            return View(name, "gone", message=GONE)
        for runner in (self.loads, self.own_loads):
            runner.leave(owner, keep={name})
        loads = self.own_loads if name.startswith(OWN) else self.loads
        # Asked for before the rest: a job that has ended has left its network or its failure behind.
        job = loads.job(name)
        if (kept := self._network(name)) is not None:
            return View(name, "done", kept, 1.0)
        if (message := self._failures.get(name)) is not None:
            return View(name, "failed", message=message)
        if name.startswith(OWN) and job is None:
            return View(name, "gone", message=GONE)
        work = job.work if job else partial(load, name, self.device)
        # Asked for before it is begun, which may be at once.
        new = job is None or job.state == "waiting"
        job = loads.submit(name, work, owner)
        # Its state is told before its network is kept or its failure remembered.
        if not job.ended.wait(QUICK_LOAD if new else 0):
            return View(name, "waiting" if new else "running", None, job.progress, job.remaining, job.note)
        return self.network(name, owner) if job.state != "cancelled" else View(name, "stopped")

    def add_network(self, architecture: str, data: bytes, owner: str, weights: str | None = None) -> str:
        """Starts to load uploaded weights; `network` tells the same session of the key it returns.

        `architecture` is "" where it is to be recognised from the file, `weights` names one of several sets in it.
        """
        key = OWN + mark(owner) + digest(architecture, data, *([] if weights is None else [weights]))
        self.retry(key)
        if not self.has_network(key):
            work = partial(load_own, architecture or None, data, weights, self.device)
            self.own_loads.submit(key, work, owner)
        return key

    def choice(self, name: str) -> ChoiceNeededError | None:
        """What has to be chosen before the uploaded weights `name` are a network; None where nothing is open."""
        return self._choices.get(name)

    def has_network(self, name: str) -> bool:
        """Whether the network is in memory."""
        return self._network(name) is not None

    def kept(self, name: str) -> Network | None:
        """The network, where it is in memory."""
        return self._network(name)

    def _network(self, name: str) -> Network | None:
        with self._lock:
            return self._networks.get(name)

    def _load_ended(self, job: Job) -> None:
        if job.state == "done":
            with self._lock:
                self._networks[job.key] = job.latest
        elif job.state == "failed":
            message = sentence(job.error)
            self._failures.put(job.key, foreign(message) if job.key.startswith(OWN) else message)
            if isinstance(job.error, ChoiceNeededError):
                self._choices.put(job.key, job.error)

    # Pictures

    def add_upload(self, data: bytes, name: str, owner: str, ground: str = "white") -> Picture:
        """Keeps a session's picture, on `ground` where it is transparent. Raises PictureError, one sentence."""
        picture = upload(data, name, ground, mark(owner))
        self.uploads.put(picture.key, picture)
        return picture

    def uploaded(self, key: str) -> Picture | None:
        return self.uploads.get(key)

    def whole(self, key: str, side: int) -> Picture:
        """The picture of a key before it is cut to a part; birds are drawn `side` pixels wide.

        Raises PictureGoneError, one sentence.
        """
        base, _ = split(key)
        picture = self.uploads.get(base)
        if picture is None and key.startswith("upload/"):
            raise PictureGoneError(NOT_KEPT)
        return picture or find_picture(base, side)

    def network_input(self, network: Network, key: str) -> NetworkInput:
        """The picture `key` as the network sees it. Raises PictureGoneError, one sentence."""
        place = digest(network.fingerprint, key)
        if (kept := self.network_inputs.get(place)) is not None:
            return kept
        whole = with_outline(self.whole(key, shown_side(network.input_size[0])), split_outline(key)[1])
        picture = part(whole, split(key)[1])
        made = prepare(network, picture)
        self.network_inputs.put(place, made)
        return made

    def predictions(self, network: Network, network_input: NetworkInput, count: int = 5) -> list[tuple[str, float]]:
        """The likeliest classes and their probabilities, likeliest first.

        Of a segmentation the classes and the shares of the pixels that they take; of a picture that is given back its
        channels and their mean brightness.
        """
        answer = self.answer(network, network_input)
        if network.reconstructs:
            answer = answer.mean((1, 2))
        elif network.segments:
            answer = answer.argmax(0).flatten().bincount(minlength=len(answer)) / answer[0].numel()
        top = answer.topk(min(count, len(answer)))
        return [(network.classes[i], float(p)) for p, i in zip(top.values, top.indices, strict=True)]

    def answer(self, network: Network, network_input: NetworkInput) -> Tensor:
        """Probabilities of the classes, (classes,) or for every pixel (classes, H, W), or a picture (3, H, W)."""
        place = digest("picture" if network.reconstructs else "predictions", network.fingerprint, network_input.digest)
        answer = self.results.get(place)
        if answer is None:
            with torch.inference_mode():
                said = network.module(network_input.x[None].to(self.device))
                answer = (said if network.reconstructs else said.softmax(1))[0].cpu()
            self.results.put(place, answer)
        return answer

    # Whatever is computed

    def ask(
        self,
        request: Request,
        owner: str,
        order: tuple[int, ...] = (0, 0),
        stopped: Collection[str] = (),
        start: bool = True,
        wait: float = 0.0,
    ) -> View:
        """The answer to a request: kept, or as far as its job has come; `start` asks for the job.

        Asking is the heartbeat that keeps the job alive. Equal requests share one job; of one owner's the lowest
        `order` goes first. What takes less than `wait` seconds is waited for. `state` is "refused", with the reason,
        where there is no answer.
        """
        if reason := self._refusal(request):
            return View("", "refused", message=reason)
        key, lane = request.key, self.lanes[request.lane]
        if lane.keeps and (kept := self._kept(lane.runner, key, owner)) is not None:
            return kept
        if (message := self._failures.get(key)) is not None:
            return View(key, "failed", self.previews.get(key), message=message)
        if key in stopped:
            preview = self.previews.get(key)
            return View(key, "stopped", preview, preview.progress if preview else 0.0)
        job = lane.runner.job(key)
        live = job if job is not None and not job.stop.is_set() else None
        if not start and not (live and lane.joins):
            return View(key, "missing")
        if not live and lane.runner.count >= lane.most:
            return View(key, "refused", message=lane.full)
        work = live.work if live else partial(self._answer, request)
        job = lane.runner.submit(key, work, owner, order)
        if wait and job.ended.wait(wait):
            return self.ask(request, owner, order, stopped, start)
        # What is prepared before there is an answer says how far it is, and nothing more.
        shown = None if preliminary(job.latest) else job.latest
        begun = job.latest is not None or job.progress > 0
        remaining = getattr(shown, "remaining", job.work_left)
        return View(key, "running" if begun else "waiting", shown, job.progress, remaining, job.queue, job.others)

    def _refusal(self, request: Request) -> str:
        """Why there is no answer; empty where there is one."""
        place = request.refusal_key
        if not place:
            return request.refusal() or ""
        if (reason := self.results.get(place)) is None:
            reason = request.refusal() or ""
            self.results.put(place, reason)
        return reason

    def _answer(self, request: Request, job: Job) -> Iterator[Any]:
        """The work, unless another job for the same has just ended with its result."""
        if (result := self.results.get(request.key)) is not None:
            yield result
        else:
            yield from request.stream(Workbench(self.device, job.report, self.shelf))
            self.paces.note(request, job.seconds)

    def _kept(self, runner: Runner, key: str, owner: str) -> View | None:
        """The result of `key`, or that the disk is still being asked for it; None where there is none.

        The disk is not asked for what a job is at work on.
        """
        # Asked for before the rest: a job that has ended has left its result behind.
        job = runner.job(key)
        at_work = job is not None and not job.stop.is_set()
        result = self.results.get(key) if at_work else self.results.find(key, owner.partition("/")[0])
        if result is PENDING:
            return View(key, "waiting", message=ASKED)
        return None if result is None else View(key, "done", result, 1.0)

    def away(self, visitor: str) -> None:
        """The visitor, whose owners are "visitor/slot", has closed the page, or has lost the connection."""
        for runner in (self.maps, self.loads, self.own_loads):
            runner.away(visitor)

    def release(self, owner: str, keep: Collection[str] = ()) -> None:
        """`owner` looks at other maps now: what nobody else waits for stops."""
        self.maps.leave(owner, frozenset(keep))

    def stop(self, key: str, owner: str) -> None:
        """Cancels one map for `owner`; its newest frame is kept."""
        for lane in self.lanes.values():
            if (job := lane.runner.job(key)) is not None:
                if lane.keeps:
                    # In memory; on disk when the job has ended, by the thread that does the work.
                    self._keep_latest(job, self.results.memory)
                lane.runner.drop(owner, key)

    def preview(self, key: str) -> Any:
        """The newest frame of work that was cut short; None where there is none, or it is no longer kept."""
        return self.previews.get(key)

    def retry(self, key: str) -> None:
        """Forgets that `key` failed."""
        self._failures.drop(key)

    def _training_ended(self, job: Job) -> None:
        if job.state == "failed":
            self._failures.put(job.key, sentence(job.error))

    def _map_ended(self, job: Job) -> None:
        if job.state == "done":
            self.results.put(job.key, job.latest)
            self.previews.drop(job.key)
            return
        self._keep_latest(job, self.results)
        if job.state == "failed":
            self._failures.put(job.key, sentence(job.error))

    def _keep_latest(self, job: Job, results: Kept | Store) -> None:
        """Keeps what there is of a job that is cut short: a preview, or all where its one frame names no progress."""
        if (frame := job.latest) is not None and not preliminary(frame):
            kept = self.previews if hasattr(frame, "progress") else results
            kept.put(job.key, frame)

    def diagram(self, network: Network) -> Diagram:
        """What of the network feeds what."""
        place = digest("diagram", network.fingerprint)
        if (kept := self.plans.get(place)) is None:
            kept = diagram(network.module, network.layers, network.input_size)
            self.plans.put(place, kept)
        return kept

    def plan(self, network: Network) -> Plan:
        """Which layers of the network may be rescaled against each other, and where it can be looked at."""
        if (kept := self.plans.get(network.fingerprint)) is None:
            kept = plan(network)
            self.plans.put(network.fingerprint, kept)
        return kept


@st.cache_resource(show_spinner=False, on_release=Backend.close)
def the_backend() -> Backend:
    """The one backend of this server."""
    made = Backend()
    atexit.register(made.end)
    return made


@st.cache_resource(scope="session", show_spinner=False, on_release=lambda met: met[1].away(met[0]))
def meet(visitor: str, _backend: Backend) -> tuple[str, Backend]:
    """Said in every run that asks for something, so that the backend hears of it when the visitor's connection ends."""
    return visitor, _backend


@cache
def shipped_results() -> ShippedResults | None:
    """What ships; None with SHIPPED_RESULTS=0, where everything is to be computed here."""
    return None if os.environ.get("SHIPPED_RESULTS") == "0" else ShippedResults(known=RECORDS)


def network_bytes(network: Network) -> int:
    """What a network counts for among those in memory: its weights, and at least its share of the number kept."""
    size = sum(value.numel() * value.element_size() for value in network.module.state_dict().values())
    return max(size, NETWORK_BYTES // NETWORKS_KEPT)


# Once per server, before any page asks what there is.
add_requested(sys.argv[1:], add_network)


def networks() -> tuple:
    """The catalogue, what is shipped first."""
    return tuple(sorted(network_catalogue(), key=lambda entry: (not entry.shipped, not entry.available)))
