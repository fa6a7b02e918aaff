"""What axe-core finds on a page."""

import pytest


def complaints(page, only: str = "") -> list[str]:
    """One line for every part of the page that breaks a rule, of whatever impact; of the rules of one category only.

    Skipped without axe-core.
    """
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    options = {"resultTypes": ["violations"]}
    if only:
        options["runOnly"] = [only]
    found = axe.run(page, options=options).response["violations"]
    return [f"{v['impact']} {v['id']}: {node['html'][:200]}" for v in found for node in v["nodes"]]
