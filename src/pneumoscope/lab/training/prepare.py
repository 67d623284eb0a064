"""A recipe's images and the fold of them that a run uses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pneumoscope.catalogue import to_sentence
from pneumoscope.errors import DataError, RecipeError
from pneumoscope.evaluation import LabelledImage, Manifest, read_boxes, read_manifest
from pneumoscope.lab.datasets import (
    PARTS,
    By,
    CertificateError,
    Collection,
    DataIdentity,
    Fold,
    SchemeSettings,
    Split,
    Units,
    certify,
    collect,
    draw,
    linked_groups,
    read_split,
    split_four_ways,
    units_of,
    write_split,
)
from pneumoscope.lab.training.recipe import Recipe, Source, source_folder
from pneumoscope.metrics import Box

_log = logging.getLogger(__name__)

UNCERTIFIED = "the split's certificate was missing or stale"


@dataclass(frozen=True, slots=True)
class SplitChoice:
    """Which fold of which split file a run trains on.

    Attributes
    ----------
    path : Path
        A file of `pneumoscope split`.
    fold : int
        Counted from 1.
    """

    path: Path
    fold: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class PreparedData:
    """A recipe's images and their split.

    Attributes
    ----------
    collection : Collection
    identity : DataIdentity
        What the certificate is of.
    drawn : Split
        The fold that the run uses, alone.
    certificate : dict
        Of that one fold; see `pneumoscope.lab.datasets.certify`.
    doubts : tuple of str
        What was accepted of the split beside what its certificate counts, in words.
    boxes : mapping of int to tuple of Box
        Readers' boxes that teach the evidence map, by position in the collection.
    """

    collection: Collection
    identity: DataIdentity
    drawn: Split
    certificate: dict[str, Any]
    doubts: tuple[str, ...] = ()
    boxes: Mapping[int, tuple[Box, ...]] = field(default_factory=dict)

    @property
    def split(self) -> Fold:
        """The run's fold."""
        return self.drawn.folds[0]

    @property
    def facts(self) -> dict[str, Any]:
        """What the certificate says of the fold; see `pneumoscope.lab.datasets.fold_facts`."""
        return self.certificate["folds"][0]

    @property
    def leaks(self) -> tuple[str, ...]:
        """Why figures of this fold may flatter, in words; empty for an honest one."""
        return (*self.doubts, *self.facts["leaks"])


def prepare(
    recipe: Recipe,
    recipe_path: Path,
    choice: SplitChoice | None = None,
    *,
    accept_leak: bool = False,
) -> PreparedData:
    """Decode a recipe's images and split them.

    Parameters
    ----------
    recipe : Recipe
    recipe_path : Path
        Where it was read from.
    choice : SplitChoice or None
        A split from a file; by default the recipe's own four parts are drawn.
    accept_leak : bool
        Take a fold whose certificate is missing, stale or shows a leak; every report then says so.

    Raises
    ------
    RecipeError
        A source's folder does not exist, the split file has no such fold, or the fold shows a leak
        that is not accepted.
    DataError, ImageError
        A manifest, an image, a file of boxes or the split cannot be used; an image has a label that
        its source is said to lack; all images have one class, or none has the positive one.
    """
    _check_beside(recipe, recipe_path)
    collection, identity = read_images(recipe, recipe_path)
    doubts: tuple[str, ...] = ()
    if choice is None:
        drawn = _four_way(recipe, collection, identity)
    else:
        drawn, doubts = _chosen(choice, identity, accept_leak=accept_leak)
    boxes = read_source_boxes(recipe, recipe_path, collection)
    data = PreparedData(collection, identity, drawn, certify(drawn, identity), doubts, boxes)
    if data.leaks and not accept_leak:
        of = "the recipe's split" if choice is None else f"{choice.path}, fold {choice.fold}"
        raise RecipeError(
            f"{of}: leaks: {'; '.join(data.leaks)}; split by patient, or accept it with "
            "--accept-leak, and every report will say so"
        )
    _tell_unlearnt(recipe, data)
    return data


