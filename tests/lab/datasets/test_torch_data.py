"""What the network is trained on is what it is used on; a change follows its draw."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import torch

from pneumoscope.findings import InputSpec
from pneumoscope.imaging import read_radiograph, to_input
from pneumoscope.lab.datasets import Augmentation, Draw, RadiographDataset

pytestmark = pytest.mark.lab

SPEC = InputSpec(size=64, clahe_clip=2.0, clahe_tiles=4)


def test_training_sees_what_use_sees(collection, manifests):
    paths = [image.path for _, images in manifests for image in images]
    chosen = np.array([7, 2, 11])
    dataset = RadiographDataset(collection, chosen, SPEC)
    assert len(dataset) == 3
    for item, position in enumerate(chosen):
        image, label, source, evidence = dataset[item]
        expected = to_input(read_radiograph(paths[position]).pixels, SPEC)
        np.testing.assert_array_equal(image.numpy(), expected)
        assert label == collection.labels[position]
        assert source == collection.sources[position]
        assert evidence.shape[0] == 0  # no maps are taught
        assert label.dtype == source.dtype == torch.int64


def test_augmented_images_follow_their_place_in_the_epoch(collection):
    dataset = RadiographDataset(collection, np.array([0]), SPEC, Augmentation())

    def draw(**changes):
        return dataset[Draw(**({"item": 0, "seed": 1, "epoch": 2, "place": 3} | changes))][0]

    first = draw()
    torch.manual_seed(5)
    assert torch.equal(first, draw())
    for changes in ({"seed": 2}, {"epoch": 3}, {"place": 2}):
        assert not torch.equal(first, draw(**changes))
    assert first.shape == (3, 64, 64)
    assert first.dtype == torch.float32
    assert 0 <= first.min() <= first.max() <= 1


def test_an_augmented_image_is_not_drawn_by_its_number(collection):
    dataset = RadiographDataset(collection, np.array([0]), SPEC, Augmentation())
    with pytest.raises(TypeError, match="EpochSampler"):
        dataset[0]


def test_without_augmentation_a_draw_is_its_item(collection):
    dataset = RadiographDataset(collection, np.arange(12), SPEC)
    assert torch.equal(dataset[Draw(4, 1, 2, 3)][0], dataset[4][0])


def test_augmentation_leaves_the_collection_as_it_is(collection):
    before = np.array(collection.pixels)
    dataset = RadiographDataset(collection, np.arange(12), SPEC, Augmentation())
    for item in range(12):
        dataset[Draw(item, 0, 0, item)]
    np.testing.assert_array_equal(np.array(collection.pixels), before)
