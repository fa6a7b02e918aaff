"""The glossary: one sentence or two per term, for its page and for the tooltips of all others."""

import re
from functools import cache

from app.inputs.sentences import sentence
from explainers.assets import DamagedFile, read_shipped

HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


@cache
def glossary() -> dict[str, str]:
    """Terms and what they mean, in Markdown, in the order of the file. Raises DamagedFile.

    >>> "CID" in glossary()
    True
    """
    return sections(read_shipped("lessons/glossary.md"))


def explain(term: str) -> str:
    """What a term means, for a tooltip, or that the glossary is damaged.

    Raises KeyError for a term that is not in the glossary.

    >>> explain("nats").startswith("The unit")
    True
    """
    try:
        return glossary()[term]
    except DamagedFile as error:
        return sentence(error)


def sections(text: str) -> dict[str, str]:
    """The text under every heading of the second level; what stands before the first is left out.

    >>> sections("Before.\\n## A\\n\\nOne.\\n\\n## B\\nTwo.\\n")
    {'A': 'One.', 'B': 'Two.'}
    """
    _, *parts = HEADING.split(text)
    return dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))
