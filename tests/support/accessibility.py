"""What axe-core finds on a page."""

import pytest

# The rules that look at colours.
COLOURS = ("color-contrast", "link-in-text-block")


def complaints(page, rules: tuple[str, ...] = ()) -> list[str]:
    """One line for every part of the page that breaks a rule, of whatever impact; one of `rules`, where there are any.

    Skipped without axe-core.
    """
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    found = axe.run(page, options=options).response["violations"]
    return [f"{v['impact']} {v['id']}: {node['html'][:200]}" for v in found for node in v["nodes"]]
