"""Every registered network as a user would choose it: how large, for which input, which options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from pneumoscope.lab.networks.network import Network, count_parameters
from pneumoscope.lab.networks.registry import create, describe, names

_ANY_SIZE = 224


@dataclass(frozen=True, slots=True)
class NetworkEntry:
    """One network with its options at their defaults.

    Attributes
    ----------
    name : str
        As a recipe names it.
    summary : str
        What it is, and after which publication.
    input_size : int
        Side of the square input in pixels, as published.
    classes : int
        Number of classes, as published.
    parameters : int
        At that size and number of classes, running statistics of the normalisations included.
    weights_source : str
        Where the weights come from that training starts with.
    options : mapping of str to any
        The network's own options with their defaults.
    """

    name: str
    summary: str
    input_size: int
    classes: int
    parameters: int
    weights_source: str
    options: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Give the entry as plain JSON values."""
        return asdict(self)


def catalogue() -> list[NetworkEntry]:
    """List the registered networks, sorted by name; no weight is drawn."""
    return [_entry(name) for name in names()]


def _entry(name: str) -> NetworkEntry:
    published = _shape_only(name, classes=Network.default_classes, size=_ANY_SIZE)
    size, classes = published.default_size, published.default_classes
    as_published = (size, classes) == (_ANY_SIZE, Network.default_classes)
    network = published if as_published else _shape_only(name, classes=classes, size=size)
    summary, options = describe(name)
    return NetworkEntry(
        name=name,
        summary=summary,
        input_size=size,
        classes=classes,
        parameters=count_parameters(network),
        weights_source=network.weights_source,
        options=options,
    )


def _shape_only(name: str, *, classes: int, size: int) -> Network:
    """Build a network whose tensors have shapes and no values."""
    with torch.device("meta"):
        return create(name, classes=classes, size=size, options={})
