"""Silence for third-party decoders: their messages can quote header values of a patient."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_LOGGERS = ("pydicom", "PIL")
_lock = threading.Lock()
_silence = ExitStack()
_depth = 0


@contextmanager
def quiet() -> Iterator[None]:
    """Drop the decoders' warnings and log records while inside; safe in threads and when nested.

    Filters are global to the process: the first to enter sets them, the last to leave restores
    them, so that threads cannot restore each other's state.
    """
    global _depth
    with _lock:
        if _depth == 0:
            _install()
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                _silence.close()


def _install() -> None:
    _silence.enter_context(warnings.catch_warnings())
    warnings.simplefilter("ignore")
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        _silence.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.CRITICAL + 1)
