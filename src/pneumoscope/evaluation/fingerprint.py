"""What a labelled folder holds, and what in it could tell a label without looking at a lung."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pneumoscope.evaluation.columns import group_names
from pneumoscope.evaluation.manifest import LabelledImage
from pneumoscope.findings import About, Message, Radiograph, Value
from pneumoscope.imaging import (
    NEAR_HASH_BITS,
    fewest_bits,
    fingerprint,
    pack_hashes,
    perceptual_hashes,
)
from pneumoscope.metrics import CrossTable, cross_table

OTHER_SIZES = "other sizes"
MAX_VALUES = 20

_TOP_SIZES = 10


@dataclass(frozen=True, slots=True, eq=False)
class ImageFacts:
    """What a fingerprint keeps of an image.

    Attributes
    ----------
    file_format : str
        "JPEG", "PNG", "TIFF" or "DICOM".
    height, width : int
        In pixels.
    bits : int
        Significant bits per stored pixel.
    exact : str
        `imaging.fingerprint`: equal for equal pixels.
    hashes : tuple of str
        `imaging.perceptual_hashes`: nearly equal for copies of a picture.
    """

    file_format: str
    height: int
    width: int
    bits: int
    exact: str
    hashes: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class CopyGroup:
    """Images that show the same picture, exactly or nearly.

    Attributes
    ----------
    files : tuple of str
        Two or more, relative to the folder.
    labels : tuple of str
        Their distinct labels, sorted.
    patients : int or None
        Their distinct patients; None where no patient is known.
    """

    files: tuple[str, ...]
    labels: tuple[str, ...]
    patients: int | None

    @property
    def across_patients(self) -> bool:
        """Whether the group is known to hold several patients."""
        return self.patients is not None and self.patients > 1


@dataclass(frozen=True, slots=True)
class Patients:
    """How the images are spread over the patients.

    Attributes
    ----------
    n : int
        Distinct patients.
    most_images : int
        Of one patient.
    median_images : float
        Per patient.
    several_labels : int
        Patients whose images have more than one label.
    """

    n: int
    most_images: int
    median_images: float
    several_labels: int


@dataclass(frozen=True, slots=True)
class DataFingerprint:
    """What `measure_fingerprint` found over the readable images.

    Attributes
    ----------
    n : int
        Images.
    labels : mapping of str to int
        Images of each label.
    patients : Patients or None
        None where no patient is known.
    distinct_sizes : int
        Different pairs of height and width.
    properties : mapping of str to CrossTable
        "format", "size" (the 10 most frequent, "height x width", the rest as `OTHER_SIZES`),
        "area" (quarters of the images by their number of pixels), "bits".
    columns : mapping of str to CrossTable
        The other columns of ``labels.csv`` with few values.
    columns_left_out : tuple of str
        Those with more than `MAX_VALUES` values, or with fewer than two images per value.
    exact, near : tuple of CopyGroup
        Groups of identical pixels, and of nearly the same picture (identical ones within).
    """

    n: int
    labels: Mapping[str, int]
    patients: Patients | None
    distinct_sizes: int
    properties: Mapping[str, CrossTable]
    columns: Mapping[str, CrossTable]
    columns_left_out: tuple[str, ...]
    exact: tuple[CopyGroup, ...]
    near: tuple[CopyGroup, ...]

    @property
    def warnings(self) -> tuple[Message, ...]:
        """The traps."""
        told = [_tells("property_tells_label", *each) for each in self.properties.items()]
        told += [_tells("column_tells_label", *each) for each in self.columns.items()]
        return (*_patient_warnings(self.patients), *self._copy_warnings(), *filter(None, told))

    def _copy_warnings(self) -> list[Message]:
        counts = {
            "identical_across_patients": sum(group.across_patients for group in self.exact),
            "identical_with_several_labels": sum(len(group.labels) > 1 for group in self.exact),
            "nearly_identical_across_patients": sum(group.across_patients for group in self.near),
        }
        return [Message(code, About.DATA, {"groups": n}) for code, n in counts.items() if n]

    def as_dict(self) -> dict[str, Any]:
        """Give the fingerprint as plain JSON values."""
        return {
            "n": self.n,
            "labels": dict(self.labels),
            "patients": None if self.patients is None else asdict(self.patients),
            "distinct_sizes": self.distinct_sizes,
            "properties": {name: table.as_dict() for name, table in self.properties.items()},
            "columns": {name: table.as_dict() for name, table in self.columns.items()},
            "columns_left_out": list(self.columns_left_out),
            "exact_duplicates": _copies(self.exact, self.patients),
            "near_duplicates": _copies(self.near, self.patients),
        }


def image_facts(radiograph: Radiograph) -> ImageFacts:
    """Keep of an image what a fingerprint needs: some hundred bytes."""
    return ImageFacts(
        file_format=radiograph.file_format,
        height=radiograph.height,
        width=radiograph.width,
        bits=radiograph.bits,
        exact=fingerprint(radiograph.pixels),
        hashes=perceptual_hashes(radiograph.pixels),
    )


def measure_fingerprint(
    images: Sequence[LabelledImage], facts: Sequence[ImageFacts], *, has_patients: bool
) -> DataFingerprint:
    """Measure what a folder holds.

    Parameters
    ----------
    images : sequence of LabelledImage
        The readable images, at least one.
    facts : sequence of ImageFacts
        Of each image.
    has_patients : bool
        Whether their patients are known.

    Returns
    -------
    DataFingerprint
        Its files, values and labels are as written in ``labels.csv``; age is in bands.
    """
    labels = [image.label for image in images]
    sizes = [f"{fact.height} x {fact.width}" for fact in facts]
    exact = np.unique([fact.exact for fact in facts], return_inverse=True)[1]
    columns = {name: group_names(images, name) for name in images[0].extra}
    kept = {name: values for name, values in columns.items() if _few(values)}
    return DataFingerprint(
        n=len(images),
        labels=dict(sorted(Counter(labels).items())),
        patients=_measure_patients(images) if has_patients else None,
        distinct_sizes=len(set(sizes)),
        properties={
            "format": cross_table([fact.file_format for fact in facts], labels),
            "size": cross_table(_pool_rare(sizes), labels),
            "area": cross_table(_area_quarters(facts), labels),
            "bits": cross_table([str(fact.bits) for fact in facts], labels),
        },
        columns={name: cross_table(values, labels) for name, values in kept.items()},
        columns_left_out=tuple(name for name in columns if name not in kept),
        exact=_groups(exact, images, has_patients=has_patients),
        near=_near_groups(exact, images, facts, has_patients=has_patients),
    )


def near_pairs(hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Find the pairs of images that show nearly the same picture, among all pairs.

    Two images are near when the one as it is differs from the other (as it is, without its
    outermost 1.6%, or with a border of as much) in at most `imaging.NEAR_HASH_BITS` bits. It is the
    rule by which `evaluate` finds copies of training images: how well it works is measured in
    docs/explanation/honest-figures.md.

    Parameters
    ----------
    hashes : ndarray of uint64, shape (images, 3, 4)
        `imaging.perceptual_hashes` of each image, packed.

    Returns
    -------
    ndarray of intp, shape (pairs, 2)
        Indices, the smaller first; sorted.
    """
    found = set()
    for row, mine in enumerate(hashes):
        for other in np.flatnonzero(fewest_bits(mine, hashes[:, 0]) <= NEAR_HASH_BITS).tolist():
            if other != row:
                found.add((min(row, other), max(row, other)))
    return np.array(sorted(found), dtype=np.intp).reshape(-1, 2)


