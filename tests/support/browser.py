"""What browser tests look at on a page."""

from pathlib import Path

SLOW = 120_000


READY = "mean CID"


def expect(locator):
    from playwright.sync_api import expect as wait_for

    return wait_for(locator)


def cheap(address: str, **query: str) -> str:
    pairs = {"network": "resnet20-cifar10", "refine": "False", "grid": "8", "layer": "layer1.0", "view": "layer"}
    pairs |= query
    return f"{address}/?" + "&".join(f"{name}={value}" for name, value in pairs.items())


def status(page):
    return page.locator(".st-key-map_line")


def chart(page, name: str):
    """The chart as it is now; one that it replaces stays in the document for a moment, marked as stale."""
    return page.locator(f'.st-key-figure_{name}:not([data-stale="true"])')


# Whether every legend, title of an axis and note of a chart lies within it.
WHOLE = """chart => {
  const all = chart.querySelector(".main-svg")?.getBoundingClientRect();
  const words = [...chart.querySelectorAll(".legendtext, .xtitle, .ytitle, .annotation-text")];
  const within = ({ left, right, top, bottom }) =>
    left >= all.left - 1 && right <= all.right + 1 && top >= all.top - 1 && bottom <= all.bottom + 1;
  return words.length > 0 && words.every((one) => within(one.getBoundingClientRect())) }"""


def whole(page, name: str) -> bool:
    """Whether all words of a chart lie within it."""
    return chart(page, name).evaluate(WHOLE)


def grid_line(page):
    return page.locator(".st-key-grid_line")


def drawn(page) -> list[str]:
    """Every picture of the grid, as it is drawn."""
    images = chart(page, "grid").locator("image")
    expect(images.first).to_be_attached()
    return images.evaluate_all("all => all.map(one => one.getAttribute('href') ?? one.getAttribute('xlink:href'))")


def popover(page):
    return page.get_by_test_id("stPopoverBody")


def opened(page, place: int = 0):
    """Opens the page's first or another list of files."""
    page.get_by_role("button", name="Take away").locator("visible=true").nth(place).click()
    expect(popover(page)).to_be_visible()


def take(page, kind: str, place: int = 0) -> tuple[str, bytes]:
    """The file's name and what is in it."""
    with page.expect_download(timeout=SLOW) as download:
        popover(page).get_by_role("button", name=kind, exact=True).nth(place).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def quiet(page) -> None:
    """Waits until the script has run and what it wrote has come.

    While the page is drawn anew, a list that is open closes, and a file that is given may be lost.
    """
    page.wait_for_timeout(300)
    expect(page.locator('.stApp[data-test-script-state="notRunning"]')).to_be_visible()
    page.wait_for_timeout(200)
