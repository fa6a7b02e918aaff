"""A page's choice as the address holds it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import ClassVar

from app.address.links import texts


@dataclass(frozen=True)
class AddressRecord:
    """Base of a page's choice, whose fields all have defaults.

    `NAMES`: what parts of the address are called where a page of the same visit has another of that name.

    >>> @dataclass(frozen=True)
    ... class Choice(AddressRecord):
    ...     NAMES = {"layer": "at"}
    ...     c: float = 4.0
    ...     layer: str = "conv1"
    >>> Choice(layer="fc").to_query(), Choice().texts()
    ({'at': 'fc'}, {'c': '4', 'at': 'conv1'})
    """

    NAMES: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def to_query(self) -> dict[str, str]:
        """What differs from the defaults."""
        plain = type(self)().texts()
        return {name: text for name, text in self.texts().items() if text != plain[name]}

    def texts(self) -> dict[str, str]:
        """All of it as the address holds it."""
        return texts(asdict(self), self.NAMES)
