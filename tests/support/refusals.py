"""What is refused, in the very words."""

from collections.abc import Callable

import pytest


def refused(sentence: str, call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        call()
