"""Metrics on external test sets, which no part of the training saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pneumoscope.lab.datasets import PARTS, Fold, Split
from pneumoscope.lab.training.answers import Answers
from pneumoscope.lab.training.measure import PartFigures, measure_part
from pneumoscope.lab.training.prepare import PreparedData, read_images
from pneumoscope.lab.training.reading import Reading
from pneumoscope.lab.training.recipe import Recipe

Answer = Callable[[PreparedData, NDArray[np.int64]], Answers]


def measure_external_sets(
    recipe: Recipe, recipe_path: Path, data: PreparedData, answer: Answer, reading: Reading
) -> tuple[PartFigures, ...]:
    """Measure each set of `also_measured`, and the part of it that is new to the network.

    An official list may share a patient or a picture with the list that was trained on.

    Parameters
    ----------
    recipe : Recipe
    recipe_path : Path
        Where it lies; see `source_folder`.
    data : PreparedData
        Of the run.
    answer : callable
        Gives the network's answers on some images.
    reading : Reading

    Returns
    -------
    tuple of PartFigures
        In the order of the recipe; the whole set before its views, both before its new part.

    Raises
    ------
    RecipeError, DataError, ImageError
        See `prepare`.
    """
    if not recipe.also_measured:
        return ()
    told = recipe.model_copy(update={"sources": recipe.also_measured})
    collection, identity = read_images(told, recipe_path)
    everything = np.arange(len(collection), dtype=np.int64)
    parts = dict.fromkeys(PARTS, np.empty(0, dtype=np.int64)) | {"report": everything}
    other = PreparedData(collection, identity, Split("all", "image", 0, (Fold(parts),)), {})
    answers = answer(other, everything)
    known = _known(recipe, data, told, other)
    told = _all_known_told(told, other, known)
    figures = list(measure_part(told, other, everything, answers, reading, pooled=False))
    for number in np.unique(collection.sources[known]).tolist():
        mine = collection.sources == number
        fresh = np.flatnonzero(mine & ~known)
        if not len(fresh):
            continue
        (whole, *_) = measure_part(told, other, fresh, answers.some(fresh), reading)
        shared = int((mine & known).sum())
        name = f"{whole.population}, without {shared} images that share a patient or a picture"
        figures.append(replace(whole, population=f"{name} with the training"))
    return tuple(figures)


def _all_known_told(told: Recipe, other: PreparedData, known: NDArray[np.bool_]) -> Recipe:
    """Say of a set that has no image that is new to the network, that it has none."""
    sources = [
        source.model_copy(update={"population": f"{source.population}, all known to the training"})
        if known[other.collection.sources == number].all()
        else source
        for number, source in enumerate(told.sources)
    ]
    return told.model_copy(update={"sources": tuple(sources)})


def _known(
    recipe: Recipe, data: PreparedData, told: Recipe, other: PreparedData
) -> NDArray[np.bool_]:
    """Whether the network was trained, stopped or calibrated on an image's patient or picture."""
    used = np.concatenate([data.split.indices(part) for part in ("train", "stop", "calibrate")])
    patients = set(_patients(recipe, data, used))
    pictures = {data.collection.fingerprints[i] for i in used}
    rows = np.arange(len(other.collection))
    return np.array(
        [
            patient in patients or picture in pictures
            for patient, picture in zip(
                _patients(told, other, rows), other.collection.fingerprints, strict=True
            )
        ]
    )


def _patients(
    recipe: Recipe, data: PreparedData, rows: NDArray[np.int64]
) -> list[tuple[str, str, str]]:
    """Name patients so that sources of the same folder and column share them."""
    named = []
    for row in rows.tolist():
        source = recipe.sources[int(data.collection.sources[row])]
        patient = data.collection.patients[row].removeprefix(f"{source.patient_prefix}/")
        home = source.shared_patients or source.folder
        named.append((home, source.patient_column, patient))
    return named
