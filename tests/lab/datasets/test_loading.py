"""Threads change when a batch is made, never what it is."""

import itertools
import threading
import time

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import torch
from torch.utils.data import DataLoader

from pneumoscope.findings import InputSpec
from pneumoscope.lab.datasets import (
    Augmentation,
    EpochSampler,
    PrefetchingLoader,
    RadiographDataset,
)

pytestmark = pytest.mark.lab

SPEC = InputSpec(size=64, clahe_clip=2.0, clahe_tiles=4)


@pytest.fixture
def augmented(collection):
    return RadiographDataset(collection, np.arange(12), SPEC, Augmentation())


def epoch(loader, number=0):
    loader.sampler.set_epoch(number)
    return list(loader)


def assert_equal(batches, others):
    for batch, other in itertools.zip_longest(batches, others):
        assert all(map(torch.equal, batch, other))


@pytest.mark.parametrize("number", [0, 5])
def test_batches_do_not_depend_on_who_makes_them(collection, augmented, number):
    def sampler():
        return EpochSampler(collection.sources, seed=9, samples=30)

    expected = epoch(DataLoader(augmented, batch_size=4, sampler=sampler()), number)
    assert len(expected) == 8
    processes = DataLoader(
        augmented, batch_size=4, sampler=sampler(), num_workers=2, multiprocessing_context="fork"
    )
    assert_equal(epoch(processes, number), expected)
    for threads in (None, 1, 2, 7):
        loader = PrefetchingLoader(augmented, 4, sampler=sampler(), threads=threads)
        assert len(loader) == 8
        assert_equal(epoch(loader, number), expected)


def test_a_resumed_epoch_is_that_of_the_straight_run(collection, augmented):
    def loader():
        return PrefetchingLoader(augmented, 4, sampler=EpochSampler(collection.sources, seed=1))

    straight = loader()
    epochs = [epoch(straight, number) for number in range(3)]
    assert_equal(epoch(loader(), 2), epochs[2])
    assert not torch.equal(epochs[1][0][0], epochs[2][0][0])


def test_without_a_sampler_every_image_comes_once_in_order(collection):
    dataset = RadiographDataset(collection, np.arange(12), SPEC)
    labels = torch.cat([labels for _, labels, *_ in PrefetchingLoader(dataset, 5)])
    assert labels.tolist() == collection.labels.tolist()
    full = list(PrefetchingLoader(dataset, 5, drop_last=True))
    assert [len(labels) for _, labels, *_ in full] == [5, 5]


class Slow(torch.utils.data.Dataset):
    """Items that take their time, the one numbered `fails` never comes."""

    def __init__(self, seconds, fails=None):
        self.seconds, self.fails = seconds, fails

    def __len__(self):
        return 20

    def __getitem__(self, item):
        if item == self.fails:
            raise OSError("the disk went away")
        time.sleep(self.seconds)
        return (torch.tensor(item),) * 4


def test_the_time_waited_is_that_of_the_one_who_waits():
    loader = PrefetchingLoader(Slow(0.01), 2, threads=1)
    began = time.perf_counter()
    list(loader)
    passed = time.perf_counter() - began
    assert 0.7 * passed < loader.waited <= passed
    for _ in loader:  # begins anew, and is fast enough for one who takes longer
        time.sleep(0.06)
    assert loader.waited < 0.5 * 20 * 0.01


def test_a_failure_is_passed_on():
    with pytest.raises(OSError, match="went away"):
        list(PrefetchingLoader(Slow(0, fails=13), 2, threads=3))


def test_who_stops_early_leaves_no_thread_behind():
    before = set(threading.enumerate())
    batches = iter(PrefetchingLoader(Slow(0.001), 2, threads=3))
    next(batches)
    workers = set(threading.enumerate()) - before
    assert workers
    batches.close()
    deadline = time.monotonic() + 5
    while any(worker.is_alive() for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.01)
