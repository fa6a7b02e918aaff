"""The noise itself, beside the change of the feature and of the answer."""

import pytest

from app.explore.noise_itself import SAMPLES, verdict
from explainers.cid.noise_effect import FACTORS
from tests.support.pages import done, metrics, says, until, visit

pytestmark = pytest.mark.usefixtures("fresh_backend")
MOVED = "Feature has moved (1 is allowed)"


def measured(at) -> bool:
    return says(at, f"Measured with {SAMPLES} draws")


def test_the_noise_is_shown_on_demand_and_more_of_it_is_noticed():
    at = until(visit(), done)
    assert MOVED not in metrics(at)
    assert "noise" not in at.query_params
    at.toggle(key="w_noise_on").set_value(True).run()
    until(at, measured)
    assert at.query_params["noise"] in ("1", ["1"])
    once = metrics(at)[MOVED]
    assert "±" in once
    at.select_slider(key="w_noise").set_value(20.0).run()
    until(at, measured)
    assert says(at, "these are two pictures")
    assert float(metrics(at)[MOVED].split()[0]) > 50 * float(once.split()[0])
    at.toggle(key="w_noise_on").set_value(False).run()
    assert MOVED not in metrics(at)


def test_a_link_opens_it_at_its_strength():
    at = until(visit(noise="5"), measured)
    assert at.select_slider(key="w_noise").value == 5.0
    assert any("with its noise × 5" in html.proto.body for html in at.get("html"))
    assert not at.warning


@pytest.mark.parametrize("bad", ["6", "-1", "nan", "1e9", "x"])
def test_a_strength_that_there_is_not_is_named(bad):
    at = until(visit(noise=bad), done)
    (warning,) = at.warning
    assert f"the strength of the noise `{bad}`" in warning.value
    assert MOVED not in metrics(at)


def test_verdicts_follow_what_was_measured():
    import torch

    from explainers.cid.noise_effect import NoiseEffect

    changes = torch.tensor([1.02, 2.0, 25.0])
    found = NoiseEffect(
        torch.zeros(3, 2, 2), torch.ones(1), changes, changes / 50, changes / 100, torch.ones(3, 1), changes
    )
    said = [verdict(found, place, "conv1") for place in range(3)]
    assert "are the same" in said[0]
    assert "1.0%" in said[0]
    assert "begins" in said[1]
    assert "5 times" in said[2]
    assert FACTORS[0] == 1
