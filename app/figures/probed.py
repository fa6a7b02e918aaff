"""What the pixel probe is told of a map: what it is called, its unit, and with how many digits its values are read."""

from typing import Any

# Decimals of nats; significant digits of what has any size.
DECIMALS, DIGITS = 3, 4


def probed(title: str, unit: str = "nats", fixed: bool = True, preview: bool = False, **more: str) -> dict[str, Any]:
    """Of a trace whose values (`customdata` where there are any, else `z`) the probe shows in the page.

    `fixed` decimals or significant digits; a `preview` has none. `more`: `opens`, the layer that a click leads to, and
    `plus`, where values above zero have a sign.

    >>> probed("CID")["meta"]["probe"]
    {'title': 'CID', 'unit': 'nats', 'decimals': 3, 'preview': False}
    """
    digits = {"decimals": DECIMALS} if fixed else {"digits": DIGITS}
    return {"meta": {"probe": {"title": title, "unit": unit} | digits | {"preview": preview} | more}}
