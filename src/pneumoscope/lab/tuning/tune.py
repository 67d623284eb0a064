"""The search from a recipe to its answer, in one folder.

The folder holds ``warm-up/`` (a run folder, unless a finished run is searched) with its recipe and
its time beside it, ``journal.jsonl``, and when the search is done ``result.json``, ``search.svg``
and the recipe with the answer in place:
``tuned.yaml`` with the one rate, ``tuned-per-unit.yaml`` with a rate for every unit.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from pneumoscope.errors import InputError
from pneumoscope.files import told, write_files
from pneumoscope.lab.datasets import digest
from pneumoscope.lab.training import RECIPE, Recipe, read_recipe
from pneumoscope.lab.tuning.baselines import bayesian_search, grid_search, random_search
from pneumoscope.lab.tuning.found import Found
from pneumoscope.lab.tuning.genetic import genetic
from pneumoscope.lab.tuning.journal import JOURNAL, Journal
from pneumoscope.lab.tuning.ledger import Ledger, Progress
from pneumoscope.lab.tuning.masks import pack
from pneumoscope.lab.tuning.objective import Objective, build_objective
from pneumoscope.lab.tuning.picture import draw_search
from pneumoscope.lab.tuning.settings import SearchSettings
from pneumoscope.lab.tuning.state import (
    WARM_UP,
    SearchedState,
    WarmUp,
    check_batches,
    check_units,
    contents_with,
    reach_state,
)

RESULT, PICTURE = "result.json", "search.svg"
TUNED, TUNED_PER_UNIT = "tuned.yaml", "tuned-per-unit.yaml"
_FORMAT = 1
_log = logging.getLogger(__name__)
_METHODS: dict[str, Callable[[Ledger, SearchSettings], Found]] = {
    "ga": genetic,
    "random": random_search,
    "grid": grid_search,
    "bayes": bayesian_search,
}


@dataclass(frozen=True, slots=True, eq=False)
class TuningResult:
    """A search's answer; the same for every method.

    Attributes
    ----------
    rate : float
        p*, 0..1.
    objective : float
        Of the best mask, or the mean of the best rate's masks (`grid`, `bayes`).
    objective_without_dropout : float
        Of the mask that keeps everything: for comparison, and no part of the search.
    objective_of_guessing : float
        Of the answer that calls all classes equally likely, likewise.
    mask : str
        The best one; see `pneumoscope.lab.tuning.masks.pack`.
    units : int
    unit_rates : tuple of float
        Share of the population that drops each unit, at most 0.95.
    evaluations : int
        Masks evaluated; what the budget counts.
    asked : int
        Masks asked for, with those that were known already.
    steps : int
        Generations with the first population, or rates.
    seconds : float
        Of the search over all its sittings, without the warm-up.
    warm_up_seconds : float or None
        By the clock; None for a finished run, and for a warm-up that was interrupted.
    search : dict
        What the search depends on: settings and checksums.
    """

    rate: float
    objective: float
    objective_without_dropout: float
    objective_of_guessing: float
    mask: str
    units: int
    unit_rates: tuple[float, ...]
    evaluations: int
    asked: int
    steps: int
    seconds: float
    warm_up_seconds: float | None
    search: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Give the result as plain JSON values."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return values | {"unit_rates": list(self.unit_rates)}


def tune_dropout(
    recipe_path: Path,
    out: Path,
    settings: SearchSettings | None = None,
    *,
    warm_up: WarmUp | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> TuningResult:
    """Search the dropout rate of a recipe's network (Zeng 2020), or by a baseline.

    Parameters
    ----------
    recipe_path : Path
        The YAML recipe.
    out : Path
        The search's folder; must not hold a search unless `resume`.
    settings : SearchSettings, optional
    warm_up : WarmUp, optional
    resume : bool
        Go on with the search in `out`, to the same answer.
    progress : callable, optional
        Called with every new `Step`.

    Returns
    -------
    TuningResult
        Also written into the folder.

    Raises
    ------
    RecipeError, DataError, ImageError
        See `read_recipe` and `train`; or the network has no units to search.
    InputError
        `out` holds a search, or none to resume, or another one, or cannot be written; or the
        network's answers are no numbers.
    """
    settings, warm_up = settings or SearchSettings(), warm_up or WarmUp()
    recipe = read_recipe(recipe_path)
    check_units(recipe)
    if resume and warm_up.split is not None:
        raise InputError("split: a resumed search keeps its own; leave it out")
    _check_folder(out, recipe_path, resume=resume)
    if warm_up.run is None and not resume:
        check_batches(recipe_path, recipe, warm_up, settings)
    _make_folder(out)
    journal_path = out / JOURNAL
    state = reach_state(
        recipe_path, recipe, out, settings.rate, warm_up, finished=journal_path.is_file()
    )
    header = _header(recipe, state, settings, warm_up)
    objective = build_objective(state.network, recipe, state.data, settings)
    _check_numbers(objective, warm_up.run or out / WARM_UP)
    # Last of what can be refused: a journal binds the folder to its settings.
    begin = Journal.resume if journal_path.is_file() else Journal.start
    journal = begin(journal_path, header)
    _warn_of_a_poor_state(objective)
    ledger = Ledger(objective, objective.units, settings, journal, progress)
    found = search(ledger, settings)
    result = _result(found, ledger, objective, state.warm_up_seconds, header)
    _write(recipe_path, recipe, out, result, ledger)
    return result


def search(ledger: Ledger, settings: SearchSettings) -> Found:
    """Run the method that the settings name."""
    return _METHODS[settings.method](ledger, settings)


def _check_folder(out: Path, recipe_path: Path, *, resume: bool) -> None:
    if recipe_path.resolve().parent == out.resolve():
        raise InputError(f"{out}: holds the recipe; give the search a folder of its own")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; give a folder for the search")
    if (out / RECIPE).exists():
        raise InputError(f"{out}: holds a run; give the search a folder of its own")
    begun = (out / JOURNAL).exists() or (out / WARM_UP).exists()
    if begun and not resume:
        raise InputError(f"{out}: already holds a search; give another folder, or --resume")
    if resume and not begun:
        raise InputError(f"{out}: holds no search to resume; leave --resume out")


def _make_folder(out: Path) -> None:
    with told(str(out)):
        out.mkdir(parents=True, exist_ok=True)
    if not os.access(out, os.W_OK):
        raise InputError(f"{out}: cannot be written; give another folder")


def _header(
    recipe: Recipe, state: SearchedState, settings: SearchSettings, warm_up: WarmUp
) -> dict[str, Any]:
    """State what the search's course depends on.

    Not the minutes: the masks do not depend on them, so a search may go on with more.
    """
    chosen = settings.as_dict()
    del chosen["minutes"]
    return chosen | {
        "format": _FORMAT,
        "warm_up_epochs": None if warm_up.run is not None else warm_up.epochs,
        "recipe_sha256": digest(recipe.training_part()),
        "split_sha256": state.data.certificate["sha256"],
        "weights_sha256": state.weights_sha256,
    }


def _check_numbers(objective: Objective, run: Path) -> None:
    """Refuse a network whose answers overflow, though its weights are numbers."""
    if not np.isfinite(_without_dropout(objective)):
        raise InputError(
            f"{run}: its network's answers to the training images are no numbers, so no mask is "
            "better than another; train it with a lower training.learning_rate"
        )


def _warn_of_a_poor_state(objective: Objective) -> None:
    plain, guessing = _without_dropout(objective), objective.of_guessing
    if plain > guessing:
        _log.warning(
            "the network answers its own training images worse than guessing (%.3f, against %.3f): "
            "the search will mend that, and say little about dropout; warm up for longer, or "
            "search a finished run (--from)",
            plain,
            guessing,
        )


def _without_dropout(objective: Objective) -> float:
    return float(objective(np.ones((1, objective.units), bool))[0])


def _result(
    found: Found,
    ledger: Ledger,
    objective: Objective,
    warm_up_seconds: float | None,
    header: dict[str, Any],
) -> TuningResult:
    return TuningResult(
        rate=round(found.rate, 6),
        objective=found.objective,
        objective_without_dropout=_without_dropout(objective),
        objective_of_guessing=objective.of_guessing,
        mask=pack(found.mask),
        units=objective.units,
        unit_rates=found.unit_rates,
        evaluations=ledger.evaluations,
        asked=ledger.asked,
        steps=len(ledger.steps),
        seconds=ledger.seconds,
        warm_up_seconds=warm_up_seconds,
        search=header | {"images": objective.images},
    )


def _write(
    recipe_path: Path, recipe: Recipe, out: Path, result: TuningResult, ledger: Ledger
) -> None:
    """Write the result, its picture, and the two recipes that follow from it."""
    contents = contents_with(recipe_path, recipe, result.rate)
    single = _yaml(contents)
    del contents["network"]["head_dropout"]
    contents["network"]["unit_dropout"] = list(result.unit_rates)
    picture = draw_search(
        ledger.steps,
        result.units,
        rate=result.rate,
        without_dropout=result.objective_without_dropout,
        method=result.search["method"],
    )
    write_files(
        {
            out / TUNED: single,
            out / TUNED_PER_UNIT: _yaml(contents),
            out / PICTURE: picture,
            out / RESULT: (json.dumps(result.as_dict(), indent=1) + "\n").encode(),
        }
    )


def _yaml(contents: dict[str, Any]) -> bytes:
    return yaml.safe_dump(contents, sort_keys=False, allow_unicode=True, width=100).encode()
