"""Networks from the server's command line: explored like any other, and never named by a visitor."""

import sys

import pytest
from streamlit.testing.v1 import AppTest

from app.server.added import add_requested, check, requested
from explainers import add_network, load_network
from explainers.networks.added import ADDED
from tests.support.pages import chosen, done, until, visit, words


@pytest.mark.long
def test_an_added_network_is_explored_and_its_source_stays_on_the_server(added, fresh_backend):
    source = "tests.support.others_networks:sixteen"
    add_requested(["--network", f"{source},name=sixteen,size=16,title=Sixteen"], add_network)
    at = until(visit(network="sixteen"), done)
    assert chosen(at).network == "sixteen"
    assert any(option == "Sixteen" for option in at.selectbox(key="w_network").options)
    assert not any(source in word for word in words(at))
    # It is no architecture that others' weights could be given to.
    assert "sixteen" not in str(at.selectbox(key="w_architecture").options).lower()


@pytest.mark.long
def test_an_address_adds_nothing(fresh_backend):
    before = dict(ADDED)
    at: AppTest = until(visit(network="os:getcwd"), done)
    assert chosen(at).network == "alexnet-birds"
    assert before == ADDED


def test_the_command_line_is_read(tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("cat\n\ndog\n")
    text = f"lab:net,classes={names},mean=0.1/0.2/0.3,std=1/1/1,resize=40,size=32"
    assert requested(["--other", "--network", text, "--network", "a/b.pt2"]) == [
        (
            "lab:net",
            {
                "name": "net",
                "classes": ("cat", "dog"),
                "mean": (0.1, 0.2, 0.3),
                "std": (1.0, 1.0, 1.0),
                "resize": 40,
                "size": 32,
            },
        ),
        ("a/b.pt2", {"name": "b"}),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("none.pt2", "found none at 'none.pt2'"),
        ("lab:net,weights=none.pt", "found none at 'none.pt'"),
        ("lab:net,size=large", "expected a value of size"),
        ("lab:net,colour=red", "got 'colour=red'"),
    ],
)
def test_a_wrong_command_line_ends_the_start_with_a_sentence(text, said):
    with pytest.raises(SystemExit) as caught:
        check(["--network", text])
    assert str(caught.value).startswith("expected")
    assert said in str(caught.value)


def test_the_command_line_of_others_is_left_alone():
    assert requested(sys.argv[1:]) == []
    assert load_network("resnet20-cifar10").name == "resnet20-cifar10"