def _tell_unlearnt(recipe: Recipe, data: PreparedData) -> None:
    """Warn of classes that the network will answer without having seen any."""
    learnt = set(data.collection.labels[data.split.indices("train")].tolist())
    unlearnt = [name for number, name in enumerate(recipe.classes) if number not in learnt]
    if unlearnt:
        _log.warning(
            "no image of the train part is labelled %s: the network cannot learn it; add images, "
            "or take it out of the classes",
            ", ".join(unlearnt),
        )


def read_images(recipe: Recipe, recipe_path: Path) -> tuple[Collection, DataIdentity]:
    """Decode a recipe's images and say which they are.

    Raises
    ------
    RecipeError, DataError, ImageError
        See `prepare`.
    """
    manifests = [(source.name, _images(recipe_path, source)) for source in recipe.sources]
    _check_labels(recipe, [images for _, images in manifests])
    collection = collect(
        manifests,
        recipe.classes,
        recipe.input.size,
        max_unreadable_share=recipe.data.max_unreadable_share,
        patient_prefixes={source.name: source.patient_prefix for source in recipe.sources},
    )
    strata = tuple(
        f"{recipe.sources[source].name} {recipe.classes[label]}"
        for source, label in zip(collection.sources, collection.labels, strict=True)
    )
    identity = DataIdentity(collection.files, strata, collection.patients, collection.fingerprints)
    return collection, identity


def _images(recipe_path: Path, source: Source) -> tuple[LabelledImage, ...]:
    """List a source's images, and make sure that its boxes can be used when the run is exported."""
    folder = source_folder(recipe_path, source)
    manifest = read_manifest(
        folder,
        patient_column=source.patient_column,
        where=source.subset,
        same_patient=source.same_patient,
    )
    for warning in manifest.warnings:
        _log.warning("%s: %s", source.name, to_sentence(warning))
    if source.boxes is not None:
        _boxes(folder, source, manifest)
    return manifest.images


def read_source_boxes(
    recipe: Recipe, recipe_path: Path, collection: Collection
) -> dict[int, tuple[Box, ...]]:
    """Read the boxes that teach the evidence map.

    Returns
    -------
    dict of int to tuple of Box
        By position in the collection, of the images that have boxes; empty where the recipe has no
        evidence map.

    Raises
    ------
    RecipeError, DataError
        See `prepare`.
    """
    if recipe.evidence is None:
        return {}
    named: dict[str, tuple[Box, ...]] = {}
    for source in recipe.sources:
        if source.boxes is None:
            continue
        folder = source_folder(recipe_path, source)
        manifest = read_manifest(folder, where=source.subset)
        for file, boxes in _boxes(folder, source, manifest).items():
            named[f"{source.name}/{file}"] = boxes
    positions = {file: position for position, file in enumerate(collection.files)}
    return {positions[file]: boxes for file, boxes in named.items() if file in positions}


def _boxes(folder: Path, source: Source, manifest: Manifest) -> dict[str, tuple[Box, ...]]:
    """Read a source's boxes; a file that several sets share lists images of the others, too."""
    path = folder / (source.boxes or "")
    shared = path.parent.resolve() != folder.resolve()
    return read_boxes(path, manifest, others_listed=shared)


def _check_labels(recipe: Recipe, images: list[tuple[LabelledImage, ...]]) -> None:
    for source, its_images in zip(recipe.sources, images, strict=True):
        wrong = sorted({image.label for image in its_images} & set(source.absent_classes))
        if wrong:
            raise DataError(
                f"source {source.name!r}: has images labelled {wrong[0]!r}, which the recipe lists "
                "among its absent_classes; take it out of them"
            )
    found = {image.label for its_images in images for image in its_images}
    if len(found) == 1:
        raise DataError(
            f"all images are labelled {found.pop()!r}: a network needs at least two classes; add "
            "images of the others"
        )
    if recipe.positive_class not in found:
        raise DataError(
            f"positive_class {recipe.positive_class!r}: no image of any source has this label; "
            "choose a class that occurs"
        )


