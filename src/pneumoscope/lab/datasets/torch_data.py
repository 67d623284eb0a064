"""Collections as torch data sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from pneumoscope.findings import InputSpec
from pneumoscope.imaging import equalise
from pneumoscope.lab.datasets.augmentation import Augmentation, augment_with_mask
from pneumoscope.lab.datasets.collection import Collection
from pneumoscope.lab.datasets.evidence import EvidenceLessons
from pneumoscope.lab.datasets.lungs import LungChanges
from pneumoscope.lab.datasets.sampling import Draw

Sample = tuple[Tensor, Tensor, Tensor, Tensor]

# The label of an image whose lungs are hidden: nothing on it tells a class.
HIDDEN = -1
_NO_MAP = np.zeros((0, 1, 1), np.float32)


class RadiographDataset(Dataset[Sample]):
    """Images (3, size, size) in 0..1 of one part of a collection, with all that is known of them.

    A sample is the image, its label index, its source index, and what it teaches the maps of
    evidence (maps, cells, cells): see `EvidenceLessons.target`; no map where there are no lessons.

    Items are numbers, or the `Draw` of an `EpochSampler` where images are augmented: it says which
    random change the image gets, so that nothing depends on who asks, and when.

    Parameters
    ----------
    collection : Collection
    indices : ndarray of int64
        Which images.
    spec : InputSpec
        Its size is the collection's.
    augmentation : Augmentation or None
        None leaves the images as they are.
    lessons : EvidenceLessons or None
        What the images teach the maps of evidence.
    lungs : LungChanges or None
        Which images are reduced to their lungs or robbed of them; only with `augmentation`. The
        label of one that is robbed of them is `HIDDEN`, and its maps hold nothing.
    """

    def __init__(
        self,
        collection: Collection,
        indices: NDArray[np.int64],
        spec: InputSpec,
        augmentation: Augmentation | None = None,
        lessons: EvidenceLessons | None = None,
        lungs: LungChanges | None = None,
    ) -> None:
        self.collection = collection
        self.indices = indices
        self.spec = spec
        self.augmentation = augmentation
        self.lessons = lessons
        self.lungs = lungs

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, drawn: int | Draw) -> Sample:
        item = drawn.item if isinstance(drawn, Draw) else drawn
        position = int(self.indices[item])
        grey = self.collection.pixels[position]
        label, source = self.collection.labels[position], self.collection.sources[position]
        hidden = False
        boxes = None if self.lessons is None else self.lessons.box_mask(position, grey.shape[0])
        if self.augmentation is not None:
            if not isinstance(drawn, Draw):
                raise TypeError("augmented images are drawn by an EpochSampler")
            rng = drawn.generator()
            if self.lungs is not None:
                grey, hidden = self.lungs.change(position, int(source), grey, rng)
            grey, boxes = augment_with_mask(grey, boxes, self.augmentation, rng)
        target = _NO_MAP if self.lessons is None else self.lessons.target(position, boxes)
        if hidden:
            label, target = np.int64(HIDDEN), np.zeros_like(target)
        return (
            torch.from_numpy(equalise(grey, self.spec)),
            torch.tensor(label),
            torch.tensor(source),
            torch.from_numpy(target),
        )


def to_batch(samples: Sequence[Sample]) -> Sample:
    """Stack samples, as torch's own collation does but on the calling thread alone.

    torch would start a team of threads for every thread that stacks large tensors, and these take
    more of the trainer's cores than all else that the loader does.

    Parameters
    ----------
    samples : sequence of (image, label, source, evidence)

    Returns
    -------
    tuple of Tensor
        Images (n, 3, size, size), labels (n,), sources (n,), evidence (n, maps, cells, cells).
    """
    images, labels, sources, evidence = zip(*samples, strict=True)
    stacked = np.stack([image.numpy() for image in images])
    return (
        torch.from_numpy(stacked),
        torch.stack(labels),
        torch.stack(sources),
        torch.from_numpy(np.stack([target.numpy() for target in evidence])),
    )
