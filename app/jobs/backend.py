"""Every cache and every job; the only module of the app that has the library compute anything."""

import sys
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st
import torch
from cachetools import LRUCache
from torch import Tensor

from app.inputs.crop import part, split
from app.inputs.network_input import Subject, prepare
from app.inputs.pictures import THUMBNAIL, Picture, PictureGoneError, find_picture, upload
from app.inputs.sentences import foreign, sentence
from app.jobs.decoders import MOST, TrainingRequest, decoder_frames, decoder_key
from app.jobs.kept import PENDING, RECORDS, Kept
from app.jobs.memory import MEBIBYTE, Recent, Store, digest
from app.jobs.owners import mark, owns
from app.jobs.runner import Job, Runner
from app.jobs.work import baseline_frames, cid_frames, fairness_frames, load, load_own, ru_frames
from app.server.added import add_requested
from explainers import ChoiceNeededError, CIDResult, CIDSettings, add_network
from explainers.cid.concentration import concentration
from explainers.decoders.cards import DecoderCard, find_decoder
from explainers.devices import best_device
from explainers.evaluation.judge import judge, judgeable
from explainers.evaluation.methods import MapSettings, dependence
from explainers.evaluation.pictures import Birds, Folder, Pictures, Preparing
from explainers.evaluation.pictures import prepare as prepare_pictures
from explainers.evaluation.scores import Judged
from explainers.fairness.maps import METHODS as FAIRNESS_METHODS
from explainers.fairness.maps import Question
from explainers.fairness.plan import Plan, plan
from explainers.networks.catalogue import Network, network_catalogue
from explainers.networks.layers import Layer
from explainers.storage.results import ResultStore
from explainers.storage.versions import method_version

# Networks in memory: so many, and so many bytes together. One's own has 1 GiB at most.
NETWORKS_KEPT, NETWORK_BYTES = 4, 1536 * MEBIBYTE
QUICK_LOAD = 6.0
OWN = "own/"
NO_DECODER = "RU needs a decoder that was trained for this layer of this network, and there is none"
NOT_KEPT = "expected a picture that was uploaded, got one that is no longer kept; upload it again"
ASKED = "the disk is being asked"
GONE = "Expected weights that were uploaded, got some that are no longer kept; upload them again."


@dataclass(frozen=True)
class View:
    """What a page needs to know of one piece of work.

    `state`: "missing" (never asked for), "waiting", "running", "done", "stopped", "failed" or "gone"; `value` is the
    newest whole result, if any; `remaining` in seconds; `message` is one sentence for the reader, or the place in line.
    """

    key: str
    state: str
    value: Any = None
    progress: float = 0.0
    remaining: float | None = None
    message: str = ""

    @property
    def live(self) -> bool:
        return self.state in ("waiting", "running")