def _near_groups(
    exact: NDArray[np.intp],
    images: Sequence[LabelledImage],
    facts: Sequence[ImageFacts],
    *,
    has_patients: bool,
) -> tuple[CopyGroup, ...]:
    """Join near pairs of different pictures; identical images go with their picture."""
    first = np.unique(exact, return_index=True)[1]
    pairs = near_pairs(np.stack([pack_hashes(facts[index].hashes) for index in first]))
    edges = (np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1]))
    graph = coo_array(edges, shape=(len(first), len(first)))
    joined = connected_components(graph, directed=False)[1]
    several = np.bincount(joined) > 1
    # A picture without a near one stands alone, however many identical files show it.
    alone = np.arange(len(exact)) + len(first)
    group = np.where(several[joined[exact]], joined[exact], alone)
    return _groups(group, images, has_patients=has_patients)


def _groups(
    group: Iterable[int], images: Sequence[LabelledImage], *, has_patients: bool
) -> tuple[CopyGroup, ...]:
    members: dict[int, list[LabelledImage]] = defaultdict(list)
    for number, image in zip(group, images, strict=True):
        members[int(number)].append(image)
    return tuple(
        CopyGroup(
            files=tuple(image.file for image in part),
            labels=tuple(sorted({image.label for image in part})),
            patients=len({image.patient_id for image in part}) if has_patients else None,
        )
        for part in members.values()
        if len(part) > 1
    )


