"""The classes of this server: what each teacher shows, who follows, and how many expect what; in memory alone."""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

# Letters and digits that nobody mixes up when they are read aloud or off a wall.
SIGNS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
LENGTH = 6
HOURS = 4
MOST_CLASSES, MOST_STUDENTS, MOST_QUESTIONS = 64, 400, 64
# Seconds after which a student who has not been heard of is no longer counted, and after which a class whose teacher
# has not been heard of makes room for another.
SILENT, DESERTED = 20.0, 600.0
FULL = f"expected at most {MOST_CLASSES} classes at once, and there are as many; try again when one has ended"


class ClassGoneError(LookupError):
    """There is no such class (any more); the message is a sentence for the reader."""


@dataclass(frozen=True)
class Shown:
    """What the teacher looks at: the page's name in the address, its parts, and how often that has changed."""

    page: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    turn: int = 0


@dataclass
class _Class:
    secret: str
    ends: float
    led: float
    shown: Shown = Shown()
    heard: dict[str, float] = field(default_factory=dict)
    answers: dict[str, dict[str, int]] = field(default_factory=dict)
    revealed: set[str] = field(default_factory=set)


class Classes:
    """All of them, in memory alone; safe to use from several threads.

    A class is known by a code that may be given away, and led by whoever knows its secret. It ends by itself after
    `HOURS`, or when its teacher ends it. `clock` gives seconds since 1970.

    >>> classes = Classes(clock=lambda: 0.0)
    >>> code, secret = classes.begin()
    >>> classes.show(code, secret, "learn", {"lesson": "noise"})
    >>> classes.shown(code)
    Shown(page='learn', query={'lesson': 'noise'}, turn=1)
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._classes: dict[str, _Class] = {}

    def begin(self) -> tuple[str, str]:
        """Code and secret of a new class. Raises ValueError, one sentence, where there are too many."""
        with self._lock:
            self._sweep()
            now = self._clock()
            if len(self._classes) >= MOST_CLASSES:
                oldest = min(self._classes, key=lambda code: self._classes[code].led)
                if now - self._classes[oldest].led < DESERTED:
                    raise ValueError(FULL)
                del self._classes[oldest]
            code = _code()
            while code in self._classes:
                code = _code()
            self._classes[code] = _Class(secrets.token_urlsafe(12), now + HOURS * 3600, now)
            return code, self._classes[code].secret

    def end(self, code: str, secret: str) -> None:
        """Ends a class for everybody in it."""
        with self._lock:
            if self._led(code, secret):
                del self._classes[code]

    def is_there(self, code: str) -> bool:
        with self._lock:
            self._sweep()
            return code in self._classes

    def leads(self, code: str, secret: str) -> bool:
        """Whether this is the secret of that class."""
        with self._lock:
            return self._led(code, secret) is not None

    def ends(self, code: str) -> float:
        """When it ends by itself, in seconds since 1970. Raises ClassGoneError."""
        with self._lock:
            return self._find(code).ends

    def show(self, code: str, secret: str, page: str, query: Mapping[str, str]) -> None:
        """What the teacher looks at now; a new turn where it is something else than before."""
        with self._lock:
            led = self._led(code, secret)
            if led is None:
                return
            led.led = self._clock()
            if (led.shown.page, led.shown.query) != (page, query):
                led.shown = Shown(page, dict(query), led.shown.turn + 1)

    def shown(self, code: str) -> Shown:
        """What there is to be seen. Raises ClassGoneError."""
        with self._lock:
            return self._find(code).shown

    def hear(self, code: str, student: str) -> int:
        """Counts a student as present; how many are. Raises ClassGoneError."""
        with self._lock:
            found, now = self._find(code), self._clock()
            if student in found.heard or len(found.heard) < MOST_STUDENTS:
                found.heard[student] = now
            return _present(found, now)

    def present(self, code: str) -> int:
        """How many students have been heard of lately. Raises ClassGoneError."""
        with self._lock:
            return _present(self._find(code), self._clock())

    def answer(self, code: str, question: str, student: str, option: int) -> None:
        """A student's expectation, which may change until it is revealed. Raises ClassGoneError."""
        with self._lock:
            found = self._find(code)
            if question in found.revealed or (len(found.answers) >= MOST_QUESTIONS and question not in found.answers):
                return
            given = found.answers.setdefault(question, {})
            if student in given or len(given) < MOST_STUDENTS:
                given[student] = option

    def answers(self, code: str, question: str, options: int) -> tuple[int, ...]:
        """How many gave each of the `options`; nobody's name is known. Raises ClassGoneError."""
        with self._lock:
            given = list(self._find(code).answers.get(question, {}).values())
            return tuple(given.count(option) for option in range(options))

    def reveal(self, code: str, secret: str, question: str) -> None:
        """Lets everybody see the answers, and what is right."""
        with self._lock:
            led = self._led(code, secret)
            if led is not None and len(led.revealed) < MOST_QUESTIONS:
                led.revealed.add(question)

    def ask_again(self, code: str, secret: str, question: str) -> None:
        """Forgets the answers to a question and hides what is right."""
        with self._lock:
            led = self._led(code, secret)
            if led is not None:
                led.revealed.discard(question)
                led.answers.pop(question, None)

    def revealed(self, code: str, question: str) -> bool:
        """Raises ClassGoneError."""
        with self._lock:
            return question in self._find(code).revealed

    def _sweep(self) -> None:
        now = self._clock()
        self._classes = {code: one for code, one in self._classes.items() if one.ends > now}

    def _find(self, code: str) -> _Class:
        self._sweep()
        if code not in self._classes:
            raise ClassGoneError("expected a class that is being held, got one that has ended; ask for its new link")
        return self._classes[code]

    def _led(self, code: str, secret: str) -> "_Class | None":
        self._sweep()
        found = self._classes.get(code)
        return found if found is not None and secrets.compare_digest(found.secret.encode(), secret.encode()) else None


def _code() -> str:
    return "".join(secrets.choice(SIGNS) for _ in range(LENGTH))


def _present(found: _Class, now: float) -> int:
    return sum(now - heard < SILENT for heard in found.heard.values())
