"""The weight randomisation check: it fails maps that do not care for the weights, and only them."""

from functools import partial

import numpy as np
import pytest
from scipy.stats import spearmanr

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from pneumoscope.lab.networks import Network, create  # noqa: E402
from pneumoscope.lab.training.randomisation import (  # noqa: E402
    SEEDS,
    check_randomisation,
    head_weights,
    randomised,
    rank_correlations,
)

pytestmark = pytest.mark.lab

IMAGES = torch.rand(12, 3, 32, 32, generator=torch.Generator().manual_seed(0))
PATIENTS = [f"p{i // 2}" for i in range(12)]
BUILD = {
    "li_cnn": partial(create, "li_cnn", classes=3, size=32, options={}),
    "densenet_capsnet": partial(
        create, "densenet_capsnet", classes=3, size=64, options={"backbone": 121, "frozen": True}
    ),
}


class Brightness(Network):
    """Its heatmap is the image, whatever the weights of its convolution and its head."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 2, 1)
        self.output = nn.Linear(2, 3)

    def features(self, images):
        return functional.avg_pool2d(self.convolution(images), 4)

    def explain(self, images):
        logits = self.output(self.features(images).mean((2, 3)))
        return logits, functional.avg_pool2d(images, 4)


def show(network, images):
    with torch.no_grad():
        return network.explain(images)[1][:, 1]


def check(network, build):
    return check_randomisation(network, build, IMAGES, PATIENTS, show, seed=3)


def test_a_map_that_does_not_care_for_the_weights_fails():
    found = check(Brightness().eval(), Brightness)
    assert (found.images, found.patients) == (12, 6)
    assert found.others.value < 0.5
    for stage in found.stages:
        assert stage.similarity.value == pytest.approx(1)
        assert stage.verdict == "fails"


def test_a_map_that_only_a_fresh_head_leaves_alone_fails_there_alone():
    class Features(Brightness):
        """Every image gets the same ramp, up or down as its features' weights say, plus itself."""

        def explain(self, images):
            logits, _ = super().explain(images)
            sign = torch.sign(self.convolution.bias[0])
            return logits, functional.relu(1 + sign * functional.avg_pool2d(images, 4))

    network = Features().eval()
    with torch.no_grad():
        network.convolution.bias[0] = 0.1

    def other():
        built = Features()
        with torch.no_grad():
            built.convolution.bias[0] = -0.1
        return built

    head, everything = check(network, other).stages
    assert (head.name, head.verdict) == ("head", "fails")
    assert (everything.name, everything.verdict) == ("everything", "passes")
    assert everything.similarity.value == pytest.approx(-1)
    assert everything.seeds == pytest.approx((-1, -1))


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("li_cnn", {"hidden", "norm", "output"}),
        ("densenet_capsnet", {"primary", "capsules", "hidden", "output"}),
    ],
)
def test_the_head_is_what_the_feature_map_does_not_need(name, head):
    network = BUILD[name]().eval()
    size = 32 if name == "li_cnn" else 64
    found = head_weights(network, torch.rand(1, 3, size, size))
    assert found == {key for key in network.state_dict() if key.partition(".")[0] in head}
    if name == "li_cnn":
        assert "norm.running_var" in found


def test_only_the_named_weights_become_fresh_and_nothing_else_is_touched():
    network = BUILD["li_cnn"]().eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    state = torch.random.get_rng_state()
    fresh = {"hidden.weight", "output.weight"}
    first, again, other = (
        randomised(network, BUILD["li_cnn"], fresh, seed).state_dict() for seed in (1, 1, 2)
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key])
        assert torch.equal(first[key], again[key])
        assert torch.equal(first[key], value) == (key not in fresh)
        assert torch.equal(first[key], other[key]) == (key not in fresh)
    assert not randomised(network, BUILD["li_cnn"], fresh, 1).training


def test_a_check_is_repeatable():
    network = BUILD["li_cnn"]().eval()
    first, again = (check(network, BUILD["li_cnn"]) for _ in range(2))
    assert first == again
    low, high = first.stages[0].seeds
    assert SEEDS > 1
    assert low < first.stages[0].similarity.value < high


def test_rank_correlations_agree_with_scipy():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 5, (4, 25)), rng.integers(0, 5, (3, 25))
    expected = [[spearmanr(a, b).statistic for b in second] for a in first]
    np.testing.assert_allclose(rank_correlations(first, second), expected)


def test_a_constant_map_has_no_order():
    maps = np.array([[0.0, 0, 0], [2, 2, 2], [1, 2, 3]])
    np.testing.assert_allclose(rank_correlations(maps, maps), [[1, 1, 0], [1, 1, 0], [0, 0, 1]])
