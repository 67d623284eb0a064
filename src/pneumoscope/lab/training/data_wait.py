"""Share of an epoch that the trainer waits for its data."""

from __future__ import annotations

import time
from typing import Any

import lightning


class DataWait(lightning.Callback):
    """Logs `data_wait_share`: seconds waited for a `PrefetchingLoader`, by seconds of the epoch.

    The epoch is that of the training part, from its start to the end of its last step.
    """

    def on_train_epoch_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Start the clock."""
        self._began = self._ended = time.perf_counter()

    def on_train_batch_end(self, *_: Any) -> None:
        """Note the end of what may be the last step."""
        self._ended = time.perf_counter()

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Log the share."""
        loader: Any = trainer.train_dataloader
        pl_module.log("data_wait_share", loader.waited / (self._ended - self._began))
