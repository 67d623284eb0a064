"""Pneumoscope: chest radiographs and bedside symptoms read for pneumonia, explained.

Decision support, not a diagnosis by itself.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pneumoscope.version import VERSION

if TYPE_CHECKING:
    from pneumoscope.workflow import diagnose

# ONNX Runtime would report every session to its makers, and leave an identifier in the home folder.
# It reads this when it is first imported; who wants to report sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = VERSION
__all__ = ["__version__", "diagnose"]


def __getattr__(name: str) -> Any:
    # Importing the package must stay cheap: the workflow loads the model's runtime.
    if name == "diagnose":
        from pneumoscope.workflow import diagnose

        return diagnose
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
