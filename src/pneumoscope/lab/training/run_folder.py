"""A run folder's files, and whether they are still those of the run.

A run folder holds ``recipe.yaml`` (as given), ``split.json`` and its certificate, ``record.json``
(what it ran with), ``metrics.csv`` and ``checkpoints/`` (``best.ckpt``, ``last.ckpt``).
"""

from __future__ import annotations

import json
import logging
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from pneumoscope.errors import DataError, RecipeError
from pneumoscope.files import read_limited, told, write_files
from pneumoscope.lab.datasets import certify, digest, document, read_split, write_split
from pneumoscope.lab.training.prepare import PreparedData, read_images, read_source_boxes
from pneumoscope.lab.training.provenance import git_commit
from pneumoscope.lab.training.recipe import Recipe, read_recipe

RECIPE, SPLIT, RECORD, METRICS = "recipe.yaml", "split.json", "record.json", "metrics.csv"
CHECKPOINTS = "checkpoints"
BEST, LAST = f"{CHECKPOINTS}/best.ckpt", f"{CHECKPOINTS}/last.ckpt"

_PACKAGES = ("pneumoscope", "torch", "lightning", "monai", "numpy", "opencv-python-headless")
_log = logging.getLogger(__name__)


def recipe_digest(recipe: Recipe) -> str:
    """Checksum of what a recipe's weights depend on."""
    return digest(recipe.training_part())


def check_folder(recipe_path: Path, out: Path, *, resume: bool) -> Path | None:
    """Return the checkpoint to resume from, or None for a fresh run.

    Raises
    ------
    RecipeError
        The folder already holds a run, or none to resume, or one of another recipe.
    """
    kept = out / RECIPE
    last = out / LAST
    if not resume:
        if kept.exists() or last.exists():
            raise RecipeError(f"{out}: already holds a run; give another folder, or --resume")
        if out.exists() and not out.is_dir():
            raise RecipeError(f"{out}: is a file; give a folder for the run")
        return None
    for needed in (last, kept):
        if not needed.is_file():
            raise RecipeError(
                f"{out}: holds no run to resume ({needed} is missing); train into another folder"
            )
    if kept.read_bytes() != recipe_path.read_bytes():
        raise RecipeError(f"{out}: was trained with another recipe; resume with {kept}")
    return last


def write_record(
    recipe_path: Path, recipe: Recipe, out: Path, data: PreparedData, precision: str
) -> None:
    """Keep what the run depends on beside its results.

    Raises
    ------
    RecipeError
        While the images were read, the recipe changed or another run began in the folder.
    InputError
        The folder cannot be written.
    """
    check_folder(recipe_path, out, resume=False)
    if read_recipe(recipe_path) != recipe:
        raise RecipeError(f"{recipe_path}: changed while the images were read; train again")
    record = {
        "recipe_sha256": recipe_digest(recipe),
        "accepted_leaks": list(data.leaks),
        "left_out": list(data.collection.left_out),
    } | _made_with(precision)
    with told(str(out)):
        out.mkdir(parents=True, exist_ok=True)
    write_split(out / SPLIT, data.drawn, data.identity)
    write_files(
        {
            out / RECORD: (json.dumps(record, indent=1) + "\n").encode(),
            # Last: a folder with a recipe counts as a run.
            out / RECIPE: recipe_path.read_bytes(),
        }
    )


def _made_with(precision: str) -> dict[str, str | None]:
    """What a run's weights depend on beside its recipe and data."""
    return {
        "commit": git_commit(),
        "precision": precision,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "machine": platform.machine(),
        "python": platform.python_version(),
    } | {name: version(name) for name in _PACKAGES}


def prepare_again(folder: Path, recipe: Recipe, recipe_path: Path) -> PreparedData:
    """Decode a run's images again, split as its folder says.

    Raises
    ------
    RecipeError
        The record or the split is missing or damaged, or of another recipe or other data.
    DataError, ImageError
        See `prepare`.
    """
    record = read_record(folder)
    if record["recipe_sha256"] != recipe_digest(recipe):
        raise RecipeError(f"{folder}: {RECIPE} changed since the run; put it back")
    collection, identity = read_images(recipe, recipe_path)
    try:
        split = read_split(folder / SPLIT, identity)
    except DataError as error:
        raise RecipeError(
            f"{folder}: the data or the split changed since the run, or {SPLIT} or its certificate "
            f"is missing ({str(error).partition(';')[0]}); put them back, or train the run again"
        ) from None
    certificate = certify(split, identity)
    # What is counted is in the certificate; the rest was accepted when the run began.
    counted = [leak for fold in certificate["folds"] for leak in fold["leaks"]]
    doubts = tuple(leak for leak in record["accepted_leaks"] if leak not in counted)
    boxes = read_source_boxes(recipe, recipe_path, collection)
    return PreparedData(collection, identity, split, certificate, doubts, boxes)


def tell_what_changed(folder: Path, precision: str) -> None:
    """Warn where a resumed run cannot be the same to the bit."""
    record = read_record(folder)
    for name, now in _made_with(precision).items():
        if record.get(name) != now:
            _log.warning(
                "%s: began with %s %s, goes on with %s: its result is not the same to the bit",
                folder,
                name,
                record.get(name),
                now,
            )


def read_record(folder: Path) -> dict[str, Any]:
    """Read what a run was made with.

    Raises
    ------
    RecipeError
        The record is missing or damaged.
    """
    try:
        record = json.loads(read_limited(folder / RECORD, 1 << 20))
        leaks = record["accepted_leaks"]
        if isinstance(record["recipe_sha256"], str) and all(isinstance(x, str) for x in leaks):
            return dict(record)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    raise RecipeError(f"{folder}: {RECORD} is missing or damaged; train the run again")


def add_time(folder: Path, seconds: float) -> None:
    """Add to the record how long the run trained; what a cut-off stretch took is not in it.

    Raises
    ------
    RecipeError
        The record is missing or damaged.
    InputError
        The folder cannot be written.
    """
    record = read_record(folder)
    record["seconds"] = round(record.get("seconds", 0) + seconds)
    write_files({folder / RECORD: (json.dumps(record, indent=1) + "\n").encode()})


def check_same_split(checkpoint: Path, data: PreparedData) -> None:
    """Refuse initial weights that may have seen this run's report part.

    Raises
    ------
    RecipeError
        The checkpoint is not of a run with the same images and split.
    """
    kept = checkpoint.parent.parent / SPLIT
    try:
        split = read_split(kept, data.identity)
        same = digest(document(split, data.identity)) == data.certificate["split_sha256"]
    except DataError:
        same = False
    if not same:
        raise RecipeError(
            f"{checkpoint}: comes from another split (its certificate beside {kept} is missing or "
            "other), so it may have seen this run's report part; start from a run of the same split"
        )
