"""A recipe's network, fresh or from a checkpoint."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from torch import nn

from pneumoscope.errors import RecipeError
from pneumoscope.files import told, write_files
from pneumoscope.lab.networks import Network, UnitDropout, create
from pneumoscope.lab.training.recipe import Recipe

_PREFIX = "network."


def build_network(recipe: Recipe, *, fetch: bool = False) -> Network:
    """Build the recipe's network; fetch its ImageNet weights unless a checkpoint's follow.

    Raises
    ------
    RecipeError
        See `create`; or the recipe's `unit_dropout` has not one rate for each unit.
    """
    network = create(
        recipe.network.name,
        classes=len(recipe.classes),
        size=recipe.input.size,
        options=recipe.network.options,
        evidence_maps=len(recipe.evidence.classes) if recipe.evidence else 0,
        age_groups=len(recipe.age_groups),
        fetch=fetch,
    )
    rate, rates = recipe.network.head_dropout, recipe.network.unit_dropout
    if rate is not None:
        network.dropout = nn.Dropout(rate)
    if rates is not None:
        units = network.output.in_features
        if len(rates) != units:
            raise RecipeError(
                f"network.unit_dropout: has {len(rates)} rates, but {recipe.network.name} has "
                f"{units} units before its last layer; give one for each"
            )
        network.dropout = UnitDropout(rates)
    return network


def load_weights(network: Network, checkpoint: Path) -> None:
    """Load a checkpoint's network weights.

    Raises
    ------
    RecipeError
        No such checkpoint, not a checkpoint, or one of another network.
    """
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
        weights = {k.removeprefix(_PREFIX): v for k, v in state.items() if k.startswith(_PREFIX)}
    except FileNotFoundError:
        raise RecipeError(f"{checkpoint}: no such checkpoint; train the run first") from None
    except Exception:
        raise RecipeError(f"{checkpoint}: not a checkpoint of Pneumoscope") from None
    try:
        network.load_state_dict(weights)
    except RuntimeError:
        raise RecipeError(
            f"{checkpoint}: holds another network than the recipe's; use the run's own recipe"
        ) from None


def check_finite(network: Network, checkpoint: Path) -> None:
    """Refuse a network that answers nothing any more.

    Raises
    ------
    RecipeError
        One of its weights is no finite number.
    """
    if not all(values.isfinite().all() for values in network.state_dict().values()):
        raise RecipeError(
            f"{checkpoint}: the training diverged (its weights are no numbers any more); lower "
            "training.learning_rate and train into another folder"
        )


class WholeCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint whole or not at all: on a full disk the last good one stays."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Write beside the old checkpoint, then take its name.

        Raises
        ------
        InputError
            The disk is full, or the folder cannot be written.
        """
        if storage_options is not None:
            raise OSError(errno.EINVAL, "checkpoints take no storage options")
        target = Path(path)
        with told(str(target)):
            target.parent.mkdir(parents=True, exist_ok=True)
        content = io.BytesIO()
        torch.save(checkpoint, content)
        write_files({target: content.getvalue()})