class Backend:
    """One per server: networks, pictures, results, and the threads that compute them."""

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device or best_device()
        self.results = Kept(Store(256 * MEBIBYTE), ResultStore(known=RECORDS))
        self.previews = Store(64 * MEBIBYTE)
        self.uploads, self.subjects = Store(256 * MEBIBYTE), Store(64 * MEBIBYTE)
        self.prepared = Store(128 * MEBIBYTE)
        self.plans, self.parts = Store(8 * MEBIBYTE), Store(64 * MEBIBYTE)
        self._networks: LRUCache = LRUCache(NETWORK_BYTES, getsizeof=network_bytes)
        self._failures = Recent(256, 600.0)
        self._choices = Recent(256, 600.0)
        self._lock = threading.Lock()
        self.maps = Runner(f"maps on {self.device}", self._map_ended, device=self.device)
        self.loads = Runner("networks", self._load_ended)
        # A file that takes its minute to be refused holds up no network of the catalogue.
        self.own_loads = Runner("own weights", self._load_ended)
        # On a thread of their own, one after the other; ten minutes without a look at them and they stop.
        self.trainings = Runner("decoders", self._training_ended, linger=600.0, most=1, strict=True, device=self.device)

    def close(self) -> None:
        self.maps.close()
        self.loads.close()
        self.own_loads.close()
        self.trainings.close()
        self.results.close()

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
        job = loads.submit(name, work, owner)
        waiting = job.state == "waiting"
        # Its state is told before its network is kept or its failure remembered.
        if not job.ended.wait(QUICK_LOAD if waiting else 0):
            return View(name, "waiting" if waiting else "running", None, job.progress, job.remaining, job.note)
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

    def subject(self, network: Network, key: str) -> Subject:
        """The picture `key` as the network sees it. Raises PictureGoneError, one sentence."""
        place = digest(network.fingerprint, key)
        if (kept := self.subjects.get(place)) is not None:
            return kept
        side = network.input_size[0]
        picture = part(self.whole(key, side if side <= THUMBNAIL else 256), split(key)[1])
        made = prepare(network, picture)
        self.subjects.put(place, made)
        return made

    def predictions(self, network: Network, subject: Subject, count: int = 5) -> list[tuple[str, float]]:
        """The likeliest classes and their probabilities, likeliest first.

        Of a segmentation the classes and the shares of the pixels that they take.
        """
        answer = self.answer(network, subject)
        if network.segments:
            answer = answer.argmax(0).flatten().bincount(minlength=len(answer)) / answer[0].numel()
        top = answer.topk(min(count, len(answer)))
        return [(network.classes[i], float(p)) for p, i in zip(top.values, top.indices, strict=True)]

    def answer(self, network: Network, subject: Subject) -> Tensor:
        """Probabilities of the classes, (classes,) or for every pixel (classes, H, W)."""
        place = digest("predictions", network.fingerprint, subject.digest)
        answer = self.results.get(place)
        if answer is None:
            with torch.inference_mode():
                answer = network.module(subject.x[None].to(self.device)).softmax(1)[0].cpu()
            self.results.put(place, answer)
        return answer

    # Maps

    def map(
        self,
        network: Network,
        subject: Subject,
        layer: Layer,
        settings: CIDSettings,
        owner: str,
        stopped: Collection[str] = (),
        priority: int = 0,
        start: bool = True,
        metric: str = "cid",
    ) -> View:
        """The map of a layer by `metric`, "cid" or "ru": kept, or as far as its job has come; `start` asks for the job.

        Asking is the heartbeat that keeps the job alive. Equal requests share one job. `state` is "refused", with the
        reason, for RU of a layer without a decoder.
        """
        if metric == "cid":
            key = map_key(network, subject, layer, settings)
            work = partial(cid_frames, network, subject, layer, settings, self.device)
        else:
            card = find_decoder(network, layer)
            if card is None:
                return View("", "refused", message=NO_DECODER)
            key = ru_key(network, subject, layer, settings, card)
            work = partial(ru_frames, network, subject, layer, settings, card, self.device)
        return self._work(key, work, owner, (priority, layer.depth), stopped, start)

    def baseline(
        self,
        method: str,
        network: Network,
        subject: Subject,
        layer: Layer,
        target: int | None,
        seed: int,
        owner: str,
        stopped: Collection[str] = (),
        priority: tuple[int, int] = (0, 0),
        start: bool = True,
    ) -> View:
        """The `Explanation` of the class `target` (None: the likeliest) by a baseline; asked for as `map`."""
        if reason := self.refusal(method, network, layer):
            return View("", "refused", message=reason)
        key = baseline_key(method, network, subject, layer, target, seed)
        work = partial(baseline_frames, method, network, subject, layer, target, seed, self.device)
        return self._work(key, work, owner, priority, stopped, start)

    def refusal(self, method: str, network: Network, layer: Layer) -> str:
        """Why a baseline has no map for this network and layer; empty where it has one."""
        from explainers.baselines.explain import applies

        place = digest("applies", network.fingerprint, method, layer.path, str(layer.call))
        if (reason := self.results.get(place)) is None:
            reason = applies(method, network, layer) or ""
            self.results.put(place, reason)
        return reason

    def training(
        self,
        network: Network,
        layer: Layer,
        owner: str,
        request: TrainingRequest | None = None,
        stopped: Collection[str] = (),
    ) -> View:
        """The training of a layer's decoder as far as it has come; a `request` begins it where there is none.

        Asking keeps it alive. When it is done `find_decoder` finds the decoder, and the state is "missing" again.
        `state` is "refused" where too many wait already.
        """
        key = decoder_key(network, layer)
        job = self.trainings.job(key)
        if request is None and (job is None or job.stop.is_set() or key in stopped):
            message = self._failures.get(key, "")
            return View(key, "failed" if message else "missing", message=message)
        if job is None and self.trainings.count >= MOST:
            return View(key, "refused", message=f"{MOST} decoders are being trained already; try again later.")
        self.retry(key)
        work = partial(decoder_frames, network, layer, request, self.device, self.prepared) if request else job.work
        job = self.trainings.submit(key, work, owner)
        frame = job.latest
        remaining = frame.remaining if frame else None
        return View(
            key, "running" if frame else "waiting", frame, frame.progress if frame else 0.0, remaining, job.queue
        )

    def _training_ended(self, job: Job) -> None:
        if job.state == "failed":
            self._failures.put(job.key, sentence(job.error))

    def _work(
        self,
        key: str,
        work: Callable[[Job], Iterator[Any]],
        owner: str,
        priority: tuple[int, int],
        stopped: Collection[str] = (),
        start: bool = True,
    ) -> View:
        """What is kept under `key`, or why it is not, or as far as the job has come."""
        if (kept := self._kept(key, owner)) is not None:
            return kept
        if (message := self._failures.get(key)) is not None:
            return View(key, "failed", self.previews.get(key), message=message)
        if key in stopped:
            preview = self.previews.get(key)
            return View(key, "stopped", preview, preview.progress if preview else 0.0)
        if not start:
            return View(key, "missing")
        job = self.maps.submit(key, partial(self._unless_kept, key, work), owner, priority)
        begun = job.latest is not None or job.progress > 0
        return View(key, "running" if begun else "waiting", job.latest, job.progress, job.remaining, job.queue)

    def _kept(self, key: str, owner: str) -> View | None:
        """The result of `key`, or that the disk is still being asked for it; None where there is none.

        The disk is not asked for what a job is at work on.
        """
        # Asked for before the rest: a job that has ended has left its result behind.
        job = self.maps.job(key)
        at_work = job is not None and not job.stop.is_set()
        result = self.results.get(key) if at_work else self.results.find(key, owner.partition("/")[0])
        if result is PENDING:
            return View(key, "waiting", message=ASKED)
        return None if result is None else View(key, "done", result, 1.0)

    def _unless_kept(self, key: str, work: Callable[[Job], Iterator[Any]], job: Job) -> Iterator[Any]:
        """The work, unless another job for the same has just ended with its result."""
        if (result := self.results.get(key)) is not None:
            yield result
        else:
            yield from work(job)

    # Lessons

    def lesson(
        self, key: str, work: Callable[[Job], Iterator[Any]], owner: str, stopped: Collection[str], wait: float
    ) -> View:
        """What a lesson measures: kept, or as far as its job has come; what takes less than `wait` s is waited for."""
        view = self._work(key, work, owner, (0, 0), stopped)
        if wait and view.live and (job := self.maps.job(key)) is not None:
            job.ended.wait(wait)
            view = self._work(key, work, owner, (0, 0), stopped)
        return view

    # The fairness check

    def plan(self, network: Network) -> Plan:
        """Which layers of the network may be rescaled against each other, and where it can be looked at."""
        if (kept := self.plans.get(network.fingerprint)) is None:
            kept = plan(network)
            self.plans.put(network.fingerprint, kept)
        return kept

    def check(
        self, network: Network, subject: Subject, question: Question, owner: str, stopped: Collection[str] = ()
    ) -> View:
        """The fairness check: from memory, or as far as its job has come. Asking keeps the job alive."""
        key = check_key(network, subject, question)
        work = partial(fairness_frames, network, self.plan(network), subject, question, self.device, self.parts)
        return self._work(key, work, owner, (0, 0), stopped)

    # Evaluation

    def scores(
        self,
        network: Network,
        layer: Layer,
        method: str,
        data: Birds | Folder,
        settings: MapSettings,
        owner: str,
        place: int,
        start: bool,
    ) -> View:
        """How good a method's maps are: kept, or as far as its job has come; methods run in order of `place`.

        `state` is "refused", with the reason, where the method has no map for this network or layer.
        """
        key = scores_key(network, layer, method, data, settings)
        if (kept := self._kept(key, owner)) is not None:
            return kept
        if reason := self._refusal(network, layer, method, settings):
            return View(key, "refused", message=reason)
        if (message := self._failures.get(key)) is not None:
            return View(key, "failed", message=message)
        if not start:
            return View(key, "missing")
        work = partial(self._unless_kept, key, partial(self._scores, network, layer, method, data, settings))
        job = self.maps.submit(key, work, owner, (2, place))
        latest = job.latest if isinstance(job.latest, Judged) else None
        remaining = job.remaining if latest else None
        return View(key, "running" if job.latest else "waiting", latest, job.progress, remaining, job.queue)

    def _refusal(self, network: Network, layer: Layer, method: str, settings: MapSettings) -> str:
        looked_at = (layer.path, str(layer.call), *dependence(method, network, layer))
        place = digest("refusal", network.fingerprint, method, type(settings).__name__, *looked_at)
        reason = self.results.get(place)
        if reason is None:
            reason = judgeable(method, network, layer, settings) or ""
            self.results.put(place, reason)
        return reason

    def _scores(
        self,
        network: Network,
        layer: Layer,
        method: str,
        data: Birds | Folder,
        settings: MapSettings,
        job: Job,
    ) -> Iterator[Preparing | Judged]:
        place = digest("pictures", network.fingerprint, data.key)
        pictures: Pictures | None = self.prepared.get(place)
        if pictures is None:
            for pictures in prepare_pictures(network, data):
                if isinstance(pictures, Preparing):
                    yield pictures
            self.prepared.put(place, pictures)
        yield from judge(network, layer, method, pictures, settings)

    def release(self, owner: str, keep: Collection[str] = ()) -> None:
        """`owner` looks at other maps now: what nobody else waits for stops."""
        self.maps.leave(owner, frozenset(keep))

    def stop(self, key: str, owner: str) -> None:
        """Cancels one map for `owner`; its newest frame is kept."""
        if (job := self.maps.job(key)) is not None:
            # In memory; on disk when the job has ended, by the thread that does the work.
            self._keep_latest(job, self.results.memory)
            self.maps.drop(owner, key)

    def retry(self, key: str) -> None:
        """Forgets that `key` failed."""
        self._failures.drop(key)

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
        if (frame := job.latest) is not None:
            kept = self.previews if hasattr(frame, "progress") else results
            kept.put(job.key, frame)


