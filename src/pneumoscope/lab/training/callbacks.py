"""What happens beside the steps: curves, checkpoints, averaging, the moment to stop."""

from __future__ import annotations

import csv
import io
import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import (
    EarlyStopping,
    EMAWeightAveraging,
    ModelCheckpoint,
    Timer,
)

from pneumoscope.files import write_files
from pneumoscope.lab.training.data_wait import DataWait
from pneumoscope.lab.training.recipe import Training
from pneumoscope.lab.training.run_folder import CHECKPOINTS, METRICS

_MONITORED = {
    "lowest_loss": ("stop_loss", "min"),
    "highest_accuracy": ("stop_accuracy", "max"),
    "last": ("epoch", "max"),
}


class Curves(lightning.Callback):
    """Writes every epoch's figures to ``metrics.csv``, one row each.

    They are in the checkpoints, too: a resumed run goes on with the rows of its checkpoint, however
    the run before it ended.

    Parameters
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._epochs: list[dict[str, float]] = []
        self._learning_rate = math.nan

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Note the rate before a schedule changes it."""
        self._learning_rate = float(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Add the epoch's row."""
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        counted: dict[str, float] = {
            "epoch": trainer.current_epoch,
            "step": trainer.global_step,
            "learning_rate": self._learning_rate,
        }
        self._epochs.append(counted | figures)
        if trainer.is_global_zero:
            text = io.StringIO(newline="")
            table = csv.DictWriter(text, list(self._epochs[-1]))
            table.writeheader()
            table.writerows(self._epochs)
            write_files({self._path: text.getvalue().encode()})

    def state_dict(self) -> dict[str, Any]:
        """Return the rows."""
        return {"epochs": self._epochs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the rows of a checkpoint."""
        self._epochs = list(state_dict["epochs"])


class Patience(EarlyStopping):
    """Early stopping that a resumed run remembers: one that had stopped trains no further epoch."""

    def on_fit_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Stop before the first epoch where the checkpoint's run had stopped."""
        if self.stopped_epoch or self.wait_count >= self.patience:
            trainer.should_stop = True


def callbacks(settings: Training, out: Path) -> list[lightning.Callback]:
    """List what a run does beside its steps, in the order in which it must happen."""
    monitor, mode = _MONITORED[settings.keep]
    found: list[lightning.Callback] = []
    if settings.ema_decay is not None:
        # First, so that the stop part sees the averaged weights.
        found.append(EMAWeightAveraging(decay=settings.ema_decay))
    found += [DataWait(), Curves(out / METRICS)]
    if settings.early_stopping_patience is not None:
        found.append(Patience("stop_loss", patience=settings.early_stopping_patience))
    if settings.minutes is not None:
        found.append(Timer(timedelta(minutes=settings.minutes), interval="epoch"))
    found.append(
        ModelCheckpoint(
            out / CHECKPOINTS,
            filename="best",
            monitor=monitor,
            mode=mode,
            enable_version_counter=False,
        )
    )
    # Not `save_last` of the above, which writes only when the best one changes.
    found.append(ModelCheckpoint(out / CHECKPOINTS, filename="last", enable_version_counter=False))
    return found
