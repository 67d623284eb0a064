"""Ctrl-C or a termination (SIGTERM) during a training."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

import lightning


class Interrupts(lightning.Callback):
    """Turns Ctrl-C into an interrupt between two batches.

    Python raises it wherever it is, and loses it where it cleans up. A second Ctrl-C does not wait.
    Nor may a termination, as by a scheduler, look like a training that is done. To be used as a
    context, which leaves the process as it was.
    """

    def __init__(self) -> None:
        self._asked = False
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(
        self,
        __: type[BaseException] | None,
        error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        # Lightning answers both with an exit, a termination with one that says success.
        if isinstance(error, SystemExit) or (self._asked and error is None):
            raise KeyboardInterrupt from None

    def _ask(self, _: int, __: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True

    def on_train_batch_end(self, *_: Any) -> None:
        """Interrupt, if it was asked for."""
        if self._asked:
            raise KeyboardInterrupt

    def on_validation_batch_end(self, *_: Any) -> None:
        """Interrupt, if it was asked for."""
        if self._asked:
            raise KeyboardInterrupt