def _copies(groups: Sequence[CopyGroup], patients: Patients | None) -> dict[str, Any]:
    across = None if patients is None else sum(group.across_patients for group in groups)
    return {
        "images": sum(len(group.files) for group in groups),
        "across_patients": across,
        "across_labels": sum(len(group.labels) > 1 for group in groups),
        "groups": [
            {"files": list(g.files), "labels": list(g.labels), "patients": g.patients}
            for g in groups
        ],
    }


def _few(values: Sequence[str]) -> bool:
    """Whether a column parts the images into groups, rather than naming each."""
    distinct = len(set(values))
    return distinct <= MAX_VALUES and 2 * distinct <= len(values)


def _pool_rare(sizes: Sequence[str]) -> list[str]:
    top = {size for size, _ in Counter(sizes).most_common(_TOP_SIZES)}
    return [size if size in top else OTHER_SIZES for size in sizes]


def _area_quarters(facts: Sequence[ImageFacts]) -> list[str]:
    """Name the quarter of each image by its number of pixels, with the quarter's range."""
    area = np.array([fact.height * fact.width for fact in facts])
    quarter = np.searchsorted(np.quantile(area, (0.25, 0.5, 0.75)), area, side="right")
    names = {}
    for number in np.unique(quarter):
        part = area[quarter == number] / 1e6
        names[number] = f"{part.min():.3f} to {part.max():.3f} megapixels"
    return [names[number] for number in quarter]


def _measure_patients(images: Sequence[LabelledImage]) -> Patients:
    labels: dict[str, list[str]] = defaultdict(list)
    for image in images:
        labels[image.patient_id].append(image.label)
    per_patient = [len(each) for each in labels.values()]
    return Patients(
        n=len(labels),
        most_images=max(per_patient),
        median_images=float(np.median(per_patient)),
        several_labels=sum(len(set(each)) > 1 for each in labels.values()),
    )


def _patient_warnings(patients: Patients | None) -> list[Message]:
    if patients is None:
        return [Message("split_without_patients", About.DATA)]
    if patients.several_labels:
        told = {"count": patients.several_labels, "patients": patients.n}
        return [Message("patients_with_several_labels", About.DATA, told)]
    return []


def _tells(code: str, name: str, table: CrossTable) -> Message | None:
    best = table.strongest
    if not table.tells_label or best is None or table.cramers_v is None:
        return None
    told: dict[str, Value] = {
        "name": name,
        "cramers_v": table.cramers_v,
        "value": best.value,
        "label": best.label,
        "share_of_label": best.share_of_label,
        "share_of_others": best.share_of_others,
    }
    return Message(code, About.DATA, told)
