"""Features are those that the dropout before the last layer gets, and are computed once."""

import numpy as np
import pytest
import yaml

pytest.importorskip("torch")
pytest.importorskip("monai")

import torch

from pneumoscope.errors import InputError
from pneumoscope.evaluation import read_manifest
from pneumoscope.lab.networks import create
from pneumoscope.lab.studies.experiment import recipe_contents
from pneumoscope.lab.studies.zeng2020_backbone import kept_features, unit_maps
from pneumoscope.lab.training import build_network, read_recipe
from pneumoscope.lab.tuning import describe_maps

pytestmark = pytest.mark.lab


@pytest.mark.parametrize(
    ("name", "size", "side"), [("inception_v3", 107, 2), ("resnet152", 64, 2), ("li_cnn", 32, 1)]
)
@torch.no_grad()
def test_the_units_are_the_means_of_their_maps(name, size, side):
    torch.manual_seed(0)
    network = create(name, classes=2, size=size, options={}).eval()
    images = torch.rand(2, 3, size, size)
    maps = unit_maps(network, images)
    assert maps.shape[2:] == (side, side)
    torch.testing.assert_close(maps.mean((2, 3)), network.pooled(images))
    assert maps.shape[1] == network.output.in_features


@pytest.fixture
def asked(study_data, tmp_path):
    """What `kept_features` is given, and how often the network was built."""
    contents = recipe_contents("zeng2020-frozen", {"input.size": 64})
    contents["network"]["options"] = {"variant": 0}
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(contents))
    recipe = read_recipe(path)
    images = read_manifest(study_data / "guangzhou").images[:40]
    built = []

    def network():
        torch.manual_seed(0)
        built.append(build_network(recipe))
        return built[-1]

    return (tmp_path, ["key"], network, recipe, "guangzhou", images), built


def test_features_are_computed_once_and_in_evaluation_mode(asked):
    arguments, built = asked
    first = kept_features(*arguments)
    again = kept_features(*arguments)
    assert len(built) == 1
    assert not built[0].training
    np.testing.assert_array_equal(first.features, again.features)
    np.testing.assert_array_equal(first.described, again.described)
    assert first.features.shape == (40, 1, 1280)
    # The mean of a feature matrix is the unit itself.
    np.testing.assert_allclose(first.described[:, 0], first.features[:, 0], rtol=1e-5)
    assert len(describe_maps(torch.ones(1, 1, 2, 2))[0]) == first.described.shape[1]


def test_other_images_are_computed_and_damaged_files_named(asked):
    arguments, built = asked
    kept_features(*arguments)
    folder, _, *others = arguments
    kept_features(folder, ["another key"], *others)
    assert len(built) == 2
    for path in folder.glob("features-guangzhou-*.npz"):
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"features-guangzhou-\w+\.npz: is damaged; remove it"):
        kept_features(*arguments)
