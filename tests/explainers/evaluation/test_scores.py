"""Scores over many pictures: of the measures alone, whatever the batches, with boxes that follow the pictures."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from explainers import CIDSettings, load_network
from explainers.datasets.birds.render import LOOKALIKES, render_bird
from explainers.datasets.birds.source import HELD_OUT
from explainers.decoders.cards import DecoderCard, half_weights, load_decoder, save_decoder, weights_digest
from explainers.evaluation import methods
from explainers.evaluation.measures import descriptive_accuracy, localisation
from explainers.evaluation.pictures import Birds, Folder, Pictures, moved_box, prepare, read_folder
from explainers.evaluation.scores import EvaluationSettings, evaluate, small
from explainers.networks.preprocessing import Preprocessing
from explainers.streams import last
from explainers.studies import evaluate as study
from tests.support.picture_files import noise

QUICK = EvaluationSettings(fractions=(0, 0.5, 0.9), batch=2, cid=CIDSettings(refine=False, grid=8, probes=8))


@pytest.fixture(scope="module")
def pictures(network):
    return last(prepare(network, Birds(5)))


def test_birds_keep_their_boxes_and_a_network_of_other_classes_labels_them_by_its_answers(network, pictures):
    assert pictures.boxes == tuple(render_bird(i, 32, HELD_OUT).box for i in range(5))
    assert not pictures.true_labels
    assert torch.equal(pictures.labels, network.module(pictures.images).argmax(1))


def test_birds_are_labelled_with_their_species_where_the_network_knows_them():
    pictures = last(prepare(load_network("alexnet-birds"), Birds(3)))
    assert pictures.true_labels
    assert pictures.labels.tolist() == [render_bird(i, 16, HELD_OUT).label for i in range(3)]


@pytest.mark.parametrize("method", ["cid", "saliency", "lrp", "random"])
@pytest.mark.long
def test_batches_give_the_scores_of_the_library(network, pictures, method):
    layer = network.layer("layer3.2")
    frames = list(evaluate(network, layer, method, pictures, QUICK))
    step = 1 if method == "cid" else 2
    assert [frame.count for frame in frames] == ([1, 2, 3, 4, 5] if step == 1 else [2, 4, 5])
    assert frames[-1].progress == 1
    assert frames[-1].accuracy[0] == 1
    # In the same batches, in which a decision within rounding falls the same way.
    parts = [slice(start, start + step) for start in range(0, 5, step)]
    maps = torch.cat([maps_of(network, layer, method, pictures, part.start, step) for part in parts])
    scores = [
        descriptive_accuracy(network.module, pictures.images[p], pictures.labels[p], maps[p], QUICK.fractions)
        for p in parts
    ]
    assert frames[-1].area.mean == pytest.approx(torch.cat([score.areas for score in scores]).mean().item())
    correct = torch.cat([score.correct for score in scores]).double()
    assert frames[-1].accuracy == pytest.approx(correct.mean(0).tolist())
    shares = [localisation(m, b) for m, b in zip(maps, pictures.boxes, strict=True) if small(b, 32, 32)]
    assert frames[-1].shares == pytest.approx(shares)
    assert frames[-1].localisation.mean == pytest.approx(np.mean(shares))


def maps_of(network, layer, method, pictures, start, step):
    from explainers import CID
    from explainers.baselines.explain import attribute

    part = slice(start, start + step)
    x, labels = pictures.images[part], pictures.labels[part]
    if method == "cid":
        return -CID(network.module, layer).attribute(x, QUICK.cid)
    if method == "random":
        return torch.rand(len(x), 1, 32, 32, generator=torch.Generator().manual_seed(start))
    return attribute(method, network, layer, x, labels)


def test_maps_that_know_beat_chance_and_their_opposite():
    """A network that looks at one corner: its gradient keeps the answer to the end, the reverse loses it."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 2, bias=False)).eval()
    weight = torch.zeros(2, 3, 8, 8)
    weight[0, :, :3, :3], weight[1] = 1, 0.01
    module[1].weight.data = weight.flatten(1)
    images = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.02
    images[:, :, :3, :3] += 1
    boxes = ((0, 0, 3, 3),) * 6
    known = Pictures(images, torch.zeros(6, dtype=torch.long), boxes, True)

    class Bare:
        classes, input_size = ("corner", "rest"), (8, 8)

    Bare.module = module
    settings = EvaluationSettings(fractions=(0, 0.5, 0.8))
    good = last(evaluate(Bare, None, "saliency", known, settings))
    chance = last(evaluate(Bare, None, "random", known, settings))
    assert good.area.mean == 1
    assert good.localisation.mean == 1
    assert chance.localisation.mean < 0.5


def test_a_box_above_a_third_does_not_count():
    assert small((0, 0, 3, 3), 9, 3)
    assert not small((0, 0, 3, 4), 9, 3)
    assert not small(None, 9, 3)


