"""A run folder's files, and whether they are still those of the run.

A run folder holds ``recipe.yaml`` (as given), ``split.json`` and its certificate, ``record.json``
(what it ran with), ``metrics.csv`` and ``checkpoints/`` (``best.ckpt``, ``last.ckpt``).
"""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path

import torch

from pneumoscope.errors import DataError, RecipeError
from pneumoscope.files import told, write_files
from pneumoscope.lab.datasets import certificate_path, read_split, write_split
from pneumoscope.lab.training.prepare import PreparedData, SplitChoice, prepare
from pneumoscope.lab.training.recipe import Recipe

RECIPE, SPLIT, RECORD, METRICS = "recipe.yaml", "split.json", "record.json", "metrics.csv"
CHECKPOINTS = "checkpoints"
BEST, LAST = f"{CHECKPOINTS}/best.ckpt", f"{CHECKPOINTS}/last.ckpt"


def recipe_digest(recipe: Recipe) -> str:
    """Checksum of what a recipe's weights depend on."""
    text = json.dumps(recipe.training_part(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


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
        if kept.exists():
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
    InputError
        The folder cannot be written.
    """
    packages = ("pneumoscope", "torch", "lightning", "monai", "numpy", "opencv-python-headless")
    record = {
        "recipe_sha256": recipe_digest(recipe),
        "accepted_leaks": list(data.leaks),
        "precision": precision,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "machine": platform.machine(),
        "python": platform.python_version(),
    } | {name: version(name) for name in packages}
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


def prepare_again(folder: Path, recipe: Recipe, recipe_path: Path) -> PreparedData:
    """Decode a run's images again, split as its folder says.

    Raises
    ------
    RecipeError
        The record or the split is missing or damaged, or of another recipe or other data.
    DataError, ImageError
        See `prepare`.
    """
    try:
        digest = json.loads((folder / RECORD).read_bytes())["recipe_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        raise RecipeError(
            f"{folder}: {RECORD} is missing or damaged; train the run again"
        ) from None
    if digest != recipe_digest(recipe):
        raise RecipeError(f"{folder}: {RECIPE} changed since the run; put it back")
    for needed in (folder / SPLIT, certificate_path(folder / SPLIT)):
        if not needed.is_file():
            raise RecipeError(f"{folder}: {needed.name} is missing; train the run again")
    # What leaks was accepted when the run began.
    return prepare(recipe, recipe_path, SplitChoice(folder / SPLIT), accept_leak=True)


def check_same_split(checkpoint: Path, data: PreparedData) -> None:
    """Refuse initial weights that may have seen this run's report part.

    Raises
    ------
    RecipeError
        The checkpoint is not of a run with the same images and split.
    """
    kept = checkpoint.parent.parent / SPLIT
    try:
        _, certificate = read_split(kept, data.identity)
        same = certificate["split_sha256"] == data.certificate["split_sha256"]
    except DataError:
        same = False
    if not same:
        raise RecipeError(
            f"{checkpoint}: comes from another split (its certificate beside {kept} is missing or "
            "other), so it may have seen this run's report part; start from a run of the same split"
        )
