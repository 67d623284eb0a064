"""A training run: recipe in, run folder out.

A run folder holds ``recipe.yaml`` (as given), ``split.json`` (the split's certificate),
``versions.json``, ``metrics.csv`` and ``checkpoints/`` (``best.ckpt``, ``last.ckpt``).
"""

from __future__ import annotations

import csv
import json
import platform
import shutil
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, Timer
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor
from torch.utils.data import DataLoader

from pneumoscope.errors import DataError, RecipeError
from pneumoscope.evaluation import read_manifest
from pneumoscope.lab.datasets import (
    Collection,
    FourWaySplit,
    RadiographDataset,
    balanced_sampler,
    certificate,
    collect,
    linked_groups,
    split_four_ways,
)
from pneumoscope.lab.networks import Network, create
from pneumoscope.lab.training.module import ClassifierModule
from pneumoscope.lab.training.recipe import Recipe, read_recipe, source_folder

RECIPE, SPLIT, VERSIONS, CHECKPOINTS = "recipe.yaml", "split.json", "versions.json", "checkpoints"


@dataclass(frozen=True, slots=True, eq=False)
class PreparedData:
    """A recipe's images and their split."""

    collection: Collection
    split: FourWaySplit
    strata: tuple[str, ...]
    certificate: dict[str, object]


def prepare(recipe: Recipe, recipe_path: Path) -> PreparedData:
    """Decode a recipe's images and split them.

    Raises
    ------
    RecipeError
        A source's folder does not exist.
    DataError, ImageError
        A manifest or an image cannot be used; an image has a label that its source is said to lack.
    """
    manifests = [
        (source.name, read_manifest(source_folder(recipe_path, source)).images)
        for source in recipe.sources
    ]
    for source, (_, images) in zip(recipe.sources, manifests, strict=True):
        wrong = sorted({image.label for image in images} & set(source.absent_classes))
        if wrong:
            raise DataError(
                f"source {source.name!r}: has images labelled {wrong[0]!r}, which the recipe lists "
                "among its absent_classes; take it out of them"
            )
    collection = collect(manifests, recipe.classes, recipe.input.size)
    strata = tuple(
        f"{recipe.sources[source].name} {recipe.classes[label]}"
        for source, label in zip(collection.sources, collection.labels, strict=True)
    )
    groups = linked_groups(collection.patients, collection.fingerprints)
    shares = recipe.split.model_dump(include={"train", "stop", "calibrate", "report"})
    split = split_four_ways(strata, groups, shares, by=recipe.split.by, seed=recipe.split.seed)
    paper = certificate(split, collection.files, strata, collection.patients, groups)
    return PreparedData(collection, split, strata, paper)


def check_unchanged(folder: Path, data: PreparedData) -> None:
    """Hold a run's data against the split's certificate in its folder.

    Raises
    ------
    RecipeError
        The certificate is missing, damaged, or of other data or another split.
    """
    try:
        kept = json.loads((folder / SPLIT).read_bytes())
    except (OSError, ValueError):
        raise RecipeError(f"{folder / SPLIT}: is missing or damaged; train the run again") from None
    if kept != data.certificate:
        raise RecipeError(f"{folder}: the data or the split changed since the run; train it again")


def _check_same_split(checkpoint: Path, data: PreparedData) -> None:
    """Refuse initial weights that may have seen this run's report part."""
    kept = checkpoint.parent.parent / SPLIT
    try:
        same = json.loads(kept.read_bytes())["files"] == data.certificate["files"]
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise RecipeError(
            f"{checkpoint}: comes from another split (its certificate {kept} is missing or other), "
            "so it may have seen this run's report part; start from a run of the same split"
        )


def build_network(recipe: Recipe) -> Network:
    """Build the recipe's network with fresh weights."""
    return create(
        recipe.network.name,
        classes=len(recipe.classes),
        size=recipe.input.size,
        options=recipe.network.options,
    )


def known_classes(recipe: Recipe) -> list[list[bool]]:
    """Tell which classes (columns) the loss compares for the images of each source (rows)."""
    return [
        [
            source.absent_class_loss == "as_negative" or name not in source.absent_classes
            for name in recipe.classes
        ]
        for source in recipe.sources
    ]


def load_weights(network: Network, checkpoint: Path) -> None:
    """Load a checkpoint's network weights.

    Raises
    ------
    RecipeError
        No such checkpoint, not a checkpoint, or one of another network.
    """
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
        prefix = "network."
        weights = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    except FileNotFoundError:
        raise RecipeError(f"{checkpoint}: no such checkpoint; train the run first") from None
    except Exception:
        raise RecipeError(f"{checkpoint}: not a checkpoint of Pneumoscope") from None
    try:
        network.load_state_dict(weights)
    except RuntimeError:
        raise RecipeError(
            f"{checkpoint}: holds another network than the recipe's; use the run's own recipe"
        ) from None


