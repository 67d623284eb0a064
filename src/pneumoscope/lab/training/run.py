"""A training run: recipe in, run folder out.

A run folder holds ``recipe.yaml`` (as given), ``split.json`` (the split's certificate),
``record.json`` (what it ran with), ``metrics.csv`` and ``checkpoints/`` (``best.ckpt``,
``last.ckpt``).
"""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import platform
import signal
import warnings
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
from pneumoscope.files import told, write_files
from pneumoscope.lab.datasets import (
    Collection,
    EpochSampler,
    FourWaySplit,
    PrefetchingLoader,
    RadiographDataset,
    certificate,
    collect,
    linked_groups,
    split_four_ways,
)
from pneumoscope.lab.networks import Network, create
from pneumoscope.lab.training.module import ClassifierModule
from pneumoscope.lab.training.recipe import Recipe, read_recipe, source_folder
from pneumoscope.lab.training.waiting import DataWait

RECIPE, SPLIT, RECORD, CHECKPOINTS = "recipe.yaml", "split.json", "record.json", "checkpoints"


_log = logging.getLogger(__name__)
# Its advice is for programmers; the progress bar says what users need.
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)


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
        A manifest or an image cannot be used; an image has a label that its source is said to lack;
        no image has the positive class.
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
    if not any(i.label == recipe.positive_class for _, images in manifests for i in images):
        raise DataError(
            f"positive_class {recipe.positive_class!r}: no image of any source has this label; "
            "choose a class that occurs"
        )
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
    groups = linked_groups(collection.patients, collection.fingerprints)
    shares = recipe.split.model_dump(include={"train", "stop", "calibrate", "report"})
    split = split_four_ways(strata, groups, shares, by=recipe.split.by, seed=recipe.split.seed)
    paper = certificate(
        split, collection.files, collection.fingerprints, strata, collection.patients, groups
    )
    return PreparedData(collection, split, strata, paper)


def check_unchanged(folder: Path, recipe: Recipe, data: PreparedData) -> None:
    """Hold a run's recipe and data against what its folder says that it was trained with.

    Raises
    ------
    RecipeError
        The record or the certificate is missing or damaged, or of another recipe, other data or
        another split.
    """
    try:
        kept = json.loads((folder / SPLIT).read_bytes())
        digest = json.loads((folder / RECORD).read_bytes())["recipe_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        raise RecipeError(
            f"{folder}: {SPLIT} or {RECORD} is missing or damaged; train the run again"
        ) from None
    if digest != recipe_digest(recipe):
        raise RecipeError(f"{folder}: {RECIPE} changed since the run; put it back")
    if kept != data.certificate:
        raise RecipeError(f"{folder}: the data or the split changed since the run; train it again")


def _check_same_split(checkpoint: Path, data: PreparedData) -> None:
    """Refuse initial weights that may have seen this run's report part."""
    kept = checkpoint.parent.parent / SPLIT
    try:
        same = json.loads(kept.read_bytes())["images"] == data.certificate["images"]
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
        check_unchanged(out, recipe, data)
    elif recipe.initial_weights is not None:
        _check_same_split(recipe_path.parent / recipe.initial_weights, data)
    if not resume:
        _write_record(recipe_path, recipe, out, data)
    module = ClassifierModule(
        network, known_classes(recipe), recipe.training, steps_per_epoch=len(train_loader)
    )
    with warnings.catch_warnings():
        # Like its log, Lightning's warnings are for programmers.
        warnings.filterwarnings("ignore", module=r"lightning\.")
        trainer = _trainer(recipe, out, _logger(out, steps))
        _fit(trainer, module, train_loader, stop_loader, last)
    return out / CHECKPOINTS / "best.ckpt"


def _fit(
    trainer: lightning.Trainer,
    module: ClassifierModule,
    train_loader: DataLoader[Any],
    stop_loader: DataLoader[Any],
    last: Path | None,
) -> None:
    """Train, and pass an interrupt on as what it is."""
    on_interrupt = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(module, train_loader, stop_loader, ckpt_path=last, weights_only=True)
    except SystemExit:
        # This is how Lightning answers an interrupt, after it has tidied up; it leaves the process
        # deaf to the next one.
        signal.signal(signal.SIGINT, on_interrupt)
        raise KeyboardInterrupt from None


def _check_folder(recipe_path: Path, out: Path, *, resume: bool) -> Path | None:
    """Return the checkpoint to resume from, or None for a fresh run."""
    kept = out / RECIPE
    last = out / CHECKPOINTS / "last.ckpt"
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


def recipe_digest(recipe: Recipe) -> str:
    """Checksum of what a recipe's weights depend on."""
    text = json.dumps(recipe.training_part(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _write_record(recipe_path: Path, recipe: Recipe, out: Path, data: PreparedData) -> None:
    """Keep what the run depends on beside its results."""
    packages = ("pneumoscope", "torch", "lightning", "monai", "numpy", "opencv-python-headless")
    record = {
        "recipe_sha256": recipe_digest(recipe),
        "left_out": list(data.collection.left_out),
        "precision": _precision(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "machine": platform.machine(),
        "python": platform.python_version(),
    } | {name: version(name) for name in packages}
    with told(str(out)):
        out.mkdir(parents=True, exist_ok=True)
    write_files(
        {
            out / SPLIT: (json.dumps(data.certificate, indent=1) + "\n").encode(),
            out / RECORD: (json.dumps(record, indent=1) + "\n").encode(),
            # Last: a folder with a recipe counts as a run.
            out / RECIPE: recipe_path.read_bytes(),
        }
    )


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
        DataWait(),
    ]
    if settings.minutes is not None:
        callbacks.append(Timer(timedelta(minutes=settings.minutes), interval="epoch"))
    return lightning.Trainer(
        max_epochs=settings.epochs,
        precision=_precision(),
        callbacks=callbacks,
        logger=logger,
        # One device: the stop part's loss is not gathered from several.
        devices=1,
        enable_progress_bar=_log.isEnabledFor(logging.INFO),
        deterministic="warn",
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )


def _precision() -> Literal["bf16-mixed", "16-mixed", "32-true"]:
    """Use bfloat16 where the machine computes in it, full precision elsewhere."""
    if torch.cuda.is_available():
        return (
            "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"
        )
    return "bf16-mixed" if torch.cpu._is_avx512_bf16_supported() else "32-true"


def _loaders(recipe: Recipe, data: PreparedData) -> tuple[PrefetchingLoader, PrefetchingLoader]:
    """Loaders of the training part (balanced, augmented) and the stop part (as it is)."""
    spec, settings = recipe.input.spec, recipe.training
    training = data.split.indices("train")
    sampler = EpochSampler(
        data.collection.sources[training], recipe.seed, samples=settings.samples_per_epoch
    )
    if len(sampler) < settings.batch_size:
        raise RecipeError(
            f"training: an epoch of {len(sampler)} images has no full batch of "
            f"{settings.batch_size}; lower batch_size or raise samples_per_epoch"
        )
    # Whole batches only: a normalisation layer cannot train on a last batch of one image.
    train_loader = PrefetchingLoader(
        RadiographDataset(data.collection, training, spec, recipe.augmentation),
        settings.batch_size,
        sampler=sampler,
        drop_last=True,
    )
    stop_loader = PrefetchingLoader(
        RadiographDataset(data.collection, np.sort(data.split.indices("stop")), spec),
        settings.batch_size,
    )
    return train_loader, stop_loader
