"""The network whose dropout is searched: warmed up for it, or from a finished run.

The publication does not say in which state the network is searched. Random weights tell nothing
about units, and a network that has learnt its images by heart forgives any mask; here the recipe is
trained for a few epochs with the preset rate in place.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

from pneumoscope.errors import RecipeError
from pneumoscope.files import read_limited, write_files
from pneumoscope.lab.datasets import digest
from pneumoscope.lab.networks import Network, create
from pneumoscope.lab.training import (
    BEST,
    DATA_VARIABLE,
    LAST,
    RECIPE,
    PreparedData,
    Recipe,
    SplitChoice,
    build_network,
    check_finite,
    load_weights,
    prepare,
    prepare_again,
    read_recipe,
    train,
)
from pneumoscope.lab.tuning.objective import draw_batches
from pneumoscope.lab.tuning.settings import SearchSettings

WARM_UP, WARM_UP_RECIPE, WARM_UP_TIME = "warm-up", "warm-up.yaml", "warm-up.json"


@dataclass(frozen=True, slots=True)
class WarmUp:
    """How the network that is searched comes about.

    Attributes
    ----------
    epochs : int
        Of the recipe's training, at least 1; our choice.
    split : SplitChoice or None
        A fold of a split file; by default the recipe's own four parts.
    accept_leak : bool
        Take a split whose certificate shows a leak.
    run : Path or None
        A finished run of the recipe: its best checkpoint is searched, on its own split, without a
        warm-up.
    """

    epochs: int = 3
    split: SplitChoice | None = None
    accept_leak: bool = False
    run: Path | None = None

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise RecipeError(f"warm-up: {self.epochs} epochs are impossible; give at least 1")
        if self.run is not None and self.split is not None:
            raise RecipeError("split: a finished run keeps its own split; leave one of them out")


@dataclass(frozen=True, slots=True, eq=False)
class SearchedState:
    """A network with its weights and the data it was trained on.

    Attributes
    ----------
    network : Network
    data : PreparedData
    weights_sha256 : str
        Of the checkpoint.
    warm_up_seconds : float or None
        By the clock; None without a warm-up, and for one that was interrupted.
    """

    network: Network
    data: PreparedData
    weights_sha256: str
    warm_up_seconds: float | None = None


def check_units(recipe: Recipe) -> None:
    """Refuse a network whose dropout has no units to choose from, before any training.

    Raises
    ------
    RecipeError
        The network, or one of its options, cannot be used.
    """
    with torch.device("meta"):  # shapes only
        network = create(
            recipe.network.name,
            classes=len(recipe.classes),
            size=recipe.input.size,
            options=recipe.network.options,
            fetch=False,
        )
    output = getattr(network, "output", None)
    if not isinstance(output, nn.Linear) or output.in_features < 2:
        raise RecipeError(
            f"network {recipe.network.name!r}: has no units before one last linear layer, so there "
            "is no mask to search; choose another network"
        )


def check_batches(
    recipe_path: Path, recipe: Recipe, warm_up: WarmUp, settings: SearchSettings
) -> None:
    """Refuse batches that cannot be drawn, before the warm-up and not after.

    Raises
    ------
    RecipeError, DataError, ImageError
        See `build_objective` and `pneumoscope.lab.training.train`.
    """
    data = prepare(recipe, recipe_path, warm_up.split, accept_leak=warm_up.accept_leak)
    draw_batches(recipe, data, settings.batches, settings.seed)


def reach_state(
    recipe_path: Path, recipe: Recipe, out: Path, rate: float, warm_up: WarmUp, *, finished: bool
) -> SearchedState:
    """Warm the network up, go on with an interrupted warm-up, or open what is there.

    Parameters
    ----------
    recipe_path : Path
    recipe : Recipe
    out : Path
        The search's folder; the warm-up is a run folder in it.
    rate : float
        The preset rate beta, in place during the warm-up.
    warm_up : WarmUp
    finished : bool
        Whether the folder's warm-up is known to be done.

    Raises
    ------
    RecipeError, DataError, ImageError, InputError
        See `pneumoscope.lab.training.train`; or the finished run is of another recipe, or diverged.
    """
    if warm_up.run is not None:
        return _opened(warm_up.run, _same_recipe(warm_up.run, recipe), recipe_path)
    run = out / WARM_UP
    if not finished:
        _train(recipe_path, recipe, out, rate, warm_up)
    elif not run.is_dir():
        raise RecipeError(f"{out}: is the search of a finished run; name that run again (--from)")
    state = _opened(run, read_recipe(run / RECIPE), run / RECIPE)
    return replace(state, warm_up_seconds=_warm_up_seconds(out / WARM_UP_TIME))


def contents_with(recipe_path: Path, recipe: Recipe, rate: float) -> dict[str, Any]:
    """Give a recipe as it was written, with one dropout rate where masks are searched.

    It may be written into any folder: what lies beside the recipe is named by its whole path.
    Sources under $PNEUMOSCOPE_DATA stay as they are.
    """
    contents = recipe.model_dump(mode="json", exclude_unset=True)
    contents["network"].pop("unit_dropout", None)
    contents["network"]["head_dropout"] = rate

    def whole(path: str) -> str:
        return str((recipe_path.parent / path).resolve())

    if DATA_VARIABLE not in os.environ:
        for source in (*contents["sources"], *contents.get("also_measured", ())):
            source["folder"] = whole(source["folder"])
    if recipe.initial_weights is not None:
        contents["initial_weights"] = whole(recipe.initial_weights)
    return contents


def _train(recipe_path: Path, recipe: Recipe, out: Path, rate: float, warm_up: WarmUp) -> None:
    contents = contents_with(recipe_path, recipe, rate)
    contents.setdefault("training", {})["epochs"] = warm_up.epochs
    # Measured when a run is exported, which a warm-up never is.
    contents.pop("also_measured", None)
    path, run = out / WARM_UP_RECIPE, out / WARM_UP
    write_files({path: yaml.safe_dump(contents, sort_keys=False).encode()})
    resume = (run / LAST).is_file()
    if run.exists() and not resume:
        raise RecipeError(
            f"{run}: was interrupted before its first checkpoint; remove {out} and search again"
        )
    began = time.monotonic()
    train(
        path,
        run,
        split=None if resume else warm_up.split,
        accept_leak=warm_up.accept_leak,
        resume=resume,
    )
    if not resume:  # What an interrupted sitting took is not known.
        seconds = round(time.monotonic() - began, 3)
        write_files({out / WARM_UP_TIME: json.dumps({"seconds": seconds}).encode() + b"\n"})


def _warm_up_seconds(path: Path) -> float | None:
    if not path.is_file():
        return None
    try:
        return float(json.loads(read_limited(path, 1 << 10))["seconds"])
    except (OSError, ValueError, TypeError, KeyError):
        raise RecipeError(f"{path}: is damaged; remove it") from None


def _same_recipe(run: Path, recipe: Recipe) -> Recipe:
    """Read a finished run's recipe, which must be the one that is searched."""
    path = run / RECIPE
    if not path.is_file():
        raise RecipeError(f"{run}: holds no run ({RECIPE} is missing); train one first")
    its_own = read_recipe(path)
    if digest(its_own.training_part()) != digest(recipe.training_part()):
        raise RecipeError(f"{run}: was trained with another recipe; search with {path}")
    return its_own


def _opened(run: Path, recipe: Recipe, recipe_path: Path) -> SearchedState:
    network = build_network(recipe)
    load_weights(network, run / BEST)
    check_finite(network, run / BEST)
    if recipe.training.threads is not None:
        # As in the warm-up: a sum over another number of cores may differ in its last digit.
        torch.set_num_threads(recipe.training.threads)
    data = prepare_again(run, recipe, recipe_path)
    return SearchedState(network, data, hashlib.sha256((run / BEST).read_bytes()).hexdigest())