def train(recipe_path: Path, out: Path, *, resume: bool = False) -> Path:
    """Train a recipe into a run folder.

    Parameters
    ----------
    recipe_path : Path
        The YAML recipe.
    out : Path
        The run folder; must not hold a run unless `resume`.
    resume : bool
        Go on from the last checkpoint of the run in `out`.

    Returns
    -------
    Path
        The best checkpoint, by the stop part's loss.

    Raises
    ------
    RecipeError, DataError, ImageError
        See `read_recipe`, `prepare` and `load_weights`; also when `out` already holds a run, or
        holds none to resume, or one of another recipe or data; or when an epoch has no full batch.
    """
    recipe = read_recipe(recipe_path)
    last = _check_folder(recipe_path, out, resume=resume)
    lightning.seed_everything(recipe.seed, verbose=False)
    if recipe.training.threads is not None:
        torch.set_num_threads(recipe.training.threads)
    network = build_network(recipe)
    steps = 0
    if last is not None:
        load_weights(network, last)
        steps = torch.load(last, map_location="cpu", weights_only=True)["global_step"]
        # Resumed epochs must not repeat the draws of the first ones.
        lightning.seed_everything((recipe.seed + steps) % 2**32, verbose=False)
    elif recipe.initial_weights is not None:
        load_weights(network, recipe_path.parent / recipe.initial_weights)
    # Convolutions of CPUs and GPUs like this layout best. (The stubs do not know the keyword.)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    data = prepare(recipe, recipe_path)
    train_loader, stop_loader = _loaders(recipe, data)
    if resume:
        check_unchanged(out, data)
    elif recipe.initial_weights is not None:
        _check_same_split(recipe_path.parent / recipe.initial_weights, data)
    _write_record(recipe_path, out, data)
    module = ClassifierModule(network, known_classes(recipe), recipe.training)
    trainer = _trainer(recipe, out, _logger(out, steps))
    trainer.fit(module, train_loader, stop_loader, ckpt_path=last, weights_only=True)
    return out / CHECKPOINTS / "best.ckpt"


def _check_folder(recipe_path: Path, out: Path, *, resume: bool) -> Path | None:
    """Return the checkpoint to resume from, or None for a fresh run."""
    kept = out / RECIPE
    last = out / CHECKPOINTS / "last.ckpt"
    if not resume:
        if kept.exists():
            raise RecipeError(f"{out}: already holds a run; give another folder, or --resume")
        return None
    for needed in (last, kept):
        if not needed.is_file():
            raise RecipeError(f"{out}: holds no run to resume ({needed} is missing)")
    if kept.read_bytes() != recipe_path.read_bytes():
        raise RecipeError(f"{out}: was trained with another recipe; resume with {kept}")
    return last


def _write_record(recipe_path: Path, out: Path, data: PreparedData) -> None:
    """Keep what the run depends on beside its results."""
    out.mkdir(parents=True, exist_ok=True)
    if recipe_path.resolve() != (out / RECIPE).resolve():
        shutil.copyfile(recipe_path, out / RECIPE)
    (out / SPLIT).write_text(json.dumps(data.certificate, indent=1) + "\n")
    packages = ("pneumoscope", "torch", "lightning", "monai", "numpy", "opencv-python-headless")
    record = {name: version(name) for name in packages}
    record |= {"python": platform.python_version(), "machine": platform.machine()}
    (out / VERSIONS).write_text(json.dumps(record, indent=1) + "\n")


def _logger(out: Path, steps: int) -> CSVLogger:
    """Log to ``metrics.csv``, which Lightning empties: a resumed run writes its epochs again."""
    earlier = out / "metrics.csv"
    rows = []
    if steps and earlier.is_file():
        with earlier.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
    logger = CSVLogger(out, name="", version="")
    for row in rows:
        step = int(row.pop("step"))
        if step < steps:  # later epochs are trained again
            # The epoch is a whole number, the rest are not.
            values: dict[str, Tensor | float]
            values = {k: int(v) if v.isdigit() else float(v) for k, v in row.items() if v}
            logger.log_metrics(values, step)
    logger.save()
    return logger


def _trainer(recipe: Recipe, out: Path, logger: CSVLogger) -> lightning.Trainer:
    """Build a trainer for whatever machine this is."""
    settings = recipe.training
    callbacks: list[lightning.Callback] = [
        EarlyStopping("stop_loss", patience=settings.early_stopping_patience),
        ModelCheckpoint(
            out / CHECKPOINTS, filename="best", monitor="stop_loss", enable_version_counter=False
        ),
        # Not `save_last` of the above, which writes only when the best one changes.
        ModelCheckpoint(out / CHECKPOINTS, filename="last", enable_version_counter=False),
    ]
    if settings.minutes is not None:
        callbacks.append(Timer(timedelta(minutes=settings.minutes), interval="epoch"))
    return lightning.Trainer(
        max_epochs=settings.epochs,
        precision=_precision(),
        callbacks=callbacks,
        logger=logger,
        deterministic="warn",
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )


def _precision() -> Literal["bf16-mixed", "16-mixed", "32-true"]:
    """Use bfloat16 where the machine computes in it, full precision elsewhere."""
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
    return "bf16-mixed" if torch.cpu._is_avx512_bf16_supported() else "32-true"


def _loaders(recipe: Recipe, data: PreparedData) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Loaders of the training part (balanced, augmented) and the stop part (as it is)."""
    spec, settings = recipe.input.spec, recipe.training
    training = data.split.indices("train")
    sampler = balanced_sampler(
        data.collection.sources[training].tolist(), settings.samples_per_epoch
    )
    if len(sampler) < settings.batch_size:
        raise RecipeError(
            f"training: an epoch of {len(sampler)} images has no full batch of "
            f"{settings.batch_size}; lower batch_size or raise samples_per_epoch"
        )
    # Whole batches only: a normalisation layer cannot train on a last batch of one image.
    train_loader = DataLoader(
        RadiographDataset(data.collection, training, spec, recipe.augmentation),
        batch_size=settings.batch_size,
        sampler=sampler,
        drop_last=True,
    )
    stop_loader = DataLoader(
        RadiographDataset(data.collection, np.sort(data.split.indices("stop")), spec),
        batch_size=settings.batch_size,
    )
    return train_loader, stop_loader
