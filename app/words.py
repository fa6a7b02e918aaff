"""How numbers, factors, spans of time and counts are written, on every page and in every figure."""

import math

from explainers.numerals import minus

NONE = "–"
# What may be off by more than that is written as "about".
ROUGH = 0.1
# From here on what is measured in multiples is written without decimals.
MANY = 100
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def decimal(value: float | None, places: int = 3) -> str:
    """So many decimals and a real minus sign; ∞ where nothing is bounded, a dash where nothing is known.

    >>> decimal(-2.9834), decimal(0.12345, 4), decimal(-0.0001), decimal(math.inf), decimal(math.nan), decimal(None)
    ('−2.983', '0.1235', '0.000', '∞', '–', '–')
    """
    return _written(value, f"z.{places}f")


def signed(value: float | None, places: int = 3) -> str:
    """A difference: `decimal` with a plus sign too. Exactly nothing has neither sign nor decimals.

    >>> signed(0.2), signed(-0.01234, 4), signed(0.0), signed(None)
    ('+0.200', '−0.0123', '0', '–')
    """
    return "0" if value == 0 else _written(value, f"+z.{places}f")


def signed_known(value: float | None, error: float | None, places: int = 3) -> str:
    """A difference with the decimals that its error leaves it, one at least; all `places` where it is not known.

    >>> signed_known(0.2551, 0.34), signed_known(-1.042, 0.013), signed_known(0.2551, None), signed_known(None, 0.1)
    ('+0.3', '−1.04', '+0.255', '–')
    """
    return signed(value, _places(error, places))


def gap(value: float, error: float, places: int = 4, least: bool = False) -> str:
    """The same with what it may be off by; `least`: or by more than that.

    >>> gap(0.2551, 0.34), gap(-1.0421, 0.013, least=True), gap(0.0, 0.0)
    ('+0.3 ± 0.3', '−1.04 ± 0.01 or more', '0')
    """
    said = signed_known(value, error, places) + error_of(value, error, _places(error, places))
    return said + (OR_MORE if least else "")


def _places(error: float | None, most: int) -> int:
    return most if error is None or math.isnan(error) else max(1, known_places(error, most))


# What stands after an error that leaves something out, and in the place of what nobody has measured.
OR_MORE, NOT_KNOWN = " or more", "not known"


def near(value: float, error: float, places: int = 3) -> str:
    """A measured value and its standard error, where it has one.

    >>> near(1.0021, 0.0104), near(-0.5, 0.0), near(math.nan, 0.1)
    ('1.002 ± 0.010', '−0.500', '–')
    """
    return decimal(value, places) + error_of(value, error, places)


def error_of(value: float, error: float, places: int = 3) -> str:
    """What stands after a value for its standard error; nothing where either is unknown or there is no error.

    An error that is there is never written as zero.

    >>> error_of(0.3, 0.01), error_of(0.3, 0.0), error_of(0.3, math.nan), error_of(0.3, 1e-5)
    (' ± 0.010', '', '', ' ± 0.001')
    """
    known = not math.isnan(value) and not math.isnan(error) and error
    return f" ± {decimal(least(error, places), places)}" if known else ""


def multiple(value: float, error: float) -> str:
    """How many times something is what it may be, with its standard error.

    Where that is many, whole, and no finer than two digits of the error.

    >>> multiple(1.004, 0.016), multiple(268.575, 3.9), multiple(1888681.2, 40230.0)
    ('1.004 ± 0.016', '269 ± 4', '1,889,000 ± 40,000')
    """
    if value < MANY:
        return near(value, error)
    step = 10 ** max(0, len(f"{error:.0f}") - 2)
    return f"{round(value / step) * step:,} ± {round(error / step) * step:,}"


def least(error: float, places: int) -> float:
    """An error as it can be written with so many decimals: not less than the last of them.

    >>> least(3e-5, 4), least(0.0123, 4)
    (0.0001, 0.0123)
    """
    return max(error, 10.0**-places)


def roughly(value: float, error: float | None = None) -> str:
    """A value that is not settled, with the digits that its error leaves it; whole where its error is not known.

    >>> roughly(-1.873), roughly(-1.873, 0.03), roughly(-1.873, 0.004), roughly(-1.873, 4), roughly(math.inf)
    ('about −2', 'about −1.9', 'about −1.87', 'about −2', '∞')
    """
    if not math.isfinite(value):
        return decimal(value)
    known = error is not None and math.isfinite(error) and error < 1
    return f"about {decimal(value, min(3, math.floor(-math.log10(max(error or 0, 1e-3)))) if known else 0)}"


def known(value: float | None, error: float | None, places: int = 3) -> str:
    """A value with the decimals that its error leaves it, at most `places`; all of them where the error is not known.

    >>> known(-1.8731, 0.031), known(-1.8731, 0.0, 4), known(-1.8731, 1.5), known(-1.8731, None), known(None, 0.1)
    ('−1.87', '−1.8731', 'about −2', '−1.873', '–')
    """
    if value is None or not math.isfinite(value) or error is None or math.isnan(error):
        return decimal(value, places)
    return ("about " if error > ROUGH else "") + decimal(value, known_places(error, places))


