"""The engines that can be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pneumoscope.bundles import SINGLE, Bundle
from pneumoscope.errors import InputError
from pneumoscope.inference.cores import available_cores
from pneumoscope.inference.engines.engine import Engine, GraphEngine, Load
from pneumoscope.inference.engines.onnx_runtime import OnnxRuntimeGraph
from pneumoscope.inference.engines.openvino import OpenVinoGraph

DEFAULT_ENGINE = "onnxruntime"
ENGINES: Mapping[str, Load] = MappingProxyType(
    {DEFAULT_ENGINE: OnnxRuntimeGraph, "openvino": OpenVinoGraph}
)
"""By the name that users give, and that results carry."""


def open_engine(
    bundle: Bundle,
    *,
    name: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
) -> Engine:
    """Make a bundle's network ready to answer.

    Parameters
    ----------
    bundle : Bundle
    name : str or None
        Of `ENGINES`; None for `DEFAULT_ENGINE`.
    precision : str or None
        Of the network's arithmetic; None for single precision, "fp32".
    threads : int or None
        Cores for one answer, 1 or more; None for all that this process may use.

    Returns
    -------
    Engine

    Raises
    ------
    InputError
        There is no such engine, it is not installed, or the processor lacks this precision.
    BundleError
        The bundle was not calibrated for the engine in this precision, or its graph cannot be
        loaded or does not fit its description.

    Examples
    --------
    >>> from pneumoscope.bundles import find_bundle
    >>> open_engine(find_bundle(), threads=1).info.precision
    'fp32'
    """
    chosen = DEFAULT_ENGINE if name is None else name
    if chosen not in ENGINES:
        raise InputError(f"engine {chosen!r}: is none of {', '.join(ENGINES)}; choose one of them")
    if threads is not None and threads < 1:
        raise InputError(f"threads {threads}: must be 1 or more")
    asked = precision or SINGLE
    return GraphEngine(
        bundle.read_by(chosen, asked),
        ENGINES[chosen],
        name=chosen,
        precision=asked,
        threads=threads or available_cores(),
    )