@st.cache_resource(show_spinner=False, on_release=Backend.close)
def backend() -> Backend:
    """The one backend of this server."""
    return Backend()


def map_key(network: Network, subject: Subject, layer: Layer, settings: CIDSettings) -> str:
    """SHA-256 of all that a map depends on."""
    place = (layer.path, str(layer.call))
    return digest(method_version("cid"), *_weights(network), *place, subject.digest, repr(settings))


def ru_key(network: Network, subject: Subject, layer: Layer, settings: CIDSettings, card: DecoderCard) -> str:
    """SHA-256 of all that a map of RU depends on."""
    place = (layer.path, str(layer.call), card.key)
    return digest(method_version("ru"), *_weights(network), *place, subject.digest, repr(settings))


def baseline_key(method: str, network: Network, subject: Subject, layer: Layer, target: int | None, seed: int) -> str:
    """SHA-256 of all that a baseline's map depends on; the layer only where the method looks at it."""
    looked_at = (*dependence(method, network, layer), str(target), str(seed))
    return digest(method_version(method), *_weights(network), *looked_at, subject.digest)


def check_key(network: Network, subject: Subject, question: Question) -> str:
    """SHA-256 of all that a fairness check depends on."""
    versions = (method_version(method) for method in ("fairness", *FAIRNESS_METHODS))
    return digest(*versions, *_weights(network), subject.digest, repr(question))


