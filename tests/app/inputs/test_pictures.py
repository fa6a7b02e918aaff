"""What a visitor brings: found again by its content, and named in plain text."""

from PIL import Image

from app.inputs.pictures import title_of, upload
from explainers.datasets.pictures import GROUNDS
from tests.support.picture_files import encoded


def test_the_key_of_an_upload_depends_on_bytes_and_ground():
    data = encoded(Image.new("RGBA", (3, 3), (0, 0, 0, 0)))
    keys = [upload(data, name, ground).key for name in ("a", "b") for ground in GROUNDS]
    assert len(set(keys)) == len(GROUNDS)


def test_names_become_plain_text():
    for name in ("../../passwd", "![x](http://example.org/x.png)", "<img src=x>", "a`b$c$", "x" * 5000, "\n\r", "…/"):
        title = title_of(name)
        assert title
        assert len(title) <= 60
        assert not set(title) & set("/\\<>[]()!`$*\n")
