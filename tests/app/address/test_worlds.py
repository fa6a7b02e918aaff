"""Networks and pictures go together, and where they do not, that is said."""

from dataclasses import replace

import pytest

from app.address.selection import Selection
from app.address.worlds import WORLDS, fitting, strange, usual, world, world_of
from app.inputs.pictures import SOURCES, gallery
from explainers.networks.catalogue import load_network, network_catalogue
from tests.support.pages import page, says, until

NAMES = [entry.name for entry in network_catalogue()]
PICTURES = [key for source in SOURCES if source != "upload" for key in gallery(source)]


@pytest.mark.parametrize("name", NAMES)
def test_every_network_of_the_catalogue_has_a_world_whose_pictures_there_are(name):
    known = world_of(name)
    assert known in WORLDS.values()
    assert known.usual.startswith(known.pictures)
    assert all(any(key.startswith(beginning) for key in PICTURES) for beginning in known.pictures)


@pytest.mark.parametrize("name", [entry.name for entry in network_catalogue() if entry.shipped])
def test_a_network_that_is_loaded_is_of_the_world_that_the_catalogue_says(name):
    assert world(load_network(name).data) is world_of(name) is not None


@pytest.mark.parametrize("name", [*NAMES, "own/1"])
def test_a_proposed_picture_fits_and_stays(name):
    for key in (*PICTURES, "upload/1"):
        proposed = fitting(key, name)
        assert fitting(proposed, name) == proposed
        assert proposed in (key, usual(name))


def test_a_picture_outside_of_its_world_is_warned_of_by_the_networks_own_name():
    network = load_network("resnet20-cifar10")
    assert strange("bird/3", network) == strange("photo/cat@0,0,1,0.5", network) == ""
    assert strange("photo/astronaut", network).startswith(network.title)
    assert "none of them" in strange("tissue/0", network)
    assert "Of other pictures" in strange("upload/1", network)
    assert strange("photo/astronaut", replace(network, data="unknown")) == ""
    assert strange("upload/1", replace(network, data="ImageNet-1K")) == ""


def test_links_without_a_picture_open_on_one_that_the_network_knows_and_others_keep_theirs():
    assert Selection.from_query({"network": "unet-membranes"}).picture == "tissue/0"
    for picture in ("bird/1", "tissue/0", "photo/cat"):
        chosen = Selection("unet-membranes", picture)
        assert Selection.from_query(chosen.to_query()) == chosen


@pytest.mark.usefixtures("fresh_backend")
@pytest.mark.long
def test_a_page_gives_no_sure_answer_to_a_picture_that_its_network_knows_nothing_of():
    cheap = {"network": "resnet20-cifar10", "methods": "saliency", "refine": "False"}
    at = page(**cheap, picture="photo/astronaut").run()
    assert says(at, "this is none of them")
    assert says(at, "no answer: ")
    at = page(**cheap, picture="bird/1").run()
    assert not says(at, "this is none of them")
    at = page(network="unet-membranes", methods="saliency").run()
    until(at, lambda at: at.session_state["selection"].picture == "tissue/0")
    assert at.session_state["source"] == "tissue"
