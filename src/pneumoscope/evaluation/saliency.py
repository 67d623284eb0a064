"""Where a bundle looks on a labelled folder, against readers' boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pneumoscope.bundles import Bundle, find_bundle
from pneumoscope.errors import DataError, ImageError
from pneumoscope.evaluation.boxes import read_boxes
from pneumoscope.evaluation.columns import check_columns, group_names
from pneumoscope.evaluation.manifest import PATIENT_COLUMN, LabelledImage, Manifest, read_manifest
from pneumoscope.evaluation.overlap import Seen, seen_in_training
from pneumoscope.evaluation.score import Progress, known_age, usual_ages
from pneumoscope.imaging import read_radiograph
from pneumoscope.inference import available_cores, to_heatmap
from pneumoscope.metrics import (
    SALIENCY_RULE,
    Box,
    MeasuredImage,
    SaliencySummary,
    box_mask,
    fit_map,
    fixed_maps,
    measure_saliency,
)
from pneumoscope.workflow import Reader

LABEL = "PNEUMONIA"
MEASURED_SIDE = 1024
"""Larger images are measured at this many pixels on their longer side: it bounds the memory."""

_ALL_TRAINED = (
    "Every image with boxes was in the bundle's own training, or looks like a changed copy of one "
    "that was: there is no verdict."
)


@dataclass(frozen=True, slots=True)
class LookedAt:
    """One image, what its heatmap agrees with, and whether it is in the training."""

    image: LabelledImage
    measured: MeasuredImage
    in_training: bool


@dataclass(frozen=True, slots=True, eq=False)
class FolderSaliency:
    """What `saliency_folder` found.

    Attributes
    ----------
    label : str
        The class whose heatmaps were measured.
    method : {"grad_cam", "evidence"}
        What the heatmaps are; see `Heatmap`.
    boxes : int
        Boxes of the measured images.
    unreadable : tuple of str
        Images with boxes that could not be read; they are in no figure.
    held_out : SaliencySummary or None
        The headline: over the images that did not train the bundle; None without any.
    in_training : SaliencySummary or None
        Over those that did, identical or as changed copies.
    subgroups : mapping of str to mapping of str to SaliencySummary
        Per column, then per value: parts of the held-out images.
    looked : tuple of LookedAt
        Every measured image.
    """

    label: str
    method: Literal["grad_cam", "evidence"]
    boxes: int
    unreadable: tuple[str, ...]
    held_out: SaliencySummary | None
    in_training: SaliencySummary | None
    subgroups: Mapping[str, Mapping[str, SaliencySummary]]
    looked: tuple[LookedAt, ...] = ()

    @property
    def verdict(self) -> str:
        """The verdict on the held-out images, in words."""
        return _ALL_TRAINED if self.held_out is None else self.held_out.verdict

    def as_dict(self) -> dict[str, Any]:
        """Give the figures as plain JSON values."""
        return {
            "label": self.label,
            "method": self.method,
            "boxes": self.boxes,
            "unreadable": list(self.unreadable),
            "rule": SALIENCY_RULE,
            "verdict": self.verdict,
            "held_out": None if self.held_out is None else self.held_out.as_dict(),
            "in_training": None if self.in_training is None else self.in_training.as_dict(),
            "subgroups": {
                column: [{"group": name} | group.as_dict() for name, group in groups.items()]
                for column, groups in self.subgroups.items()
            },
        }


def saliency_folder(
    folder: Path,
    boxes: Path,
    *,
    bundle: str | None = None,
    label: str = LABEL,
    by: Sequence[str] = (),
    patient_column: str = PATIENT_COLUMN,
    where: Mapping[str, str] | None = None,
    same_patient: Sequence[Sequence[str]] = (),
    progress: Progress | None = None,
) -> FolderSaliency:
    """Measure how well a class's heatmaps agree with readers' boxes, on the images that have any.

    The heatmap is the class's evidence map, where the bundle has one, and else its Grad-CAM,
    resized to the image (at most to `MEASURED_SIDE`), with its Otsu mask also where `diagnose`
    would not outline it. Where it is an evidence map, the class's Grad-CAM is measured beside it.
    The fixed map of other patients' boxes, trained-on images among them, goes the same way.

    Parameters
    ----------
    folder : Path
        Holds ``labels.csv`` or class folders; see `read_manifest`.
    boxes : Path
        A CSV file; see `read_boxes`.
    bundle : str, optional
        A bundle's name or folder; by default the packaged one.
    label : str
        The class whose heatmaps are measured, whatever the bundle answers.
    by : sequence of str
        Columns of ``labels.csv`` whose values part the held-out images into subgroups.
    patient_column, where, same_patient
        See `read_manifest`.
    progress : callable, optional
        Called with (done, all) after every image with boxes.

    Returns
    -------
    FolderSaliency

    Raises
    ------
    DataError
        The folder or the boxes cannot be used, `label` is no class of the bundle, there is no
        column of `by`, all boxes are of one patient, or no image with boxes can be read.
    BundleError
        See `bundles.find_bundle`.
    """
    manifest = read_manifest(
        folder, patient_column=patient_column, where=where, same_patient=same_patient
    )
    model = find_bundle(bundle)
    check_columns(manifest, by)
    boxed = boxed_images(boxes, manifest, model, label)
    return look_at_folder(boxed, manifest, model, label=label, by=by, progress=progress)


def boxed_images(
    boxes: Path, manifest: Manifest, model: Bundle, label: str
) -> dict[str, tuple[Box, ...]]:
    """Read the boxes and make sure that they can be measured, before any image is read.

    Raises
    ------
    DataError
        See `saliency_folder`.
    """
    classes = model.description.classes
    if label not in classes:
        raise DataError(
            f"heatmaps of {label!r} cannot be measured: the bundle's classes are "
            f"{', '.join(classes)}; name one of them as the positive class"
        )
    return read_boxes(boxes, manifest)


def look_at_folder(
    boxes: Mapping[str, Sequence[Box]],
    manifest: Manifest,
    model: Bundle,
    *,
    label: str,
    by: Sequence[str],
    age_group: str | None = None,
    progress: Progress | None,
) -> FolderSaliency:
    """Measure what `boxed_images` allowed; see `saliency_folder` and `score_folder`."""
    images = [image for image in manifest.images if image.file in boxes]
    (usual,) = usual_ages([model], age_group)
    looked = _look_at_all(images, boxes, model, label, usual, progress)
    kept = [one for one in looked if one is not None]
    if not kept:
        raise DataError(
            f"none of the {len(images)} images with boxes can be read; `pneumoscope diagnose` says "
            "of each why"
        )
    held_out = [one for one in kept if not one.in_training]
    return FolderSaliency(
        label=label,
        method=_method(model, label),
        boxes=sum(len(boxes[one.image.file]) for one in kept),
        unreadable=tuple(i.file for i, one in zip(images, looked, strict=True) if one is None),
        held_out=_summary(held_out),
        in_training=_summary([one for one in kept if one.in_training]),
        subgroups={column: _subgroups(held_out, column) for column in by},
        looked=tuple(kept),
    )


def _method(model: Bundle, label: str) -> Literal["grad_cam", "evidence"]:
    evidence = model.description.evidence
    return "evidence" if evidence is not None and label in evidence.classes else "grad_cam"


def _summary(looked: Sequence[LookedAt]) -> SaliencySummary | None:
    return measure_saliency([one.measured for one in looked]) if looked else None


def _subgroups(looked: Sequence[LookedAt], column: str) -> dict[str, SaliencySummary]:
    groups: dict[str, list[MeasuredImage]] = {}
    for name, one in zip(group_names([o.image for o in looked], column), looked, strict=True):
        groups.setdefault(name, []).append(one.measured)
    return {name: measure_saliency(groups[name]) for name in sorted(groups)}


def _look_at_all(
    images: Sequence[LabelledImage],
    boxes: Mapping[str, Sequence[Box]],
    model: Bundle,
    label: str,
    usual: float | None,
    progress: Progress | None,
) -> list[LookedAt | None]:
    """Look at every image, in order; None where it cannot be read."""
    reader = Reader(model, threads=1)
    maps = fixed_maps([boxes[i.file] for i in images], [i.patient_id for i in images])
    looked = []
    with ThreadPoolExecutor(available_cores()) as pool:
        for one in pool.map(partial(_look, reader, label, usual, boxes, maps), images):
            looked.append(one)
            if progress is not None:
                progress(len(looked), len(images))
    return looked


def _look(
    reader: Reader,
    label: str,
    usual: float | None,
    boxes: Mapping[str, Sequence[Box]],
    maps: Mapping[str, NDArray[np.float32]],
    image: LabelledImage,
) -> LookedAt | None:
    try:
        radiograph = read_radiograph(image.path)
    except ImageError:
        return None
    mine, shape = boxes[image.file], _measured_shape(radiograph.height, radiograph.width)
    age = known_age(image, radiograph, usual)
    decision, heatmap, grad_cam = reader.look(radiograph, label, shape, age=age, view=image.view)
    measured = MeasuredImage(
        patient=image.patient_id,
        area=float(box_mask(mine, shape).mean()),
        empty=not heatmap.values.any(),
        answered=decision.predicted == label,
        heatmap=fit_map(heatmap, mine),
        fixed=fit_map(to_heatmap(maps[image.patient_id], shape, label), mine),
        grad_cam=None if grad_cam is None else fit_map(grad_cam, mine),
    )
    (seen,) = seen_in_training(radiograph.pixels, [reader.bundle])
    return LookedAt(image, measured, in_training=seen is not Seen.NO)


def _measured_shape(height: int, width: int) -> tuple[int, int]:
    scale = min(1.0, MEASURED_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))