def known_places(error: float, most: int) -> int:
    """The decimals of a value that may be off by `error`, at most so many.

    >>> known_places(0.031, 4), known_places(0.2, 4), known_places(0.0, 4), known_places(3.0, 4)
    (2, 1, 4, 0)
    """
    if error == 0:
        return most
    digits = -math.log10(min(error, 1.0))
    return min(most, round(digits) if error > ROUGH else math.ceil(digits))


def number(value: float | None, digits: int = 3) -> str:
    """So many digits wherever the decimal point is, without zeros at the end.

    >>> number(0.0), number(3.13614), number(-0.5), number(7e-5), number(math.inf), number(None)
    ('0', '3.14', '−0.5', '7·10⁻⁵', '∞', '–')
    """
    return _written(value, f"z.{digits}g")


def scientific(value: float) -> str:
    """A number above zero as one writes it by hand, two digits and a power of ten.

    >>> scientific(1.5e-4), scientific(0.01)
    ('1.5·10⁻⁴', '10⁻²')
    """
    return _by_hand(f"{value:.1e}")


def part(value: float) -> str:
    """A share or a multiple of two as one reads it.

    >>> part(0.25), part(1), part(8)
    ('1/4', '1', '8')
    """
    return f"1/{1 / value:g}" if value < 1 else f"{value:g}"


def factor(value: float, digits: int | None = None) -> str:
    """By what something is multiplied or divided; a measured one with so many `digits`.

    >>> factor(4.0), factor(0.25), factor(1.0), factor(0.25, 4), factor(0.9999, 3), factor(-0.5, 4)
    ('× 4', '÷ 4', '× 1', '÷ 4.000', '× 1.00', '× −0.5000')
    """
    sign, shown = ("÷", 1 / value) if 0 < value < 0.999 else ("×", value)
    return f"{sign} {_written(shown, 'g' if digits is None else f'#.{digits}g')}"


def duration(seconds: float) -> str:
    """What something took.

    >>> duration(0.0123), duration(3.21), duration(75.2)
    ('12 ms', '3.2 s', '75 s')
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def about(seconds: float) -> str:
    """What something will take, as roughly as that is known.

    >>> about(3.2), about(50), about(400), about(9000)
    ('about 5 s', 'about 50 s', 'about 7 min', 'about 2.5 h')
    """
    if seconds < 90:
        return f"about {max(5, 5 * round(seconds / 5))} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def time_left(seconds: float | None) -> str:
    """What is left of something that runs, no finer than that is known.

    >>> time_left(None), time_left(0.4), time_left(4.2), time_left(42.3), time_left(200)
    ('', 'a few seconds left', 'a few seconds left', 'about 40 s left', 'about 3 min left')
    """
    if seconds is None:
        return ""
    if seconds < 8:
        return "a few seconds left"
    minutes = max(1, round(seconds / 60))
    return f"about {10 * round(seconds / 10)} s left" if seconds < 55 else f"about {minutes} min left"


def coarsely(seconds: float) -> str:
    """A span of time of which only the order is known.

    >>> coarsely(5), coarsely(50), coarsely(300), coarsely(3000), coarsely(20000)
    ('a few seconds', 'about a minute', 'a few minutes', 'many minutes', 'hours')
    """
    for end, words in ((20, "a few seconds"), (100, "about a minute"), (900, "a few minutes"), (7200, "many minutes")):
        if seconds < end:
            return words
    return "hours"


def passes(forward: float, backward: float) -> str:
    """How often a picture went through the network, there and back.

    >>> passes(12, 3.0)
    '12 + 3'
    """
    return f"{forward:.0f} + {backward:.0f}"


def megabytes(size: int) -> str:
    """
    >>> megabytes(4_096), megabytes(300_000), megabytes(102_530_333)
    ('4 kB', '0.3 MB', '103 MB')
    """
    if size < 1e5:
        return f"{size / 1e3:.0f} kB"
    return f"{size / 1e6:.1f} MB" if size < 1e7 else f"{size / 1e6:.0f} MB"


def counted(count: int, one: str, many: str = "") -> str:
    """
    >>> counted(1, "map"), counted(1200, "map"), counted(2, "class", "classes")
    ('1 map', '1,200 maps', '2 classes')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def read(text: str) -> float:
    """The number that `decimal`, `signed` and `near` have written, without its error or unit. Raises ValueError.

    >>> read("−2.983"), read("+0.200 ± 0.010"), read("∞")
    (-2.983, 0.2, inf)
    """
    return float(text.split()[0].replace("−", "-").replace("∞", "inf"))


def _written(value: float | None, form: str) -> str:
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = format(value, form)
    return _by_hand(text) if "e" in text else minus(text)


def _by_hand(text: str) -> str:
    # 1.50e-04 -> 1.5·10⁻⁴
    digits, exponent = text.split("e")
    ten = "10" + str(int(exponent)).translate(RAISED)
    digits = minus(digits.rstrip("0").rstrip(".") if "." in digits else digits)
    return {"1": ten, "−1": f"−{ten}"}.get(digits, f"{digits}·{ten}")