def scores_key(network: Network, layer: Layer, method: str, data: Birds | Folder, settings: MapSettings) -> str:
    """SHA-256 of all that a method's scores depend on; the layer only where the method looks at it."""
    versions = (method_version("scores"), method_version(method))
    return digest(*versions, *_weights(network), data.key, repr(settings), *dependence(method, network, layer))


def _weights(network: Network) -> tuple[str, str]:
    """The weights, and the kind of device that they are on: another one rounds differently."""
    return network.fingerprint, next(network.module.parameters()).device.type


def network_bytes(network: Network) -> int:
    """What a network counts for among those in memory: its weights, and at least its share of the number kept."""
    size = sum(value.numel() * value.element_size() for value in network.module.state_dict().values())
    return max(size, NETWORK_BYTES // NETWORKS_KEPT)


# Once per server, before any page asks what there is.
add_requested(sys.argv[1:], add_network)


def networks() -> tuple:
    """The catalogue, what is shipped first."""
    return tuple(sorted(network_catalogue(), key=lambda entry: (not entry.shipped, not entry.available)))


def foreground_gain(result: CIDResult, subject: Subject) -> tuple[float | None, str]:
    """Concentration of the map in nats, and where there is none the reason."""
    if subject.mask is None and subject.box is None:
        return None, "It needs a mask or a box around the subject; this picture has none."
    try:
        if subject.mask is not None:
            return float(concentration(result.entropy, mask=subject.mask)), "mask"
        return float(concentration(result.entropy, box=subject.box)), "box"
    except ValueError as error:
        return None, sentence(error)
