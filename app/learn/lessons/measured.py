"""What a lesson measures, as a job of the app's own queue: it waits its turn, shows how far it is, can be cancelled."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from app.learn.lessons.bench import network
from app.parts.watch import Asked, Watch
from explainers.methods.entropies import CID_NAME, RU_NAME
from explainers.methods.request import MAP_LANE, Workbench
from explainers.storage.digest import digest
from explainers.storage.versions import method_version

POLL = 0.5
# What is measured sooner takes the place of what it replaces without a bar in between.
QUICK = 1.0
# What is asked for in one of them ends what was before.
SLOTS = LESSON, BESIDE = "learn", "learn beside"
# Raise the first number whenever what a lesson measures changes.
VERSIONS = ("lesson 1", method_version(CID_NAME), method_version(RU_NAME), method_version("information"))


@dataclass(frozen=True, eq=False)
class MeasuredRequest:
    """`measure(*each)` for each of `arguments`, all plain values; `name` is the lesson's."""

    name: str
    arguments: tuple[tuple, ...]
    measure: Callable[..., Any]
    refusal_key, cost = "", 1
    lane: ClassVar[str] = MAP_LANE

    @property
    def key(self) -> str:
        """SHA-256 of the lesson, its arguments, the lessons' network and the methods' versions."""
        return digest(*VERSIONS, network().fingerprint, self.name, repr(self.arguments))

    def refusal(self) -> None:
        return None

    def stream(self, bench: Workbench) -> Iterator["Measured"]:
        """Ever more of the values."""
        values: tuple[Any, ...] = ()
        for each in self.arguments:
            values += (self.measure(*each),)
            yield Measured(values, len(values) / len(self.arguments))


@dataclass(frozen=True)
class Measured:
    """Values in the order of what they were measured for, as far as there are any; `progress` 0 to 1."""

    values: tuple
    progress: float


def measured(
    name: str, arguments: Sequence[tuple], measure: Callable[..., Any], words: str, slot: str = LESSON
) -> tuple[Any, ...] | None:
    """`measure(*each)` for each of `arguments`, all plain values; None while the line with Cancel stands there instead.

    `name` is the lesson's, `words` say what is being measured; what is asked for in one `slot` ends what was before.
    """
    request = MeasuredRequest(name, tuple(arguments), measure)
    work = Watch(slot, lambda: [Asked(request)], f"learn_{name}")
    work.release()
    (view,) = work.ask(QUICK)
    if view.state == "done":
        return view.value.values
    work.draw(lambda views: work.status(views, words, "", "Cancelled; what was measured stays."), POLL)
    return None
