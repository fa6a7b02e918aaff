"""Pictures of a sweep: the same as the app shows, with what is known of their foregrounds, wherever they are opened."""

import json
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from explainers.datasets.birds.render import LOOKALIKES, render_bird
from explainers.datasets.birds.source import shown_side
from explainers.datasets.cifar10 import CLASSES
from explainers.datasets.folder import ImageFolder
from explainers.datasets.pictures import PictureError
from explainers.sweeps.pictures import find_pictures


@pytest.fixture
def folder(tmp_path):
    """Two classes with a picture each, one at the top, and what is none."""
    root = tmp_path / "pictures"
    for place, name in enumerate(("cat/a.png", "dog/sub/b.png", "c.png")):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((40, 60, 3), 40 * place, np.uint8)).save(path)
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return root


def test_birds_are_those_of_the_app(network):
    for index, item in enumerate(find_pictures("birds:3").items):
        picture = find_picture(item.name, shown_side(network.input_size[0]))
        shown, swept = prepare(network, picture), item.seen_by(network)
        assert swept.digest == shown.digest
        assert swept.box == shown.box
        assert np.array_equal(swept.mask, shown.mask)
        assert item.labels[0] in picture.title.lower(), index


def test_classes_are_the_folders_names(folder):
    found = find_pictures(str(folder)).items
    assert {item.name: item.labels for item in found} == {
        "broken.png": (), "c.png": (), "cat/a.png": ("cat",), "dog/sub/b.png": ("dog",),
    }  # fmt: skip


def test_a_picture_that_cannot_be_read_says_its_name(folder, network):
    broken = next(item for item in find_pictures(str(folder)).items if item.name == "broken.png")
    with pytest.raises(PictureError, match=r"^broken\.png: expected"):
        broken.seen_by(network)
    (folder / "broken.png").unlink()
    with pytest.raises(PictureError, match="gone or protected"):
        broken.identity()


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_boxes_go_with_their_pictures(folder, tmp_path, network, kind):
    (folder / "broken.png").unlink()
    if kind == "csv":
        path = tmp_path / "boxes.csv"
        path.write_text("name,x0,y0,x1,y1\ncat/a.png,10,0,50,40\n")
    else:
        path = tmp_path / "boxes.json"
        image, box = {"id": 1, "file_name": "cat/a.png"}, {"image_id": 1, "bbox": [10, 0, 40, 40]}
        path.write_text(json.dumps({"images": [image], "annotations": [box]}))
    found = {item.name: item for item in find_pictures(str(folder), [path]).items}
    # 60×40 becomes 48×32, of which the middle 32 columns are seen.
    assert found["cat/a.png"].seen_by(network).box == (0, 0, 32, 32)
    assert found["c.png"].seen_by(network).box is None


def test_masks_lie_under_the_names_of_the_pictures(folder, tmp_path, network):
    (folder / "broken.png").unlink()
    mask = np.zeros((40, 60), np.uint8)
    mask[:, 30:] = 255
    (tmp_path / "masks" / "cat").mkdir(parents=True)
    Image.fromarray(mask).save(tmp_path / "masks" / "cat" / "a.bmp")
    found = find_pictures(str(folder), masks=tmp_path / "masks")
    assert found.notes == ("2 of 3 pictures have no mask",)
    seen = {item.name: item for item in found.items}["cat/a.png"].seen_by(network)
    assert seen.foreground[:, 17:].all()
    assert not seen.foreground[:, :15].any()
    Image.fromarray(mask[:20]).save(tmp_path / "masks" / "cat" / "a.bmp")
    with pytest.raises(PictureError, match="expected a mask of 60×40 pixels"):
        found.items[1].seen_by(network)


def test_masks_come_from_coco_s_file(folder, tmp_path, network):
    (folder / "broken.png").unlink()
    path = tmp_path / "masks.json"
    image = {"id": 1, "file_name": "cat/a.png", "width": 60, "height": 40}
    right = {"image_id": 1, "segmentation": [[30, 0, 60, 0, 60, 40, 30, 40]]}
    path.write_text(json.dumps({"images": [image], "annotations": [right, {"image_id": 2}]}))
    found = find_pictures(str(folder), masks=path)
    assert found.notes == (
        "1 of 2 masks are left out: expected the id of a picture with file_name, height and width in annotation 2, "
        "got others",
        "2 of 3 pictures have no mask",
    )
    seen = {item.name: item for item in found.items}["cat/a.png"].seen_by(network)
    assert seen.foreground[:, 17:].all()
    assert not seen.foreground[:, :15].any()
    path.write_text(json.dumps({"images": [image | {"file_name": "z.png"}], "annotations": [right]}))
    with pytest.raises(ValueError, match=r"expected masks in 'masks\.json' under the names of the pictures"):
        find_pictures(str(folder), masks=path)