def _check_beside(recipe: Recipe, recipe_path: Path) -> None:
    """Tell before the training what would keep the sets of `also_measured` from being measured."""
    for source in recipe.also_measured:
        labels = {image.label for image in _images(recipe_path, source)}
        unknown = sorted(labels - set(recipe.classes))
        if unknown:
            raise DataError(
                f"source {source.name!r}: label {unknown[0]!r} is not a class of the recipe: "
                f"{', '.join(recipe.classes)}"
            )


def _four_way(recipe: Recipe, collection: Collection, identity: DataIdentity) -> Split:
    shares = recipe.split.model_dump(include={"train", "stop", "calibrate", "report"})
    draw_parts = partial(split_four_ways, shares=shares, seed=recipe.split.seed)
    return draw_measured(recipe, collection, identity, recipe.split.by, draw_parts)


def draw_measured(
    recipe: Recipe,
    collection: Collection,
    identity: DataIdentity,
    by: By,
    draw_parts: Callable[[Units], Split],
) -> Split:
    """Split the sources that are measured; the others join the train part of every fold.

    Parameters
    ----------
    recipe : Recipe
    collection, identity
        Of its images; see `read_images`.
    by : {"patient", "image"}
    draw_parts : callable
        Splits the units of the measured sources.

    Returns
    -------
    Split
        No patient of a part that is held out has an image in the train part of that fold, unless
        `by` is "image".
    """
    groups = linked_groups(identity.patients, identity.fingerprints)
    alone = np.array([source.train_only for source in recipe.sources])[collection.sources]
    measured = np.flatnonzero(~alone)
    units = units_of([identity.strata[i] for i in measured], groups[measured], by)
    drawn = draw_parts(units)
    folds = []
    for fold in drawn.folds:
        parts = {name: measured[fold.indices(name)] for name in PARTS}
        held_out = np.concatenate([parts[name] for name in PARTS if name != "train"])
        # By patient even where the others are split by image.
        joining = np.flatnonzero(alone & ~np.isin(groups, groups[held_out]))
        parts["train"] = np.sort(np.concatenate([parts["train"], joining]))
        folds.append(Fold(parts))
    return Split(drawn.scheme, drawn.by, drawn.seed, tuple(folds))


def split_recipe(
    recipe: Recipe, recipe_path: Path, settings: SchemeSettings, *, by: By, out: Path
) -> dict[str, Any]:
    """Split a recipe's sources by a scheme, and write the split with its certificate.

    Unlike a split of folders it knows which sources share patients, and which are for training
    only.

    Parameters
    ----------
    recipe : Recipe
    recipe_path : Path
        Where it was read from.
    settings : SchemeSettings
    by : {"patient", "image"}
    out : Path
        The split's file.

    Returns
    -------
    dict
        The certificate; see `pneumoscope.lab.datasets.certify`.

    Raises
    ------
    RecipeError, DataError, ImageError
        See `prepare`.
    InputError
        A file cannot be written.
    """
    collection, identity = read_images(recipe, recipe_path)
    drawn = draw_measured(recipe, collection, identity, by, partial(draw, settings=settings))
    return write_split(out, drawn, identity)


def _chosen(
    choice: SplitChoice, identity: DataIdentity, *, accept_leak: bool
) -> tuple[Split, tuple[str, ...]]:
    """Read one fold of a split file, and what is to be doubted of it."""
    doubts: tuple[str, ...] = ()
    try:
        split = read_split(choice.path, identity)
    except CertificateError:
        if not accept_leak:
            raise
        split = read_split(choice.path, identity, certified=False)
        doubts = (UNCERTIFIED,)
    if not 1 <= choice.fold <= len(split.folds):
        raise RecipeError(f"{choice.path}: has folds 1 to {len(split.folds)}, not {choice.fold}")
    fold = split.folds[choice.fold - 1]
    return Split(split.scheme, split.by, split.seed, (fold,)), doubts
