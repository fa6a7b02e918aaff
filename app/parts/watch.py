"""What a page waits for: asked for again and again, drawn as it comes, cancelled, and started again."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import streamlit as st

from app.address import selection
from app.jobs.backend import View, meet, the_backend
from app.jobs.costs import guess, measured
from app.parts import progress
from app.parts.left import Part, Promise, together
from app.words import about, coarsely
from explainers.methods.request import Request

# Seconds between two looks, and for what takes longer than so many: each costs a few thousand bytes.
POLL, SLOW_POLL, QUICK = 1.0, 3.0, 30.0
# Without one of these states there is nothing to wait for.
OPEN = ("missing", "waiting", "running", "done", "stopped", "failed")


CHANGED, FOLLOWED = "the page has changed", "what follows what is polled"


def page_changed() -> None:
    """Called where something in what is polled has changed more of the page than itself."""
    st.session_state[CHANGED] = True


def followed(draw: Callable[[], None]) -> None:
    """`draw()`, of which nothing is seen but its rules, after what this page polls has been drawn anew.

    For what else of the page tells of the same maps.
    """
    st.session_state[FOLLOWED] = draw


def forget() -> None:
    """At the beginning of a page: nothing follows what it polls."""
    st.session_state.pop(FOLLOWED, None)


@dataclass(frozen=True)
class Asked:
    """A request and its place among those of one owner (`Job.turn`): the lowest goes first.

    Without `start` it is only looked up.

    `cost`, in a unit that all requests of a place share, where passes through several networks are asked for together;
    0: the request's own.
    """

    request: Request
    order: tuple[int, ...] = (0, 0)
    start: bool = True
    cost: int = 0


@dataclass(frozen=True)
class Start:
    """Work that waits for a button: what is said beside it, and its words."""

    text: str
    label: str
    icon: str = "stacks"


def afresh(key: str) -> None:
    """The work of that key may begin again, which had been stopped or had failed."""
    selection.stopped().discard(key)
    the_backend().retry(key)


class Watch:
    """The work of one place on a page.

    `build()` gives what is asked for now; it may change from poll to poll, and a `View` in it stands for what is not
    asked for. Everything is asked for at once, or with `waits` when its button has been pressed; that is remembered
    for as long as any of it is asked for. `name` is the owner's and the key of the line that says how far it is.
    """

    def __init__(self, name: str, build: Callable[[], Sequence[Asked | View]], line: str, waits: bool = False) -> None:
        self.owner, self.build, self.line, self.waits = selection.owner(name), build, line, waits
        # What each counts for in the bar.
        self.weights: dict[str, int] = {}
        self.requests: dict[str, Request] = {}
        self.promise: Promise = st.session_state.setdefault(f"promise {name}", Promise())
        # What `release` has found, for the first drawing.
        self._now: list[View] | None = None
        self.started: set[str] = st.session_state.setdefault(f"started {name}", set())
        # Since when each has been waited for.
        self.waited: dict[str, float] = st.session_state.setdefault(f"waited {name}", {})

    def ask(self, wait: float = 0.0) -> list[View]:
        """How everything stands; asking keeps it alive."""
        meet(self.owner.partition("/")[0], the_backend())
        return [self._ask(each, wait) for each in self.build()]

    def _ask(self, asked: Asked | View, wait: float) -> View:
        if isinstance(asked, View):
            return asked
        start = asked.start and (not self.waits or asked.request.key in self.started)
        view = the_backend().ask(asked.request, self.owner, asked.order, selection.stopped(), start, wait)
        self.requests[view.key] = asked.request
        self.weights[view.key] = asked.cost or 1
        return view

    def release(self) -> list[View]:
        """How everything stands, after letting go of what was asked for before and is no longer."""
        views = self.ask()
        keys = {view.key for view in views}
        self.started &= keys
        the_backend().release(self.owner, keep=keys)
        self._now = views
        return views

    def cancel(self, views: Sequence[View]) -> None:
        for view in views:
            if view.live:
                if not self.waits:
                    selection.stopped().add(view.key)
                the_backend().stop(view.key, self.owner)
            self.started.discard(view.key)

    def again(self, views: Sequence[View]) -> None:
        for view in views:
            afresh(view.key)
            self.started.add(view.key)

    def draw(self, draw: Callable[[list[View]], None], every: float = POLL) -> None:
        """`draw(views)` now, and again every so many seconds for as long as something is computed."""
        now, self._now = self._now or self.ask(), None
        pause = self._pause(now, every)

        def refresh() -> None:
            nonlocal now
            if st.session_state.pop(CHANGED, False):
                st.rerun()
            # What the page has just asked for, and drawn, need not be asked for or drawn twice.
            polled = now is None
            views, now = now or self.ask(), None
            if self._pause(views, every) != pause:
                st.rerun()
            draw(views)
            if polled and FOLLOWED in st.session_state:
                st.session_state[FOLLOWED]()

        st.fragment(refresh, run_every=pause)()

    def _pause(self, views: Sequence[View], every: float) -> float | None:
        """Seconds until the next look: more of them once it has taken long; None where nothing is computed."""
        live = {view.key for view in views if view.live}
        if not live <= self.waited.keys():
            self.waited.clear()
        if not live:
            return None
        now = time.monotonic()
        for key in live:
            self.waited.setdefault(key, now)
        return every if now - min(self.waited.values()) < QUICK else max(every, SLOW_POLL)

    def status(
        self,
        views: Sequence[View],
        doing: str,
        done: str,
        cancelled: str = "",
        again: str = "Go on",
        start: Start | None = None,
    ) -> None:
        """The line: how far it has come with Cancel, or what became of it with a button that goes on."""
        stop, go_on = partial(self.cancel, views), partial(self.again, views)
        wanted = [view for view in views if view.state in OPEN]
        live = [view for view in wanted if view.live]
        failed = [view for view in wanted if view.state == "failed"]
        if live:
            # What runs comes first: where the others stand in line behind it tells the reader nothing.
            queue = min(live, key=lambda view: view.state != "running").message
            words = progress.in_line(doing, queue)
            progress.running(words, share(wanted, self.weights), self.left(live), self.line, stop)
        elif all(view.state == "done" for view in wanted):
            progress.ended(done, "check_circle", self.line)
        elif start is not None:
            text = f"{start.text} {len(failed)} failed: {failed[0].message}" if failed else start.text
            progress.ended(text, "error" if failed else start.icon, self.line, (start.label, go_on))
        elif failed:
            progress.ended(failed[0].message, "error", self.line, ("Try again", go_on))
        else:
            progress.ended(cancelled, "cancel", self.line, (again, go_on))

    def foreseen(self, views: Sequence[View]) -> str:
        """Words on how long what is not done would take; empty where nothing is known of a part of it."""
        seconds, sure = together([self._part(view) for view in views if view.state != "done"])
        return "" if seconds is None else about(seconds) if sure else coarsely(seconds)

    def left(self, live: Sequence[View]) -> str:
        """Words on the time that is left of what waits and runs."""
        seconds, sure = together([self._part(view) for view in live])
        # Whoever else waits has a turn for each of ours.
        others = max((view.others for view in live), default=0)
        reason = frozenset(self.requests), others
        return self.promise.say(None if seconds is None else seconds * (1 + others), sure, reason)

    def _part(self, view: View) -> Part:
        request, told = self.requests.get(view.key), hasattr(view.value, "remaining")
        if request is None:
            return Part()
        foreseen = the_backend().paces.foresee(request)
        wanted = foreseen is None and not told and not self._hurries(view)
        return Part(foreseen, guess(the_backend(), request) if wanted else None, view.progress, view.remaining, told)

    def _hurries(self, view: View) -> bool:
        """Whether it was just asked for, so that the page had better be drawn than the machine's speed measured."""
        since = self.waited.get(view.key)
        return view.live and since is not None and time.monotonic() - since < POLL / 2 and not measured()


def share(views: Sequence[View], weights: Mapping[str, int] = MappingProxyType({})) -> float:
    """How much of the work is done; without `weights`, all counts alike.

    >>> share([View("a", "done"), View("b", "running", progress=0.5), View("c", "missing"), View("d", "failed")])
    0.625
    >>> share([View("a", "done"), View("b", "missing")], {"a": 3, "b": 1})
    0.75
    """
    each = [view.progress if view.live else float(view.state != "missing") for view in views]
    weighted = [weights.get(view.key, 1) for view in views]
    return sum(part * weight for part, weight in zip(each, weighted, strict=True)) / sum(weighted)
