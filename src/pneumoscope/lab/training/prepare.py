"""A recipe's images and the fold of them that a run uses."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pneumoscope.errors import DataError, RecipeError
from pneumoscope.evaluation import LabelledImage, read_boxes, read_manifest
from pneumoscope.lab.datasets import (
    CertificateError,
    Collection,
    DataIdentity,
    Fold,
    Split,
    certify,
    collect,
    linked_groups,
    read_split,
    split_four_ways,
    units_of,
)
from pneumoscope.lab.training.recipe import Recipe, Source, source_folder

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
    """

    collection: Collection
    identity: DataIdentity
    drawn: Split
    certificate: dict[str, Any]
    doubts: tuple[str, ...] = ()

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
        drawn = _four_way(recipe, identity)
    else:
        drawn, doubts = _chosen(choice, identity, accept_leak=accept_leak)
    data = PreparedData(collection, identity, drawn, certify(drawn, identity), doubts)
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
        _log.warning("%s: %s", source.name, warning)
    if source.boxes is not None:
        read_boxes(folder / source.boxes, manifest)
    return manifest.images


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


def _four_way(recipe: Recipe, identity: DataIdentity) -> Split:
    groups = linked_groups(identity.patients, identity.fingerprints)
    units = units_of(identity.strata, groups, recipe.split.by)
    shares = recipe.split.model_dump(include={"train", "stop", "calibrate", "report"})
    return split_four_ways(units, shares, recipe.split.seed)


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
