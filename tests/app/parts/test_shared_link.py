"""An upload in a link: nowhere until it is asked for, then for everybody who has the link."""

import pytest

from app.jobs.backend import the_backend
from tests.support.pages import chosen, says, until, uploaded, visit


def shared_part(at) -> str:
    value = at.query_params.get("shared", "")
    return value[0] if isinstance(value, list) else value


@pytest.mark.long
def test_an_upload_travels_with_the_link_once_its_owner_says_so():
    anna = uploaded("anna.png")
    assert shared_part(anna) == ""
    anna.toggle(key="w_share").set_value(True).run()
    token = shared_part(anna)
    assert token
    assert says(anna, "In the link until")
    bert = visit(shared=token)
    assert chosen(bert).picture.startswith("upload/")
    assert chosen(bert).picture != chosen(anna).picture
    assert not says(bert, "anna.png")
    assert shared_part(bert) == token
    key = chosen(bert).picture
    assert the_backend().uploaded(key).image.tobytes() == the_backend().uploaded(chosen(anna).picture).image.tobytes()

    # Another picture is in no link of this one; coming back it is.
    anna.button_group(key="w_source").set_value("bird").run()
    anna.button_group(key="w_picture").set_value("bird/3").run()
    assert shared_part(anna) == ""

    # Whoever has opened the link keeps the picture when it is taken out; nobody else comes by it.
    the_backend().shared.withdraw(token)
    bert.run()
    assert chosen(bert).picture == key
    assert shared_part(bert) == ""
    carl = visit(shared=token)
    assert not chosen(carl).picture.startswith("upload/")
    (warning,) = carl.warning
    assert "ask for a new link" in warning.value


@pytest.mark.long
def test_the_part_of_a_shared_picture_and_what_is_drawn_on_it_are_shared_with_it():
    anna = uploaded("anna.png")
    anna.slider(key="w_crop_across").set_value((0, 50)).run()
    until(anna, lambda at: at.toggle(key="w_share"))
    anna.toggle(key="w_share").set_value(True).run()
    bert = visit(shared=shared_part(anna))
    assert chosen(bert).picture.endswith("@0,0,0.5,1")
    anna.number_input(key="w_object_left").set_value(10.0)
    next(button for button in anna.button if button.label == "Use these numbers").click().run()
    bert = visit(shared=shared_part(anna))
    assert chosen(bert).picture.endswith("@0,0,0.5,1~0.1,0.25,0.75,0.75")
