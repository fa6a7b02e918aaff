"""Why a weights file cannot be used, in one sentence."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Misshapen:
    """An entry whose shape is not the network's."""

    key: str
    shape: tuple[int, ...]
    expected: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.key} is {times(self.shape)} instead of {times(self.expected)}"


class CheckpointError(ValueError):
    """A weights file that cannot be used, and why, in one sentence.

    Where it holds tensors that do not fit: the keys `missing` and `unexpected`, and the `misshapen` entries.
    """

    def __init__(
        self,
        message: str,
        missing: tuple[str, ...] = (),
        unexpected: tuple[str, ...] = (),
        misshapen: tuple[Misshapen, ...] = (),
    ) -> None:
        super().__init__(message)
        self.missing, self.unexpected, self.misshapen = missing, unexpected, misshapen


def times(shape: tuple[int, ...]) -> str:
    """A shape in words.

    >>> times((16, 3)), times(())
    ('16×3', 'a single number')
    """
    return "×".join(map(str, shape)) or "a single number"


class ChoiceNeededError(CheckpointError):
    """A weights file in which several things could be meant: `architectures` by name, or sets of `weights`.

    One of both has at least two entries; each is taken by that name as an argument of `load_checkpoint`. Where the
    weights are open, the architecture is the only one in `architectures`.
    """

    def __init__(self, message: str, architectures: tuple[str, ...], weights: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.architectures, self.weights = architectures, weights
