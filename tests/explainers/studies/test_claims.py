"""Every claim of every study on tables whose answer is known: found, the opposite, undecided."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

from explainers.networks.catalogue import load_network, registered
from explainers.networks.specs import NETWORKS, STUDIED
from explainers.studies import (
    accuracy,
    beta,
    blocks,
    cost,
    damage,
    halved,
    layers,
    localisation,
    maps,
    perturbation,
    pruning,
    removal,
    rescaling,
    shortcut,
)
from explainers.studies.base.tables import LONG
from explainers.studies.base.verdicts import FOUND, NO_RESULT, NOT_FOUND, OPPOSITE, UNDECIDED
from explainers.studies.catalogue import STUDIES
from explainers.studies.robustness import SHORT
from tests.support.study_tables import long_rows

# What is said of the rows of the side that a claim puts first, and of those of the other one.
Side = Sequence[Mapping[str, object]]
Sides = tuple[Side, Side]


def ends(series: dict[str, tuple[str, str]], quantity: str) -> Sides:
    first, last = (
        [{"series": name, "at": at[place], "quantity": quantity} for name, at in series.items()] for place in (0, 1)
    )
    return last, first


def networks(more: str, less: str, quantity: str, *at: str) -> Sides:
    sides = ([{"series": name, "at": one, "quantity": quantity} for one in at or ("x",)] for name in (more, less))
    return next(sides), next(sides)


ALL = {title: (names[0], names[-1]) for title, names in layers.NETWORKS.values()}
CONVOLUTIONS = {
    title: (names[0], [name for name in names if not name.startswith("fc")][-1])
    for title, names in layers.NETWORKS.values()
}
BIRDS = {title: ends for title, ends in ALL.items() if title in ("AlexNet", "VGG-16")}
LAST_STEP = (
    [{"series": s, "at": "fc8", "quantity": "CID"} for s in BIRDS],
    [{"series": s, "at": at, "quantity": "CID"} for s, at in (("AlexNet", "conv1"), ("VGG-16", "conv1-2"))]
    + [{"series": s, "at": at, "quantity": "CID"} for s, at in (("AlexNet", "conv5"), ("VGG-16", "conv5-3"))],
)


def methods(more: str, less: str, quantity: str, **about: object) -> Sides:
    return [{"method": more, "quantity": quantity} | about], [{"method": less, "quantity": quantity} | about]


def cuts(more: str, less: str, whole: str, cut: Sequence[str], quantity: str) -> Sides:
    def side(series: str) -> Side:
        return [
            {"series": series.format(whole=whole, layer=one), "at": f"conv{one}", "quantity": quantity} for one in cut
        ]

    return side(more), side(less)


SIDES: dict[tuple[str, str], Sides] = {
    ("layers", "deeper-cid"): networks("ResNet-44", "ResNet-20", "CID"),
    ("layers", "deeper-ru"): networks("ResNet-44", "ResNet-20", "RU"),
    ("layers", "rises"): ends(ALL, "CID"),
    ("layers", "concentrates"): ends(BIRDS, "concentration"),
    ("layers", "vgg-low"): (
        [{"series": "AlexNet", "at": "conv1", "quantity": "concentration"}],
        [{"series": "VGG-16", "at": "conv1-2", "quantity": "concentration"}],
    ),
    ("layers", "vgg-high"): networks("VGG-16", "AlexNet", "concentration", "fc8"),
    ("layers", "sharp"): LAST_STEP,
    ("layers", "autoencoders"): networks("ResNet-20", "Auto-encoder 20", "CID"),
    ("beta", "low-beta"): ([{"beta": 1e-2, "series": "block 5"}], [{"beta": 1e-3, "series": "block 5"}]),
    ("beta", "order"): ([{"series": "block 15"}], [{"series": "block 5"}]),
    ("maps", "coarser"): ends(CONVOLUTIONS, maps.COARSE),
    **{
        ("removal", f"ahead-of-{method}"): methods("cid", method, removal.AREA) for method in removal.METHODS[1:-1]
    },
    **{
        ("localisation", f"{name.partition('-')[0]}-{other}"): methods(
            "cid", other, localisation.LOCALISATION, network=name
        )
        for name, other in (
            ("vgg16-birds", "grad_cam"), ("vgg16-birds", "lrp"), ("resnet20-cifar10", "grad_cam"),
            ("resnet20-cifar10", "cam"),
        )
    },
    **{
        ("pruning", name): (whole, compressed) if name == "cid" else (compressed, whole)
        for name, quantity in (("cid", "CID"), ("ru", "RU"), ("concentration", "concentration"))
        for compressed in [[{"series": share, "quantity": quantity} for share in pruning.PRUNED]]
        for whole in [[{"series": pruning.WHOLE, "quantity": quantity}]]
    },
    **{
        ("distillation", name): networks("without a teacher", f"from {title}", "CID")
        for name, title in (("vgg16", "VGG-16"), ("resnet18", "ResNet-18"), ("resnet34", "ResNet-34"))
    },
    **{
        ("damage", f"{name}-{depth}"): cuts("{whole}, conv{layer} cut", "{whole}", damage.WHOLE[depth], cut, quantity)
        for name, quantity in (("cid", "CID"), ("concentration", "concentration"))
        for depth, cut in damage.CUT.items()
    },
    ("damage", "inserted"): (
        [{"series": series, "at": damage.BLOCK, "quantity": "CID"} for series in damage.INSERTED.values()],
        [{"series": damage.RESIDUAL, "at": at, "quantity": "CID"} for at in damage.BEFORE.values()],
    ),
    ("damage", "more"): (
        [{"series": series, "at": "fc", "quantity": "CID"} for series in damage.INSERTED.values()],
        [{"series": damage.RESIDUAL, "at": "fc", "quantity": "CID"}],
    ),
    **{
        ("adversarial", name): networks("trained adversarially", "trained normally", quantity)
        for name, quantity in (("cid", "CID"), ("concentration", "concentration"))
    },
    ("perturbation", "compressed"): networks(pruning.WHOLE, "8 % of the parameters", perturbation.SMALLEST),
    ("perturbation", "adversarial"): networks(
        "trained adversarially", "trained normally", perturbation.SMALLEST
    ),
    ("epochs", "compresses"): ends({"block 15": ("4", "16")}, "CID"),
    ("epochs", "fits"): ends({"block 15": ("4", "1")}, "CID"),
    ("epochs", "high-layers"): (
        [{"series": "block 15", "at": "16"}], [{"series": block, "at": at} for block, at in
         (("block 15", "4"), ("block 5", "16"), ("block 5", "4"))],
    ),
    ("shortcut", "points"): methods("cid", shortcut.CHANCE, shortcut.FOUND, layer="fc"),
    ("shortcut", "deeper"): (
        [{"method": "cid", "quantity": shortcut.FOUND, "layer": "fc"}],
        [{"method": "cid", "quantity": shortcut.FOUND, "layer": "conv1"}],
    ),
    **{
        ("shortcut", f"ahead-of-{other}"): methods("cid", other, shortcut.FOUND, layer=layer)
        for layer, others in (
            ("layer4.1", ("grad_cam", "layer_gradient", "activation", "guided_grad_cam")),
            ("fc", ("ru", *shortcut.OF_NETWORK)),
        )
        for other in others
    },
    ("rescaling", "rescaled-cid"): ([{"quantity": rescaling.NATS, "method": "cid"}], []),
    ("rescaling", "rescaled-layer_gradient"): ([{"quantity": rescaling.DOUBLINGS, "method": "layer_gradient"}], []),
    ("rescaling", "rescaled-grad_cam"): ([{"quantity": rescaling.DOUBLINGS, "method": "grad_cam"}], []),
    ("blocks", "mean"): methods(blocks.EIGHT, blocks.SIX, blocks.MEAN),
    ("halved", "moves"): ([{"quantity": halved.SIZE}], []),
    **{
        ("robustness", f"{claim}-{number}"): sides
        for number, variation in enumerate(("β a tenth", "β tenfold", "photographs"))
        for claim, sides in (
            ("deeper-cid", networks(f"ResNet-44 · {variation}", f"ResNet-20 · {variation}", "CID")),
            ("rises", ends({f"{t} · {variation}": (p[0], p[-1]) for t, p in SHORT.values()}, "CID")),
        )
    },
}  # fmt: skip
SIDES |= {("robustness", f"{name}-signs"): sides for (study, name), sides in SIDES.items() if study == "layers"}
# Told apart by more than a value on either side, and tried below.
OTHERWISE = {("accuracy", "steeper"), ("cost", "hundred"), ("cost", "ig"), ("cost", "lime"), ("blocks", "alike"),
    ("perturbation", "together")}  # fmt: skip
CLAIMS = {(study.name, claim.name): claim for study in STUDIES.values() for claim in study.claims}


def table(sides: Sides, effect: float, either_way: float = 0.0) -> pd.DataFrame:
    """The first side `effect` above the other, in every second picture more and in the others less by `either_way`.

    Pictures differ from each other by much more.
    """
    first, second = sides

    def low(picture: int) -> float:
        return 5.0 * np.sin(picture) if second else 0.0

    def high(picture: int) -> float:
        return low(picture) + effect + either_way * (-1) ** picture

    rows = [long_rows(value, **about) for value, side in ((high, first), (low, second)) for about in side]
    return pd.concat(rows, ignore_index=True)


def test_every_claim_is_tried():
    asked = {one for one in CLAIMS if one not in OTHERWISE}
    assert {one for one in SIDES if one in CLAIMS} == asked


@pytest.mark.parametrize("name", [one for one in SIDES if one in CLAIMS], ids="-".join)
def test_the_verdict_is_the_one_that_was_put_in(name):
    claim, sides = CLAIMS[name], SIDES[name]
    size = max(20 * claim.margin, 0.5)
    assert claim.verdict(table(sides, size)).word == (OPPOSITE if claim.same else FOUND)
    assert claim.verdict(table(sides, -size)).word == OPPOSITE
    assert claim.verdict(table(sides, 0)).word == (FOUND if claim.same else NOT_FOUND)
    unsure = claim.verdict(table(sides, 0, either_way=size))
    assert unsure.word == UNDECIDED
    assert "interval" in unsure.reason


@pytest.mark.parametrize("name", CLAIMS, ids="-".join)
def test_without_rows_a_claim_has_no_result_and_says_what_is_missing(name):
    verdict = CLAIMS[name].verdict(pd.DataFrame(columns=list(LONG)))
    assert (verdict.word, verdict.effect, bool(verdict.reason)) == (NO_RESULT, None, True)


def test_the_weakest_strength_decides_the_order_of_the_blocks():
    claim = CLAIMS["beta", "order"]
    rows = [
        long_rows(lambda n, value=step * last: value, series=block, beta=strength, quantity="CID")
        for strength, step in ((1e-5, 1.0), (1e-3, -0.2))
        for block, last in (("block 5", 0), ("block 15", 1))
    ]
    assert claim.verdict(pd.concat(rows)).effect.mean == pytest.approx(-0.2)


@pytest.mark.parametrize(("high", "low", "word"), [(0.4, 0.1, FOUND), (0.1, 0.4, OPPOSITE), (-0.1, -0.4, OPPOSITE)])
def test_a_high_layer_that_falls_less_than_a_low_one_does_not_rise(high, low, word):
    rows = [
        long_rows(lambda n, value=value: value + 0.01 * np.sin(n), series=block, at=at, quantity="CID")
        for block, rise in (("block 15", high), ("block 5", low))
        for at, value in (("4", 0.0), ("16", rise))
    ]
    assert CLAIMS["epochs", "high-layers"].verdict(pd.concat(rows)).word == word


def test_a_linear_networks_slope_over_the_strength_is_half_of_the_logarithm_of_ten():
    rows = [long_rows(lambda n, b=b: n + 0.5 * np.log(b), series="block 5", beta=b, quantity="CID") for b in beta.BETAS]
    verdict = CLAIMS["beta", "low-beta"].verdict(pd.concat(rows))
    assert verdict.effect.mean == pytest.approx(np.log(10) / 2)


@pytest.mark.parametrize(("rise", "word"), [(1.0, FOUND), (-1.0, OPPOSITE), (0.0, NOT_FOUND)])
def test_concentration_over_accuracy(rise, word):
    claim = CLAIMS["accuracy", "steeper"]
    rows = [
        long_rows(
            lambda n, share=share: np.sin(n) + rise * share, network=f"net-{share}", x=share, quantity="concentration"
        )
        for share in (0.7, 0.8, 0.9)
    ]
    assert claim.verdict(pd.concat(rows)).word == word
    # Networks that answer alike say nothing.
    alike = claim.verdict(pd.concat(rows).assign(x=0.99))
    assert (alike.word, "two points" in alike.reason) == (UNDECIDED, True)


def test_an_accuracy_is_the_files_or_without_one_the_catalogues():
    measured = {name: accuracy.accuracy_of(name) for name in accuracy.TRAINED}
    assert None not in measured.values()
    said = {spec.name: spec.accuracy for spec in STUDIED}
    for name, share in measured.items():
        assert share == (said[name] if name not in registered() else load_network(name).accuracy)
        assert (said[name] is None) == (name in registered())
        # What the command that trained it wrote onto its card.
        card = (NETWORKS / f"{name}.md").read_text()
        assert f"python -m explainers.train {name} " in card
        assert f"Accuracy: {share:.2%} on the held-out pictures" in card
    # Another training was not measured, and of a network that is not known nothing is.
    assert accuracy.accuracy_of("vgg19-lookalikes-seed1") is None
    assert accuracy.accuracy_of("vgg19") is None


@pytest.mark.parametrize(("passes", "word"), [(100, FOUND), (1000, OPPOSITE), (20, OPPOSITE)])
def test_a_hundred_passes(passes, word):
    assert (
        CLAIMS["cost", "hundred"].verdict(long_rows(lambda n: passes, quantity=cost.PASSES, method="cid")).word == word
    )


@pytest.mark.parametrize(
    ("ours", "ig", "lime"), [(100, FOUND, FOUND), (1000, OPPOSITE, FOUND), (2000, OPPOSITE, OPPOSITE)]
)
def test_other_methods_are_counted_with_the_papers_steps_and_samples(ours, ig, lime):
    counts = {"cid": ours, "integrated_gradients": 50 * 4 / 3, "lime": 200 / 3}
    rows = [long_rows(lambda n, value=value: value, quantity=cost.PASSES, method=m) for m, value in counts.items()]
    assert [CLAIMS["cost", name].verdict(pd.concat(rows)).word for name in ("ig", "lime")] == [ig, lime]


def test_a_picture_with_fewer_layers_than_others_does_not_count_and_a_network_that_lacks_is_named():
    claim = CLAIMS["layers", "deeper-cid"]
    rows = pd.concat(
        [long_rows(lambda n: n, series=s, at=at, quantity="CID") for s in ("ResNet-20", "ResNet-44") for at in "ab"]
    )
    assert claim.verdict(rows).pictures == 12
    halved_rows = rows[~((rows["series"] == "ResNet-44") & (rows["at"] == "b") & (rows["picture"] == "bird/3"))]
    assert claim.verdict(halved_rows).pictures == 11
    alone = CLAIMS["robustness", "rises-0"].verdict(
        table(SIDES["robustness", "rises-0"], 1).query("series.str.contains('20')")
    )
    assert (alone.word, "ResNet-44" in alone.reason) == (UNDECIDED, True)


@pytest.mark.parametrize(("correlation", "word"), [(0.99, FOUND), (0.4, OPPOSITE)])
def test_maps_that_look_alike(correlation, word):
    rows = long_rows(lambda n: correlation, quantity=blocks.ALIKE, method="both")
    assert CLAIMS["blocks", "alike"].verdict(rows).word == word


@pytest.mark.parametrize(("rise", "word"), [(1.0, FOUND), (-1.0, OPPOSITE), (None, UNDECIDED)])
def test_perturbations_over_the_last_layers_cid(rise, word):
    """In every picture the networks are in order; where `rise` is None, in every second one in the other order."""
    claim = CLAIMS["perturbation", "together"]
    rows = [
        long_rows(lambda n, k=k, of=of: np.sin(n) + of(n, k), series=name, quantity=quantity)
        for k, name in enumerate(perturbation.FAMILY)
        for quantity, of in (
            ("CID", lambda n, k: 0.1 * k),
            (perturbation.SMALLEST, lambda n, k: 0.01 * k * ((-1) ** n if rise is None else rise)),
        )
    ]
    assert claim.verdict(pd.concat(rows)).word == word
    # Two networks have a slope, and no correlation worth the name.
    two = claim.verdict(pd.concat(rows[:4]))
    assert (two.word, "3 networks" in two.reason) == (UNDECIDED, True)


def test_a_network_has_a_place_with_and_without_cid_of_the_last_layer():
    about = {"network": "vgg16-lookalikes", "layer": "fc8"}
    rows = [
        long_rows(lambda n: n, quantity="CID", **about),
        long_rows(lambda n: 0.3, quantity=perturbation.SMALLEST, **about),
        long_rows(lambda n: 9.0, quantity="CID", network="vgg16-lookalikes", layer="conv1-2"),
        long_rows(lambda n: 0.3, quantity=perturbation.SMALLEST, network="alexnet-lookalikes", layer="fc8"),
    ]
    found = perturbation.arrange(pd.concat(rows))
    assert list(zip(found["series"], found["x"], strict=True)) == 24 * [(pruning.WHOLE, 0)] + 12 * [
        ("trained normally", 5)
    ]
