"""A training run: recipe in, run folder out (see `pneumoscope.lab.training.run_folder`)."""

from __future__ import annotations

import csv
import errno
import logging
import signal
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import (
    EarlyStopping,
    EMAWeightAveraging,
    ModelCheckpoint,
    Timer,
)
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor
from torch.utils.data import DataLoader

from pneumoscope.errors import InputError, RecipeError
from pneumoscope.lab.datasets import EpochSampler, PrefetchingLoader, RadiographDataset
from pneumoscope.lab.networks import Network
from pneumoscope.lab.training.memory import keep_freed_memory
from pneumoscope.lab.training.module import ClassifierModule
from pneumoscope.lab.training.prepare import PreparedData, SplitChoice, prepare
from pneumoscope.lab.training.recipe import Recipe, read_recipe
from pneumoscope.lab.training.run_folder import (
    BEST,
    CHECKPOINTS,
    METRICS,
    check_folder,
    check_same_split,
    prepare_again,
    write_record,
)
from pneumoscope.lab.training.weights import WholeCheckpoints, build_network, load_weights

_log = logging.getLogger(__name__)
# Its advice is for programmers; the progress bar says what users need.
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)

_FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


def train(
    recipe_path: Path,
    out: Path,
    *,
    split: SplitChoice | None = None,
    accept_leak: bool = False,
    resume: bool = False,
) -> Path:
    """Train a recipe into a run folder.

    Parameters
    ----------
    recipe_path : Path
        The YAML recipe.
    out : Path
        The run folder; must not hold a run unless `resume`.
    split : SplitChoice or None
        A fold of a split file; by default the recipe's own four parts. A resumed run keeps its own.
    accept_leak : bool
        Train on a split whose certificate shows a leak; every report then says so.
    resume : bool
        Go on from the last checkpoint of the run in `out`, to the same result.

    Returns
    -------
    Path
        The best checkpoint, by the recipe's `keep`.

    Raises
    ------
    RecipeError, DataError, ImageError
        See `read_recipe`, `prepare` and `load_weights`; also when `out` already holds a run, or
        holds none to resume, or one of another recipe or data; or when an epoch has no full batch.
    InputError
        The run folder cannot be written (a full disk, say); the last checkpoint stays.
    """
    recipe = read_recipe(recipe_path)
    last = check_folder(recipe_path, out, resume=resume)
    keep_freed_memory()
    lightning.seed_everything(recipe.seed, verbose=False)
    if recipe.training.threads is not None:
        torch.set_num_threads(recipe.training.threads)
    network = build_network(recipe)
    steps = 0
    if last is not None:
        load_weights(network, last)
        steps = torch.load(last, map_location="cpu", weights_only=True)["global_step"]
        data = prepare_again(out, recipe, recipe_path)
    else:
        data = _fresh(network, recipe, recipe_path, split, accept_leak=accept_leak)
    # Convolutions of CPUs and GPUs like this layout best. (The stubs do not know the keyword.)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    train_loader, stop_loader = _loaders(recipe, data)
    if last is None:
        write_record(recipe_path, recipe, out, data, _precision())
    module = ClassifierModule(
        network,
        recipe.known_classes(),
        recipe.training,
        steps_per_epoch=len(train_loader),
        seed=recipe.seed,
        class_weights=_class_weights(recipe, data),
    )
    with warnings.catch_warnings():
        # Like its log, Lightning's warnings are for programmers.
        warnings.filterwarnings("ignore", module=r"lightning\.")
        trainer = _trainer(recipe, out, _logger(out, steps))
        _fit(trainer, module, train_loader, stop_loader, last)
    return out / BEST


def _fresh(
    network: Network,
    recipe: Recipe,
    recipe_path: Path,
    split: SplitChoice | None,
    *,
    accept_leak: bool,
) -> PreparedData:
    """Prepare the data of a new run, and its initial weights."""
    if recipe.initial_weights is None:
        return prepare(recipe, recipe_path, split, accept_leak=accept_leak)
    checkpoint = recipe_path.parent / recipe.initial_weights
    load_weights(network, checkpoint)
    data = prepare(recipe, recipe_path, split, accept_leak=accept_leak)
    check_same_split(checkpoint, data)
    return data


def _class_weights(recipe: Recipe, data: PreparedData) -> list[float] | None:
    """Weigh the classes as the recipe says; "balanced" gives each the same total."""
    stated = recipe.training.class_weights
    if stated is None:
        return None
    if isinstance(stated, dict):
        return [stated[name] for name in recipe.classes]
    labels = data.collection.labels[data.split.indices("train")]
    counts = np.bincount(labels, minlength=len(recipe.classes))
    if not counts.all():
        missing = recipe.classes[int(counts.argmin())]
        raise RecipeError(
            f"training.class_weights: no image of {missing} is in the train part, so it cannot be "
            "balanced; state the weights by class"
        )
    return (len(labels) / (len(counts) * counts)).tolist()


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
    except OSError as error:
        if error.errno not in _FULL_DISK:
            raise
        raise InputError(
            f"{error.filename or trainer.default_root_dir}: cannot be written ({error.strerror}); "
            "make room, then go on with --resume"
        ) from None
    except SystemExit:
        # This is how Lightning answers an interrupt, after it has tidied up; it leaves the process
        # deaf to the next one.
        signal.signal(signal.SIGINT, on_interrupt)
        raise KeyboardInterrupt from None


def _logger(out: Path, steps: int) -> CSVLogger:
    """Log to ``metrics.csv``, which Lightning empties: a resumed run writes its epochs again."""
    earlier = out / METRICS
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
    monitor = {"lowest_loss": "stop_loss", "highest_accuracy": "stop_accuracy"}[settings.keep]
    callbacks: list[lightning.Callback] = [
        ModelCheckpoint(
            out / CHECKPOINTS,
            filename="best",
            monitor=monitor,
            mode="min" if settings.keep == "lowest_loss" else "max",
            enable_version_counter=False,
        ),
        # Not `save_last` of the above, which writes only when the best one changes.
        ModelCheckpoint(out / CHECKPOINTS, filename="last", enable_version_counter=False),
    ]
    if settings.ema_decay is not None:
        # First, so that the stop part and the checkpoints see the averaged weights.
        callbacks.insert(0, EMAWeightAveraging(decay=settings.ema_decay))
    if settings.early_stopping_patience is not None:
        callbacks.append(EarlyStopping("stop_loss", patience=settings.early_stopping_patience))
    if settings.minutes is not None:
        callbacks.append(Timer(timedelta(minutes=settings.minutes), interval="epoch"))
    return lightning.Trainer(
        max_epochs=settings.epochs,
        precision=_precision(),
        callbacks=callbacks,
        logger=logger,
        devices=settings.devices,
        plugins=[WholeCheckpoints()],
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


def _loaders(recipe: Recipe, data: PreparedData) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Loaders of the training part (balanced, augmented) and the stop part (as it is)."""
    spec, settings = recipe.input.spec, recipe.training
    training = data.split.indices("train")
    sampler = EpochSampler(
        data.collection.sources[training],
        recipe.seed,
        samples=settings.samples_per_epoch,
        way="balanced" if settings.sampling == "balanced_sources" else "shuffle",
    )
    drawn = settings.samples_per_epoch or len(training)
    if drawn < settings.batch_size:
        raise RecipeError(
            f"training: an epoch of {drawn} images has no full batch of "
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
