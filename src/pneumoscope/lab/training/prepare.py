"""A recipe's images and the fold of them that a run uses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pneumoscope.errors import DataError, RecipeError
from pneumoscope.evaluation import LabelledImage, read_boxes, read_manifest
from pneumoscope.lab.datasets import (
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
    """

    collection: Collection
    identity: DataIdentity
    drawn: Split
    certificate: dict[str, Any]

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
        """What crosses the fold's borders, in words; empty for an honest one."""
        return tuple(self.facts["leaks"])


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
        Take a fold whose certificate shows a leak; every report then says so.

    Raises
    ------
    RecipeError
        A source's folder does not exist, the split file has no such fold, or the fold shows a leak
        that is not accepted.
    DataError, ImageError
        A manifest, an image, a file of boxes or the split cannot be used; an image has a label that
        its source is said to lack; no image has the positive class.
    """
    manifests = [(source.name, _images(recipe_path, source)) for source in recipe.sources]
    _check_labels(recipe, [images for _, images in manifests])
    collection = collect(manifests, recipe.classes, recipe.input.size)
    identity = identity_of(collection, recipe)
    drawn = _four_way(recipe, identity) if choice is None else _chosen(choice, identity)
    data = PreparedData(collection, identity, drawn, certify(drawn, identity))
    if data.leaks and not accept_leak:
        of = "the recipe's split" if choice is None else f"{choice.path}, fold {choice.fold}"
        raise RecipeError(
            f"{of}: leaks: {'; '.join(data.leaks)}; split by patient, or accept it with "
            "--accept-leak, and every report will say so"
        )
    return data


def identity_of(collection: Collection, recipe: Recipe) -> DataIdentity:
    """Say which images a recipe's collection holds."""
    strata = tuple(
        f"{recipe.sources[source].name} {recipe.classes[label]}"
        for source, label in zip(collection.sources, collection.labels, strict=True)
    )
    return DataIdentity(collection.files, strata, collection.patients, collection.fingerprints)


def _images(recipe_path: Path, source: Source) -> tuple[LabelledImage, ...]:
    """List a source's images, and make sure that its boxes can be used when the run is exported."""
    folder = source_folder(recipe_path, source)
    manifest = read_manifest(folder)
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
    if not any(i.label == recipe.positive_class for its_images in images for i in its_images):
        raise DataError(
            f"positive_class {recipe.positive_class!r}: no image of any source has this label; "
            "choose a class that occurs"
        )


def _four_way(recipe: Recipe, identity: DataIdentity) -> Split:
    groups = linked_groups(identity.patients, identity.fingerprints)
    units = units_of(identity.strata, groups, recipe.split.by)
    shares = recipe.split.model_dump(include={"train", "stop", "calibrate", "report"})
    return split_four_ways(units, shares, recipe.split.seed)


def _chosen(choice: SplitChoice, identity: DataIdentity) -> Split:
    split, _ = read_split(choice.path, identity)
    if not 1 <= choice.fold <= len(split.folds):
        raise RecipeError(f"{choice.path}: has folds 1 to {len(split.folds)}, not {choice.fold}")
    return Split(split.scheme, split.by, split.seed, (split.folds[choice.fold - 1],))
