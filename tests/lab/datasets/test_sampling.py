"""An epoch depends on the seed and its number, and on nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import torch

from pneumoscope.lab.datasets import EpochSampler

pytestmark = pytest.mark.lab

WAYS = st.sampled_from(["balanced", "shuffle"])
SOURCES = st.lists(st.sampled_from([0, 2, 3]), min_size=1, max_size=40).map(np.array)


@settings(max_examples=50)
@given(way=WAYS, sources=SOURCES, seed=st.integers(0, 2**32 - 1), epoch=st.integers(0, 500))
def test_an_epoch_does_not_depend_on_the_ones_before(way, sources, seed, epoch):
    straight = EpochSampler(sources, seed, way=way)
    for earlier in range(min(epoch, 3)):
        straight.set_epoch(earlier)
        list(straight)
        torch.rand(1)
    straight.set_epoch(epoch)
    resumed = EpochSampler(sources, seed, way=way)
    resumed.set_epoch(epoch)
    drawn = list(straight)
    assert drawn == list(resumed) == list(resumed)
    assert len(drawn) == len(straight) == len(sources)
    assert [(d.seed, d.epoch, d.place) for d in drawn] == [
        (seed, epoch, place) for place in range(len(sources))
    ]
    assert {d.item for d in drawn} <= set(range(len(sources)))
    if way == "shuffle":
        assert sorted(d.item for d in drawn) == list(range(len(sources)))


@pytest.mark.parametrize("way", ["balanced", "shuffle"])
def test_epochs_seeds_and_places_differ(way):
    sources = np.arange(200) % 2

    def order(seed, epoch):
        sampler = EpochSampler(sources, seed, way=way)
        sampler.set_epoch(epoch)
        return list(sampler)

    orders = [tuple(d.item for d in order(seed, epoch)) for seed in (0, 1) for epoch in (0, 1, 2)]
    assert len(set(orders)) == len(orders)
    drawn = [draw for epoch in range(3) for draw in order(0, epoch)]
    assert len({draw.generator().random() for draw in drawn}) == len(drawn)


def test_every_source_is_drawn_equally_and_every_image_of_it():
    sources = np.array([0] * 180 + [2] * 20)  # no training image of source 1
    drawn = np.array([draw.item for draw in EpochSampler(sources, 0, samples=40_000)])
    assert len(drawn) == 40_000
    assert abs((sources[drawn] == 2).mean() - 0.5) < 0.01
    times = np.bincount(drawn, minlength=200)
    np.testing.assert_allclose(times[180:], 1000, rtol=0.15)
    np.testing.assert_allclose(times[:180].mean(), 20_000 / 180, rtol=0.02)
    assert times.min() > 0


def test_a_shuffle_of_another_length_is_refused():
    with pytest.raises(ValueError, match="every item once"):
        EpochSampler(np.zeros(4, np.int64), 0, samples=3, way="shuffle")