def test_what_a_picture_depends_on_is_its_content_and_what_its_row_says_of_it(folder):
    def identities():
        return {item.name: item.identity() for item in find_pictures(str(folder)).items}

    before = identities()
    # A copy, under another name or in another class, has rows of its own.
    (folder / "d.png").write_bytes((folder / "c.png").read_bytes())
    (folder / "dog" / "c.png").write_bytes((folder / "c.png").read_bytes())
    after = identities()
    assert before.items() < after.items()
    assert len(set(after.values())) == len(after) == 6
    Image.new("RGB", (9, 9)).save(folder / "d.png")
    assert identities()["d.png"] != after["d.png"]


def test_links_that_lead_out_or_nowhere_are_named(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "elsewhere" / "a.png")
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (folder / "out.png").symlink_to(tmp_path / "elsewhere" / "a.png")
    (folder / "cat" / "more").symlink_to(tmp_path / "elsewhere")
    (folder / "same.png").symlink_to(folder / "c.png")
    found = find_pictures(str(folder))
    assert "same.png" in {item.name for item in found.items}
    assert [name for name, _ in found.left_out] == ["cat/more", "gone.png", "out.png"]
    assert found.left_out[1][1].startswith("gone.png: expected a file of this folder")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "a.png").symlink_to(folder / "c.png")
    with pytest.raises(ValueError, match=r"found none .*links that lead out"):
        find_pictures(str(tmp_path / "links"))


def test_a_folder_is_taken_whole(folder, monkeypatch):
    # Not cut where the app's list of a folder ends.
    asked = []

    def listed(*how):
        asked.append(how)
        return ImageFolder(*how)

    monkeypatch.setattr("explainers.sweeps.pictures.ImageFolder", listed)
    assert len(find_pictures(str(folder)).items) == 4
    assert asked == [(folder, 1_000_000)]
    assert len(ImageFolder(folder, 3)) == 3


def test_packed_pictures_need_no_files(folder, network):
    (folder / "broken.png").unlink()
    for item in (*find_pictures(str(folder)).items, *find_pictures("birds:1").items):
        here, away = item.seen_by(network), pickle.loads(pickle.dumps(item.packed()))
        (folder / item.name).unlink(missing_ok=True)
        assert away.seen_by(network).digest == here.digest


def test_pictures_without_a_box_are_counted_and_boxes_outside_are_problems(folder, tmp_path, network):
    (tmp_path / "boxes.csv").write_text("name,x0,y0,x1,y1\ncat/a.png,500,500,600,600\nc.png,0,0,10,10\n")
    found = find_pictures(str(folder), [tmp_path / "boxes.csv"])
    assert found.notes == ("2 of 4 pictures have no box",)
    (outside,) = [item for item in found.items if item.name == "cat/a.png"]
    with pytest.raises(PictureError, match=r"^cat/a\.png: expected a box within the picture, got \(500"):
        outside.seen_by(network)


@pytest.fixture
def cifar(tmp_path):
    for name in CLASSES:
        (tmp_path / "test" / name).mkdir(parents=True)
        Image.effect_noise((32, 32), 90).convert("RGB").save(tmp_path / "test" / name / "0000.jpg")
    return tmp_path


def test_cifar10_comes_with_its_classes(cifar, network):
    items = find_pictures(f"cifar10:{cifar}").items
    assert [item.labels for item in items] == [(name,) for name in CLASSES]
    away = items[3].packed()
    assert torch.equal(away.seen_by(network).x, items[3].seen_by(network).x)
    assert away.identity() == items[3].identity()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("birds:0", "birds:N with N from 1"),
        ("birds:many", "birds:N with N from 1"),
        ("cifar10:nowhere", "after cifar10:"),
        ("nowhere", "expected a folder"),
    ],
)
def test_other_sources_are_refused_in_one_sentence(text, told):
    with pytest.raises(ValueError, match=told):
        find_pictures(text)


def test_a_folder_without_pictures_or_matching_boxes_is_refused(tmp_path, folder):
    with pytest.raises(ValueError, match="found none"):
        find_pictures(str(folder), masks=tmp_path)
    (tmp_path / "boxes.csv").write_text("name,x0,y0,x1,y1\nother.png,0,0,1,1\n")
    with pytest.raises(ValueError, match="under the names of the pictures"):
        find_pictures(str(folder), [tmp_path / "boxes.csv"])
    with pytest.raises(ValueError, match="boxes or masks for a folder"):
        find_pictures("birds:1", [tmp_path / "boxes.csv"])
    with pytest.raises(ValueError, match="readable file of boxes"):
        find_pictures(str(folder), [tmp_path / "gone.csv"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="found none"):
        find_pictures(str(tmp_path / "empty"))


def test_look_alikes_are_a_source_of_their_own():
    first, second = find_pictures("lookalikes:2").items
    assert (first.name, second.name) == ("lookalike/0", "lookalike/1")
    assert first.labels == (render_bird(0, 16, edition=LOOKALIKES).species, "bird")
    assert first.identity() == "bird 2 0 0"
    assert find_pictures("birds:1").items[0].identity() == "bird 1 0 0"
    with pytest.raises(ValueError, match="expected lookalikes:N with N from 1"):
        find_pictures("lookalikes:0")
