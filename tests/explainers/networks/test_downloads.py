"""Downloads from servers that lie, break off or never end: one sentence, and nothing is left behind."""

import hashlib
import http.server
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from explainers.networks import downloads
from explainers.networks.catalogue import network_catalogue
from explainers.networks.download_digests import DIGESTS
from explainers.networks.downloads import WeightsUnavailable, cached_file, fetch
from tests.support.web import served

CONTENT = b"weights" * 1000
NAME = f"net-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"


class Server(http.server.BaseHTTPRequestHandler):
    """What it does is the first part of the path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        getattr(self, "do_" + self.path.split("/")[1])()

    def start(self, **headers: str) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.close_connection = True

    def do_good(self):
        self.start(Content_Length=str(len(CONTENT)))
        self.wfile.write(CONTENT)

    def do_short(self):
        self.start(Content_Length=str(len(CONTENT)))
        self.wfile.write(CONTENT[: len(CONTENT) // 2])

    def do_changed(self):
        self.start(Content_Length=str(len(CONTENT)))
        self.wfile.write(CONTENT[:-1] + b"!")

    def do_broken(self):
        self.start(Transfer_Encoding="chunked")
        self.wfile.write(b"5\r\nabc")

    def do_promises(self):
        self.start(Content_Length=str(1 << 40))

    def do_endless(self):
        self.start(Connection="close")
        try:
            while True:
                self.wfile.write(bytes(1 << 16))
        except OSError:
            pass

    def do_file(self):
        self.send_response(302)
        self.send_header("Location", "file:///etc/passwd")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_nonsense(self):
        self.wfile.write(b"\0\1\2 no HTTP\r\n\r\n")
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with served(Server) as address:
        yield address


@pytest.fixture(autouse=True)
def few_bytes(cache, monkeypatch):
    monkeypatch.setattr(downloads, "MAX_BYTES", 1 << 20)


def test_a_good_one_is_moved_into_place_whole(server, cache):
    seen = []
    path = fetch(f"{server}/good/{NAME}", lambda share, text: seen.append(cache.joinpath(NAME).exists()))
    assert path.read_bytes() == CONTENT
    assert seen == [False] * len(seen) != []
    assert [file.name for file in cache.iterdir()] == [NAME]


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("short", "damaged"),
        ("changed", "damaged"),
        ("broken", "could not be downloaded|damaged"),
        ("promises", "more than the 1 MiB"),
        ("endless", "more than the 1 MiB"),
        ("file", "could not be downloaded"),
        ("nonsense", "could not be downloaded"),
    ],
)
def test_a_bad_one_is_one_sentence_and_leaves_nothing(server, cache, tmp_path, way, message):
    with pytest.raises(WeightsUnavailable, match=message) as caught:
        fetch(f"{server}/{way}/{NAME}")
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    "path", ["/../../../etc/x-01234567.pth", "/a/..%2f..%2fx-01234567.pth", "/x-01234567.pth?a=/../../b"]
)
def test_no_address_leads_out_of_the_cache(cache, path):
    assert cached_file(f"http://127.0.0.1:9{path}").resolve().parent == cache.resolve()


def test_eight_at_once_leave_one_whole_file(server, cache):
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: fetch(f"{server}/good/{NAME}"), range(8)))
    assert paths == {cache / NAME}
    assert [file.name for file in cache.iterdir()] == [NAME]


def test_a_folder_that_cannot_be_written_is_one_sentence(server, cache, tmp_path):
    (tmp_path / "hub").write_text("a file where the folder should be")
    with pytest.raises(WeightsUnavailable, match="could not be downloaded") as caught:
        fetch(f"{server}/good/{NAME}")
    assert str(tmp_path) not in str(caught.value)


def test_every_file_of_the_catalogue_has_its_digest_and_its_name_begins_with_it():
    assert DIGESTS.keys() == {entry.file for entry in network_catalogue() if not entry.shipped}
    for name, digest in DIGESTS.items():
        assert re.fullmatch("[0-9a-f]{64}", digest)
        assert downloads.HASH.search(name).group(1) == digest[:8]


def test_the_eight_digits_of_a_name_are_not_enough(server, cache, monkeypatch):
    right = hashlib.sha256(CONTENT).hexdigest()
    monkeypatch.setitem(DIGESTS, NAME, right[:8] + right[:7:-1])
    with pytest.raises(WeightsUnavailable, match="damaged"):
        fetch(f"{server}/good/{NAME}")
    assert list(cache.iterdir()) == []
    cache.joinpath(NAME).write_bytes(CONTENT)
    with pytest.raises(WeightsUnavailable, match="damaged"):
        fetch(f"{server}/good/{NAME}")
    monkeypatch.setitem(DIGESTS, NAME, right)
    assert fetch(f"{server}/good/{NAME}").read_bytes() == CONTENT
