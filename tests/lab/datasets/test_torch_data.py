"""What the network is trained on is what it is used on; sources are drawn equally."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import torch

from pneumoscope.findings import InputSpec
from pneumoscope.imaging import read_radiograph, to_input
from pneumoscope.lab.datasets import (
    Augmentation,
    RadiographDataset,
    balanced_sampler,
)

pytestmark = pytest.mark.lab

SPEC = InputSpec(size=64, clahe_clip=2.0, clahe_tiles=4)


def test_training_sees_what_use_sees(collection, manifests):
    paths = [image.path for _, images in manifests for image in images]
    chosen = np.array([7, 2, 11])
    dataset = RadiographDataset(collection, chosen, SPEC)
    assert len(dataset) == 3
    for item, position in enumerate(chosen):
        image, label, source = dataset[item]
        expected = to_input(read_radiograph(paths[position]).pixels, SPEC)
        np.testing.assert_array_equal(image.numpy(), expected)
        assert label == collection.labels[position]
        assert source == collection.sources[position]
        assert label.dtype == source.dtype == torch.int64


def test_augmented_images_follow_the_seed_of_torch(collection):
    dataset = RadiographDataset(collection, np.array([0]), SPEC, Augmentation())

    def draw(seed):
        torch.manual_seed(seed)
        return [dataset[0][0] for _ in range(3)]

    first, second, other = draw(1), draw(1), draw(2)
    assert all(map(torch.equal, first, second))
    assert not any(map(torch.equal, first, other))
    assert not torch.equal(first[0], first[1])
    assert first[0].shape == (3, 64, 64)
    assert first[0].dtype == torch.float32
    assert 0 <= first[0].min() <= first[0].max() <= 1


def test_augmentation_leaves_the_collection_as_it_is(collection):
    before = collection.pixels.copy()
    dataset = RadiographDataset(collection, np.arange(12), SPEC, Augmentation())
    for item in range(12):
        dataset[item]
    np.testing.assert_array_equal(collection.pixels, before)


def test_every_source_is_drawn_equally_and_every_image_of_it():
    torch.manual_seed(0)
    sources = np.array([0] * 180 + [2] * 20)  # no training image of source 1
    drawn = np.array(list(balanced_sampler(sources.tolist(), 40_000)))
    assert len(drawn) == 40_000
    assert abs((sources[drawn] == 2).mean() - 0.5) < 0.01
    times = np.bincount(drawn, minlength=200)
    np.testing.assert_allclose(times[180:], 1000, rtol=0.15)
    np.testing.assert_allclose(times[:180].mean(), 20_000 / 180, rtol=0.02)
    assert times.min() > 0


def test_without_a_number_an_epoch_is_as_long_as_the_set():
    assert len(list(balanced_sampler([0, 0, 1], None))) == 3
