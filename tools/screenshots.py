"""Every page of the running app in a real Chromium, at three widths, light and dark: `make screenshots`.

Starts a server of its own, opens each page, waits until nothing runs any more, and writes a PNG of the window for each
width and theme. They are there to be looked at.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.server import serving  # noqa: E402

CHEAP = "network=resnet20-cifar10&refine=False&grid=8&layer=layer1.0"
PAGES = {
    "start": "",
    "pin": "?pin=28+34",
    "one-layer": "?view=layer&layer=conv5",
    "noise": "?view=layer&layer=fc6&noise=20",
    "all-layers": f"?{CHEAP}&view=layers",
    "present": "?view=layer&layer=conv5&present=1",
    "compare": f"compare?{CHEAP}&other=resnet32-cifar10",
    "fairness": "fairness?network=resnet20-cifar10&grid=4",
    "evaluate": "evaluate?network=resnet20-cifar10",
    "layers": "layers",
    "studies": "studies",
    "study": "studies?study=layers",
    "flow": "flow",
    "learn": "learn?lesson=noise",
    "learn-present": "learn?lesson=noise&present=1",
    "class": "class",
    "glossary": "glossary",
    "about": "about",
}
WIDTHS: Mapping[int, int] = {1440: 900, 800: 900, 390: 844}
# Milliseconds: until a page stands, and until its work is done.
STANDS, DONE = 120_000, 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "screenshots")
    parser.add_argument("--pages", nargs="*", default=list(PAGES), choices=list(PAGES))
    parser.add_argument("--widths", nargs="*", type=int, default=list(WIDTHS), choices=list(WIDTHS))
    parser.add_argument("--themes", nargs="*", default=["light", "dark"], choices=["light", "dark"])
    parser.add_argument("--height", type=int, help="of the window, instead of that of the width")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    from playwright.sync_api import sync_playwright

    with serving() as (address, _), sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for width in given.widths:
            phone = width < 600
            context = browser.new_context(
                viewport={"width": width, "height": given.height or WIDTHS[width]}, has_touch=phone, is_mobile=phone
            )
            page = context.new_page()
            for name in given.pages:
                for theme in given.themes:
                    page.emulate_media(color_scheme=theme)
                    page.goto(f"{address}/{PAGES[name]}")
                    _stand(page)
                    page.screenshot(path=given.out / f"{name}-{width}-{theme}.png")
                    print(given.out / f"{name}-{width}-{theme}.png", flush=True)
            context.close()
        browser.close()


def _stand(page) -> None:
    """Waits until the page is drawn, and a while longer for what it computes."""
    page.locator("h1, .st-key-present_row").first.wait_for(timeout=STANDS, state="attached")
    page.locator('.stApp[data-test-script-state="notRunning"]').wait_for(timeout=STANDS)
    cancel = page.get_by_role("button", name="Cancel", exact=True)
    for _ in range(DONE // 1000):
        if not cancel.count() and not page.locator('[data-stale="true"], [data-testid="stSkeleton"]').count():
            break
        page.wait_for_timeout(1000)
    page.wait_for_timeout(700)


if __name__ == "__main__":
    main()
