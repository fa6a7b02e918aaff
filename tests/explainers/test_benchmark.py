"""Lines of the benchmarks are requests: rows one by one, found by what they depend on, refused in a sentence."""

import torch

from explainers.benchmark.request import ComparisonRequest
from explainers.methods.entropies import NO_DECODER
from explainers.methods.request import Workbench
from explainers.networks.catalogue import load_network


def request(layer="conv1", method="cid", x=None, said="0.1") -> ComparisonRequest:
    network = load_network("resnet20-cifar10")
    rows = [{"way": "one", "lost": 0.5}, {"way": "other", "lost": 0.0}]
    pictures = torch.zeros(1, 3, 32, 32) if x is None else x
    return ComparisonRequest(network, network.layer(layer), pictures, method, lambda: iter(rows), said, 7)


def test_rows_come_one_by_one_and_the_last_answer_has_all():
    answers = list(request().stream(Workbench()))
    assert [[row["way"] for row in rows] for rows in answers] == [["one"], ["one", "other"]]


def test_the_key_is_what_the_rows_depend_on():
    keys = {
        request().key,
        request(layer="fc").key,
        request(method="ru").key,
        request(x=torch.ones(1, 3, 32, 32)).key,
        request(said="0.2").key,
    }
    assert len(keys) == 5
    assert request().key in keys
    assert request().cost == 7


def test_a_layer_without_a_decoder_is_refused_in_a_sentence():
    assert request().refusal() is None
    assert request("layer1.1", "ru").refusal() == NO_DECODER
    assert request("layer2.2", "ru").refusal() is None
