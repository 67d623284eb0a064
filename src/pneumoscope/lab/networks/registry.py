"""Networks by name: one file per architecture, one entry point each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ConfigDict, ValidationError, validate_call
from torch import Tensor, nn

from pneumoscope.errors import RecipeError


class Network(nn.Module):
    """What every registered network offers besides `forward`.

    Attributes
    ----------
    default_size : int
        Input side in pixels as published.
    default_classes : int
        Number of classes as published.
    weights_source : str
        Where the weights come from that training starts with.
    """

    default_size: int
    default_classes: int = 3
    weights_source: str = "random initialisation"

    def features(self, images: Tensor) -> Tensor:
        """Feature map (n, channels, rows, columns) that Grad-CAM is taken on."""
        raise NotImplementedError

    def explain(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Answer and say where the network looked, in operations that can be exported.

        Parameters
        ----------
        images : Tensor, shape (n, channels, size, size)
            Values 0..1.

        Returns
        -------
        logits : Tensor, shape (n, classes)
        activation_maps : Tensor, shape (n, classes, rows, columns)
            Grad-CAM of each class's logit, ``relu(sum_c mean(gradient_c) A_c)`` (Selvaraju 2017).
        """
        raise NotImplementedError

    def penalised_kernels(self) -> list[Tensor]:
        """Weights that the recipe's L1 and L2 penalties apply to; none unless published."""
        return []


# What the recipe's data decide; everything else that a factory takes is an option.
_BY_THE_RECIPE = ("classes", "size")

_factories: dict[str, Callable[..., Network]] = {}


def register(factory: Callable[..., Network]) -> Callable[..., Network]:
    """Make a network available under its function's name."""
    # Strict: options come from a recipe; "no" must not count as true, nor 2.5 as a number of steps.
    _factories[factory.__name__] = validate_call(config=ConfigDict(strict=True))(factory)
    return factory


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


def create(name: str, *, classes: int, size: int, options: Mapping[str, Any]) -> Network:
    """Build a network with fresh weights.

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

    Raises
    ------
    RecipeError
        The network or one of its options does not exist, or an option's value is impossible.
    """
    if name not in _factories:
        raise RecipeError(f"network {name!r} does not exist; there are: {', '.join(names())}")
    try:
        return _factories[name](classes=classes, size=size, **options)
    except ValidationError as error:
        first = error.errors()[0]
        # A key may hold line breaks.
        where = " ".join(".".join(str(part) for part in first["loc"]).split())
        raise RecipeError(f"network {name!r}: option {where}: {first['msg']}") from error
    except (TypeError, ValueError) as error:
        raise RecipeError(f"network {name!r} cannot be built: {error}") from error


def count_parameters(network: nn.Module) -> int:
    """Count parameters with the running statistics of the normalisations, as Keras does."""
    running = sum(
        buffer.numel()
        for name, buffer in network.named_buffers()
        if name.endswith(("running_mean", "running_var"))
    )
    return running + sum(parameter.numel() for parameter in network.parameters())
