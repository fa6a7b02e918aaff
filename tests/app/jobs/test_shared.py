"""Pictures in a link: found by whoever has it, for as long as was promised, and no longer."""

import pytest

from app.inputs.pictures import PictureGoneError, upload
from app.jobs.memory import weight
from app.jobs.shared import HOURS, TITLE, SharedPictures
from tests.support.picture_files import plain
from tests.support.waiting import Clock


def picture(name: str = "my child.png", shade: int = 0):
    return upload(plain((shade, 0, 0), 40, 30), name)


def test_it_is_found_without_its_name_until_it_is_withdrawn():
    shared, mine = SharedPictures(), picture()
    token, _ = shared.share(mine)
    found = shared.find(token).picture
    assert found.title == TITLE
    assert found.image.tobytes() == mine.image.tobytes()
    shared.withdraw(token)
    with pytest.raises(PictureGoneError, match="ask for a new link"):
        shared.find(token)


def test_it_is_forgotten_when_it_was_said_to_be():
    clock = Clock()
    shared = SharedPictures(clock=clock)
    token, ends = shared.share(picture())
    assert ends == HOURS * 3600
    clock.now = ends - 1
    assert shared.is_there(token)
    clock.now = ends
    assert not shared.is_there(token)


def test_what_was_promised_makes_no_room_for_others():
    shared = SharedPictures(limit=2 * weight(picture()) + 1)
    tokens = [shared.share(picture(shade=shade))[0] for shade in (1, 2)]
    with pytest.raises(ValueError, match="expected room for another shared picture"):
        shared.share(picture(shade=3))
    assert all(map(shared.is_there, tokens))
    shared.withdraw(tokens[0])
    shared.share(picture(shade=3))
