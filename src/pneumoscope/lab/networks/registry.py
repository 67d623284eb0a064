"""Networks by name: one file per architecture, one entry point each."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from pydantic import ConfigDict, ValidationError, validate_call

from pneumoscope.errors import RecipeError
from pneumoscope.lab.networks.network import Network

# What the recipe's data decide; everything else that a factory takes is an option.
_BY_THE_RECIPE = ("classes", "size", "evidence_maps", "age_groups")

_factories: dict[str, Callable[..., Network]] = {}


def register(factory: Callable[..., Network]) -> Callable[..., Network]:
    """Make a network available under its function's name."""
    # Strict: options come from a recipe; "no" must not count as true, nor 2.5 as a number of steps.
    _factories[factory.__name__] = validate_call(config=ConfigDict(strict=True))(factory)
    return factory


def discover(package: ModuleType) -> None:
    """Import every module of a package, so that those with networks register them."""
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")


def names() -> list[str]:
    """Names of the registered networks, sorted."""
    return sorted(_factories)


def describe(name: str) -> tuple[str, dict[str, Any]]:
    """Give a registered network's first line of documentation, and its options with defaults."""
    factory = _factories[name]
    documentation = inspect.getdoc(factory) or ""
    parameters = inspect.signature(factory).parameters
    options = {key: item.default for key, item in parameters.items() if key not in _BY_THE_RECIPE}
    return documentation.partition("\n")[0], options


def create(
    name: str,
    *,
    classes: int,
    size: int,
    options: Mapping[str, Any],
    evidence_maps: int = 0,
    age_groups: int = 1,
    fetch: bool = True,
) -> Network:
    """Build a network with the weights that training starts with.

    Parameters
    ----------
    name : str
        One of `names`.
    classes : int
        Number of classes, at least 2.
    size : int
        Side of the square input in pixels.
    options : mapping
        The network's own options.
    evidence_maps : int
        Number of classes that the recipe asks an evidence map for.
    age_groups : int
        Number of age groups, at least 1.
    fetch : bool
        Fetch ImageNet weights where the options ask for them. False where other weights follow.

    Raises
    ------
    RecipeError
        The network or one of its options does not exist, or an option's value is impossible, or
        ImageNet weights cannot be fetched.
    """
    if name not in _factories:
        raise RecipeError(f"network {name!r} does not exist; there are: {', '.join(names())}")
    asked = {"evidence_maps": evidence_maps, "age_groups": age_groups}
    taken = inspect.signature(_factories[name]).parameters
    if evidence_maps and "evidence_maps" not in taken:
        raise RecipeError(f"network {name!r} draws no evidence map; leave `evidence` out")
    try:
        network = _factories[name](
            classes=classes,
            size=size,
            **{key: value for key, value in asked.items() if key in taken},
            **options,
        )
        if fetch and network.pretrained:
            network.load_pretrained()
    except ValidationError as error:
        first = error.errors()[0]
        # A key may hold line breaks.
        where = " ".join(".".join(str(part) for part in first["loc"]).split())
        what = first["msg"]
        if first["type"] == "unexpected_keyword_argument":
            what = f"does not exist; there are: {', '.join(describe(name)[1])}"
        raise RecipeError(f"network {name!r}: option {where}: {what}") from error
    except (TypeError, ValueError) as error:
        raise RecipeError(f"network {name!r} cannot be built: {error}") from error
    return network
