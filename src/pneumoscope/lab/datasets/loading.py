"""Batches made ahead of the trainer."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from torch.utils.data import DataLoader, Sampler

from pneumoscope.inference import available_cores
from pneumoscope.lab.datasets.torch_data import RadiographDataset, to_batch

_MOST_THREADS = 8  # each holds a batch


class PrefetchingLoader(DataLoader[Any]):
    """A torch loader whose batches threads of this process make while the trainer computes.

    Threads, not torch's worker processes: OpenCV and numpy let go of the interpreter, and a process
    that is not forked would get a copy of all images.

    Parameters
    ----------
    dataset : RadiographDataset
    batch_size : int or None
        None where `batches` are given.
    sampler : Sampler or None
        None for every image once, in order.
    drop_last : bool
        Whether to leave out a last batch that is not full.
    batches : list of list of int, or None
        The batches themselves, instead of the three above.
    threads : int or None
        None for one per core, at most 8. The batches do not depend on it.

    Attributes
    ----------
    waited : float
        Seconds that whoever iterates has waited for batches since the iteration began.
    """

    def __init__(
        self,
        dataset: RadiographDataset,
        batch_size: int | None = None,
        *,
        sampler: Sampler[Any] | None = None,
        drop_last: bool = False,
        batches: list[list[int]] | None = None,
        threads: int | None = None,
    ) -> None:
        if batches is None:
            super().__init__(
                dataset,
                batch_size=batch_size,
                sampler=sampler,
                drop_last=drop_last,
                collate_fn=to_batch,
            )
        else:
            super().__init__(dataset, batch_sampler=batches, collate_fn=to_batch)
        self.threads = threads or min(available_cores(), _MOST_THREADS)
        self.waited = 0.0

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        self.waited = 0.0
        batches = iter(self.batch_sampler or ())  # never None, as there is a batch size
        pool = ThreadPoolExecutor(self.threads)
        try:
            ahead = deque(pool.submit(self._make, b) for b in islice(batches, self.threads + 1))
            while ahead:
                began = time.perf_counter()
                batch = ahead.popleft().result()
                self.waited += time.perf_counter() - began
                ahead.extend(pool.submit(self._make, items) for items in islice(batches, 1))
                yield batch
        finally:
            # Without a wait: whoever stops early lets go of the iterator, and Python loses an
            # interrupt that comes while it cleans up.
            pool.shutdown(wait=False, cancel_futures=True)

    def _make(self, items: list[Any]) -> Any:
        return self.collate_fn([self.dataset[item] for item in items])
