"""The engines that can be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pneumoscope.bundles import Bundle
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

_SINGLE = "fp32"


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
        Of the network's arithmetic; None for "fp32".
    threads : int or None
        Cores for one answer, 1 or more; None for all that this process may use.

    Returns
    -------
    Engine

    Raises
    ------
    InputError
        There is no such engine, it is not installed, or the bundle was not calibrated for it in
        this precision.
    BundleError
        The graph cannot be loaded, or does not fit its description.

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
    asked = precision or _SINGLE
    if asked != _SINGLE:
        raise InputError(
            f"precision {asked!r}: the bundle {bundle.description.name} was calibrated for "
            f"{_SINGLE} alone; leave the precision out"
        )
    return GraphEngine(
        bundle, ENGINES[chosen], name=chosen, precision=asked, threads=threads or available_cores()
    )
