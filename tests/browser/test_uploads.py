"""In a real Chromium: bad files are one sentence each, a good one is shown and cut, and nothing leaves the machine."""

import io
import re
from urllib.parse import urlsplit

import pytest
from PIL import Image

from app.jobs.backend import GONE
from tests.support.browser import READY, cheap, expect, quiet, status
from tests.support.hostile_weights import HOSTILE, planted
from tests.support.picture_files import REFUSED, SHOWN
from tests.support.places import ROOT
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser
PICTURES = ("empty", "text", "svg", "html", "zip bomb", "20,000 × 20,000", "cut png", "cut jpeg", "no side")
WEIGHTS = (
    "10⁹ classes, one stored value",
    "path in a key",
    "not a number",
    "integers",
    "overlapping tensors",
    "zip bomb",
)


@pytest.fixture
def requests(page):
    """The hosts that the page asked, or tried to."""
    hosts: set[str] = set()

    def note(asked) -> None:
        hosts.add(urlsplit(asked.url).netloc)

    page.context.on("request", note)
    page.on("websocket", note)
    yield hosts
    page.context.remove_listener("request", note)
    page.remove_listener("websocket", note)


def give(page, key: str, name: str, data: bytes) -> None:
    page.locator(f'.st-key-{key} input[type="file"]').set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )


def clean(page) -> None:
    text = page.locator("body").inner_text()
    for secret in ("Traceback", str(ROOT), "site-packages", "root:x"):
        assert secret not in text
    assert page.complaints == []


def heard(page) -> str:
    """What the browser tells a screen reader, all in one."""
    channel = page.context.new_cdp_session(page)
    nodes = channel.send("Accessibility.getFullAXTree")["nodes"]
    channel.detach()
    return " ".join(str(node.get("name", {}).get("value", "")) for node in nodes)


def all_kinds(page, key: str) -> bool:
    """Whether an uploader's line on sizes and kinds of files is whole."""
    line = page.locator(f'.st-key-{key} [data-testid="stFileUploaderDropzoneInstructions"] span')
    return line.evaluate("line => line.scrollWidth <= line.clientWidth && line.scrollHeight <= line.clientHeight")


def own(page, address) -> None:
    page.goto(cheap(address))
    expect(status(page)).to_contain_text(READY)
    page.get_by_role("radio", name="Your own").click()
    expect(page.locator(".st-key-w_upload")).to_be_visible()
    assert all_kinds(page, "w_upload")


def test_bad_pictures_are_one_sentence_each_and_the_map_stays(page, address, requests):
    own(page, address)
    for name in PICTURES:
        data, _ = REFUSED[name]
        give(page, "w_upload", f"{name[:5]}.png", data)
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("Expected")
        assert alert.count() == 1
        clean(page)
        page.locator(".st-key-w_upload").get_by_role("button", name="Remove").first.click()
        expect(page.get_by_role("alert")).to_have_count(0)
    expect(status(page)).to_contain_text(READY)
    assert requests == {urlsplit(address).netloc}


def test_a_good_picture_is_shown_and_can_be_cut(page, address, requests):
    own(page, address)
    buffer = io.BytesIO()
    Image.open(io.BytesIO(SHOWN["cmyk jpeg"]())).resize((300, 150)).save(buffer, "JPEG")
    give(page, "w_upload", "![mine](x).jpg", buffer.getvalue())
    expect(status(page)).to_contain_text(READY)
    expect(page.locator(".st-key-figures")).to_contain_text("minex.jpg")
    page.get_by_text("Part of the picture").click()
    said = page.locator(".st-key-crop")
    expect(said).to_contain_text("columns 75 to 225 and rows 0 to 150 of 300 × 150")
    expect(said.get_by_role("img")).to_be_visible()
    said.get_by_role("slider").nth(1).press("Home")
    expect(said).to_contain_text("Dark: cut away")
    expect(page.get_by_text("Part of the picture (cropped)")).to_be_visible()
    said.get_by_role("button", name="The whole picture").click()
    expect(said).to_contain_text("columns 75 to 225")
    clean(page)
    assert "picture=upload&" in f"{page.url}&"
    # Only who asks for it puts the picture into the link, and is told for how long; nobody is told its file's name.
    page.get_by_text("Put it into the link").click()
    expect(page.get_by_text(re.compile(r"In the link until .*\d, then it is forgotten"))).to_be_visible()
    expect(page).to_have_url(re.compile("shared="))
    page.goto(page.url)
    expect(page.locator(".st-key-figures")).to_contain_text("A shared picture")
    assert "mine" not in page.locator("body").inner_text()
    assert requests == {urlsplit(address).netloc}


def test_hostile_weights_are_one_sentence_each(page, address, requests, tmp_path):
    import pickle

    page.goto(cheap(address))
    expect(status(page)).to_contain_text(READY)
    page.locator(".st-key-own_weights summary").click()
    quiet(page)
    expect(page.locator(".st-key-w_weights")).to_be_visible()
    wait_until(lambda: "600 MB per file" in heard(page))
    assert "1GB" not in heard(page)
    assert all_kinds(page, "w_weights")
    page.get_by_role("combobox", name="Architecture").click()
    page.get_by_role("option", name="ResNet-20").first.click()
    files = {"code": pickle.dumps({"fc.weight": planted(tmp_path)[0]})} | {name: HOSTILE[name]() for name in WEIGHTS}
    for name, data in files.items():
        quiet(page)
        give(page, "w_weights", f"{name[:4]}.pt", data)
        expect(page.get_by_text("Expected", exact=False).first).to_be_visible()
        clean(page)
        remove = page.locator(".st-key-w_weights").get_by_role("button", name="Remove")
        remove.first.click()
        expect(remove).to_have_count(0)
        page.get_by_role("button", name="Back to the start").click()
        expect(page.get_by_text("Expected", exact=False)).to_have_count(0)
    assert list(tmp_path.iterdir()) == []
    # Of good ones the address holds the place: here it leads back to them, to whoever has not brought them it says so.
    quiet(page)
    give(page, "w_weights", "mine.safetensors", (ROOT / "assets/networks/resnet20-cifar10.safetensors").read_bytes())
    expect(status(page)).to_contain_text("your own weights: mean CID")
    expect(page).to_have_url(re.compile("network=own&"))
    quiet(page)
    page.get_by_role("combobox", name="Network", exact=True).click()
    page.get_by_role("option", name="ResNet-32").first.click()
    expect(page).to_have_url(re.compile("network=resnet32-cifar10&"))
    quiet(page)
    page.go_back()
    expect(status(page)).to_contain_text("your own weights: mean CID")
    page.goto(page.url)
    expect(page.get_by_text(GONE)).to_be_visible()
    assert requests == {urlsplit(address).netloc}


def test_a_whole_visit_asks_nobody_but_the_server(page, address, requests):
    for place in ("", "compare", "fairness", "evaluate", "layers", "learn", "glossary", "about"):
        page.goto(f"{address}/{place}?picture=../../etc/passwd&network=/etc/passwd&layer=/etc")
        expect(page.get_by_role("heading").first).to_be_visible()
        page.wait_for_timeout(500)
        clean(page)
    assert requests == {urlsplit(address).netloc}
