"""Whose an upload is: it belongs to the session that brought it, whoever else knows its name or has the same file."""

from explainers.storage.digest import digest


def mark(owner: str) -> str:
    """What names of a session's uploads begin with; `owner` is "session/slot" or the session alone.

    >>> mark("anna/map") == mark("anna"), mark("anna") == mark("bert"), len(mark("anna"))
    (True, False, 16)
    """
    return digest("owner", owner.partition("/")[0])[:16]


def owns(owner: str, key: str) -> bool:
    """Whether the upload `key`, "own/…" or "upload/…", was brought by the session of `owner`.

    >>> owns("anna", f"upload/{mark('anna')}12"), owns("bert", f"upload/{mark('anna')}12")
    (True, False)
    """
    return key.partition("/")[2].startswith(mark(owner))
