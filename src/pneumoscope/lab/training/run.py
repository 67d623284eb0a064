"""A training run: recipe in, run folder out (see `pneumoscope.lab.training.run_folder`)."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import lightning
import torch

from pneumoscope.lab.networks import Network
from pneumoscope.lab.training.batches import (
    check_batches,
    class_weights,
    stop_loader,
    training_loader,
)
from pneumoscope.lab.training.callbacks import callbacks
from pneumoscope.lab.training.interrupts import Interrupts
from pneumoscope.lab.training.malloc import keep_freed_memory
from pneumoscope.lab.training.module import ClassifierModule
from pneumoscope.lab.training.prepare import PreparedData, SplitChoice, prepare
from pneumoscope.lab.training.processes import Process, Started, check_devices, together
from pneumoscope.lab.training.recipe import Recipe, Training, read_recipe
from pneumoscope.lab.training.run_folder import (
    BEST,
    LAST,
    add_time,
    check_folder,
    check_same_split,
    prepare_again,
    tell_what_changed,
    write_record,
)
from pneumoscope.lab.training.weights import (
    WholeCheckpoints,
    build_network,
    check_finite,
    load_weights,
)

_log = logging.getLogger(__name__)
# Lightning's log is for developers; users have the progress bar.
for _name in ("lightning.pytorch", "lightning.fabric"):
    logging.getLogger(_name).setLevel(logging.WARNING)


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
        Train on a split whose certificate is missing, stale or shows a leak; every report then says
        so.
    resume : bool
        Go on from the last checkpoint of the run in `out`, to the result that it would have had.

    Returns
    -------
    Path
        The best checkpoint, by the recipe's `keep`.

    Raises
    ------
    RecipeError, DataError, ImageError
        See `read_recipe`, `prepare`, `check_batches`, `check_devices` and `load_weights`; also when
        `out` already holds a run, or holds none to resume, or one of another recipe or data; or
        when even the best network's weights are no numbers.
    InputError
        The run folder cannot be written (a full disk, say); the last checkpoint stays.
    """
    recipe = read_recipe(recipe_path)
    last = check_folder(recipe_path, out, resume=resume)
    check_devices(recipe.training.devices)
    network = _begin(recipe, fetch=last is None and recipe.initial_weights is None)
    if last is None:
        data = _fresh(network, recipe, recipe_path, split, accept_leak=accept_leak)
    else:
        load_weights(network, last)
        data = prepare_again(out, recipe, recipe_path)
    check_batches(recipe, data)
    weights = class_weights(recipe, data)
    if last is None:
        write_record(recipe_path, recipe, out, data, training_precision(recipe.training))
    else:
        tell_what_changed(out, training_precision(recipe.training))
    began = time.monotonic()
    with together(recipe_path, out, recipe.training.devices, resume=resume) as process:
        _fit(recipe, network, weights, data, out, last, process)
    add_time(out, time.monotonic() - began)
    load_weights(network, out / BEST)
    check_finite(network, out / BEST)
    return out / BEST


def join(
    recipe_path: Path, out: Path, process: Process, *, resume: bool, ready: Callable[[], None]
) -> None:
    """Train as a further process of a run that another one has begun and writes.

    Parameters
    ----------
    recipe_path, out : Path
        As the run was given them.
    process : Process
        Which one this is.
    resume : bool
        Whether the run goes on from its last checkpoint.
    ready : callable
        Called when the data are read.

    Raises
    ------
    RecipeError, DataError, ImageError
        See `train`.
    """
    recipe = read_recipe(recipe_path)
    # Its weights come from the process that began the run.
    network = _begin(recipe, fetch=False)
    data = prepare_again(out, recipe, recipe_path)
    weights = class_weights(recipe, data)
    ready()
    _fit(recipe, network, weights, data, out, out / LAST if resume else None, process)


def _begin(recipe: Recipe, *, fetch: bool) -> Network:
    """Set the process up as the recipe says, and build its network."""
    keep_freed_memory()
    lightning.seed_everything(recipe.seed, verbose=False)
    if recipe.training.threads is not None:
        torch.set_num_threads(recipe.training.threads)
    return build_network(recipe, fetch=fetch)


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


def _fit(
    recipe: Recipe,
    network: Network,
    weights: list[float] | None,
    data: PreparedData,
    out: Path,
    last: Path | None,
    process: Process,
) -> None:
    """Train one process's share."""
    training = training_loader(recipe, data, process)
    # Convolutions of CPUs and GPUs like this layout best. (The stubs do not know the keyword.)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    module = ClassifierModule(
        network,
        recipe.known_classes(),
        recipe.training,
        steps_per_epoch=len(training),
        seed=recipe.seed,
        class_weights=weights,
        groups=[recipe.group_of(source) or 0 for source in recipe.sources],
        evidence=recipe.evidence,
    )
    stop = stop_loader(recipe, data, process)
    with warnings.catch_warnings(), Interrupts() as interrupts:
        # Like its log, Lightning's warnings are for programmers.
        warnings.filterwarnings("ignore", module=r"lightning\.")
        trainer = _trainer(recipe, process, [*callbacks(recipe.training, out), interrupts])
        trainer.fit(module, training, stop, ckpt_path=last, weights_only=True)


def _trainer(
    recipe: Recipe, process: Process, beside: list[lightning.Callback]
) -> lightning.Trainer:
    """Build a trainer for whatever machine this is."""
    several = process.count > 1
    return lightning.Trainer(
        max_epochs=recipe.training.epochs,
        precision=training_precision(recipe.training),
        callbacks=beside,
        logger=False,
        devices=process.count,
        strategy="ddp" if several else "auto",
        # The loaders know their shares.
        use_distributed_sampler=False,
        plugins=[WholeCheckpoints(), *([Started(process)] if several else [])],
        enable_progress_bar=_log.isEnabledFor(logging.INFO),
        deterministic="warn",
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def training_precision(settings: Training) -> Literal["bf16-mixed", "16-mixed", "32-true"]:
    """Use bfloat16 where the machine computes in it, unless the recipe wants full precision."""
    if settings.precision == "fp32":
        return "32-true"
    if torch.cuda.is_available():
        return (
            "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"
        )
    return "bf16-mixed" if torch.cpu._is_avx512_bf16_supported() else "32-true"
