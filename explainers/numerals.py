"""Numbers as they are printed in tables, charts and on pages."""


def minus(text: str) -> str:
    """The text of a number with a true minus sign.

    >>> minus(f"{-0.25:+.1%}")
    '−25.0%'
    """
    return text.replace("-", "−")
