"""Archives of pictures to train a decoder on, made to break their reader."""

import zipfile

import pytest

from app.explore import decoder_pictures
from app.explore.decoder_pictures import gather, unzip
from tests.support.archives import zipped
from tests.support.picture_files import noise


def test_a_zip_gives_its_pictures_and_nothing_hidden():
    files = {
        "a/1.png": noise(24, 20, 1),
        "a/.2.png": noise(24, 20, 2),
        "__MACOSX/1.png": noise(24, 20, 3),
        "notes.txt": b"x",
        "b/4.JPG": b"x",
    }
    assert [name for name, _ in unzip(zipped(files))] == ["a/1.png", "b/4.JPG"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (lambda: b"no zip", "damaged or locked"),
        (lambda: zipped({"a.png": b""}, zipfile.ZIP_LZMA), "damaged or locked"),
        (lambda: zipped({"a.png": bytes(1 << 27)}, zipfile.ZIP_BZIP2), "damaged or locked"),
        (lambda: zipped({f"{i}.txt": b"" for i in range(20_000)}, zipfile.ZIP_DEFLATED), "a zip of many more files"),
        (lambda: zipped({f"{i}.png": b"" for i in range(201)}), "expected at most 200 pictures, got 201"),
        (lambda: zipped({"a.png": bytes(1 << 20)}, zipfile.ZIP_DEFLATED), "expected pictures of at most 0 MB"),
    ],
)
def test_a_zip_that_is_none_or_holds_too_much_is_refused(data, sentence, monkeypatch):
    monkeypatch.setattr(decoder_pictures, "PICTURE_MEGABYTES", 0)
    with pytest.raises(ValueError, match=sentence):
        list(unzip(data()))


def test_pictures_that_unfold_to_too_much_are_refused_before_the_last(monkeypatch):
    monkeypatch.setattr(decoder_pictures, "TOGETHER_MEGABYTES", 2)
    archive = zipped({f"{i}.png": bytes(1 << 20) for i in range(200)}, zipfile.ZIP_DEFLATED)
    opened = []
    monkeypatch.setattr(
        decoder_pictures, "_unfold", lambda *a, unfold=decoder_pictures._unfold: opened.append(a) or unfold(*a)
    )
    with pytest.raises(ValueError, match="expected at most 2 MB of pictures"):
        gather([("a.zip", archive)])
    assert len(opened) == 3
    with pytest.raises(ValueError, match="expected at most 200 pictures"):
        gather((f"{i}.png", b"") for i in range(201))