def test_cam_is_refused_with_the_reason_on_vgg():
    network = load_network("alexnet-birds")
    assert "pooling" in methods.refusal("cam", network, network.layer("conv5"))
    assert methods.refusal("cid", network, network.layer("fc7")) is None


@pytest.mark.slow
@pytest.mark.long
def test_ru_is_judged_where_there_is_a_decoder_and_refused_elsewhere(network, pictures, tmp_path, monkeypatch):
    from explainers.ru.explain import RU

    monkeypatch.setenv("DECODERS_HOME", str(tmp_path))
    monkeypatch.setattr("explainers.decoders.cards.DECODERS", tmp_path / "none")
    layer = network.layer("layer2.0")
    assert "decoder" in methods.refusal("ru", network, layer)
    before = methods.dependence("ru", network, layer)
    card = DecoderCard(
        network=network.name, fingerprint=network.fingerprint, layer=layer.name, path=layer.path, call=layer.call,
        shape=layer.shape, blocks=6, size=(32, 32), mean=network.mean, std=network.std, data="none", steps=0, batch=1,
        seed=0, error=1.0, held_out=1, digest="",
    )  # fmt: skip
    untrained = card.build().eval()
    card = replace(card, digest=weights_digest(half_weights(untrained)))
    save_decoder(untrained, card, tmp_path)
    assert methods.refusal("ru", network, layer) is None
    assert methods.dependence("ru", network, layer) != before
    one = Pictures(pictures.images[:1], pictures.labels[:1], pictures.boxes[:1], False)
    settings = EvaluationSettings(fractions=(0, 0.5), cid=QUICK.cid)
    scores = last(evaluate(network, layer, "ru", one, settings))
    result = RU(network.module, layer, load_decoder(card)).explain(one.images, QUICK.cid)
    whole = descriptive_accuracy(network.module, one.images, one.labels, -result.entropy, (0, 0.5))
    assert torch.equal(scores.correct, whole.correct)
    assert scores.passes == (result.forward_passes, result.backward_passes)


@pytest.mark.parametrize(("size", "box"), [((120, 80), (30, 10, 90, 50)), ((64, 200), (0, 100, 64, 140))])
def test_a_box_moves_like_the_pixels_under_it(size, box):
    pre = Preprocessing(64, 56, (0.5,) * 3, (0.25,) * 3)
    picture = Image.new("RGB", size)
    picture.paste((255, 255, 255), box)
    inside = np.asarray(pre.cut(picture))[..., 0] >= 128
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    expected = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    assert np.abs(np.subtract(moved_box(box, size, pre), expected)).max() <= 1


def test_a_box_outside_the_cut_is_none():
    assert moved_box((0, 0, 5, 5), (200, 60), Preprocessing(60, 60, (0.5,) * 3, (0.25,) * 3)) is None


def test_a_folder_matches_boxes_with_or_without_folders_scales_them_and_names_what_is_no_picture():
    files = [("a.png", noise(1024, 512)), ("b.png", noise(40, 40)), ("c.txt", b"no picture")]
    folder, problems = read_folder(files, {"train/a.png": (100, 50, 301, 200)}, "key")
    assert folder.names == ("a.png", "b.png")
    assert folder.images[0].size == (512, 256)
    assert folder.boxes == ((50, 25, 151, 100), None)
    assert len(problems) == 1
    assert problems[0].startswith("c.txt: expected a picture")


@pytest.mark.parametrize(
    ("files", "boxes", "words"),
    [
        ([("a.png", b"")], {}, "expected at least one picture"),
        ([("a.png", noise(20, 20))], {"z.png": (0, 0, 2, 2)}, "make the names equal"),
    ],
)
def test_a_folder_without_pictures_or_with_foreign_boxes_is_one_sentence(files, boxes, words):
    with pytest.raises(ValueError, match=words):
        read_folder(files, boxes, "key")


def test_pictures_without_boxes_have_no_localisation(network):
    folder = Folder("key", ("a", "b"), tuple(render_bird(i, 40).image for i in range(2)), (None, None))
    pictures = last(prepare(network, folder))
    scores = last(evaluate(network, network.layers[0], "saliency", pictures, QUICK))
    assert scores.localisation is None
    assert "| – |" in study.report(scores)


def test_a_network_of_look_alikes_is_judged_on_look_alikes_with_their_labels():
    network = load_network("alexnet-lookalikes")
    pictures = last(prepare(network, Birds(3)))
    birds = [render_bird(index, 64, HELD_OUT, edition=LOOKALIKES) for index in range(3)]
    assert pictures.true_labels
    assert pictures.labels.tolist() == [bird.label for bird in birds]
    assert pictures.boxes == tuple(bird.box for bird in birds)
    assert torch.equal(pictures.images[2], network.preprocess(birds[2].image))
