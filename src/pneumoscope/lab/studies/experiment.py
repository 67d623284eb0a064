"""One training of a study: a recipe on one fold, its result kept so that it is not run twice."""

from __future__ import annotations

import copy
import csv
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from pneumoscope.decision import calibrated
from pneumoscope.errors import InputError
from pneumoscope.files import told, write_files
from pneumoscope.lab.datasets import PARTS, DataIdentity, Split, certify, write_split
from pneumoscope.lab.networks import Network
from pneumoscope.lab.studies.answers import Result, experiment_key, result_of
from pneumoscope.lab.studies.page import provenance
from pneumoscope.lab.studies.study import Context
from pneumoscope.lab.training import (
    BEST,
    LAST,
    METRICS,
    PreparedData,
    Recipe,
    SplitChoice,
    build_network,
    load_weights,
    logits_of,
    prepare_again,
    read_recipe,
    train,
)
from pneumoscope.lab.training.answers import answers_of, groups_of
from pneumoscope.lab.training.recipe import DATA_VARIABLE

RESULT = "result.json"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A recipe to be trained on a split's only fold.

    Attributes
    ----------
    name : str
        Of its folder in the study's work.
    recipe : mapping
        The recipe's contents.
    split : Split
        With one fold.
    data : DataIdentity
        What the split is of.
    accept_leak : bool
        Where the published protocol leaks.
    keep_weights : bool
        Leave the best checkpoint in the folder's ``run``.
    last : bool
        Measure the last epoch's weights, and not those of the best epoch by the recipe's `keep`.
    """

    name: str
    recipe: Mapping[str, Any]
    split: Split
    data: DataIdentity
    accept_leak: bool = False
    keep_weights: bool = False
    last: bool = False

    def key(self) -> str:
        """Checksum of all that the result depends on, the program aside."""
        certificate = certify(self.split, self.data)["sha256"]
        return experiment_key(self.recipe, certificate, last=self.last)


def recipe_contents(name: str, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Read one of the studies' recipes, with changes given as dotted names.

    Parameters
    ----------
    name : str
        Of a file in ``studies/recipes``.
    changes : mapping, optional
        Such as ``{"training.epochs": 1}``.
    """
    text = files("pneumoscope.lab.studies").joinpath(f"recipes/{name}.yaml").read_text("utf-8")
    contents = yaml.safe_load(text)
    for dotted, value in (changes or {}).items():
        *sections, key = dotted.split(".")
        place = contents
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = copy.deepcopy(value)  # a further change must not reach the caller's
    return dict(contents)


def run_experiment(
    context: Context,
    name: str,
    recipe: Mapping[str, Any],
    split: Split,
    data: DataIdentity,
    *,
    accept_leak: bool = False,
    keep_weights: bool = False,
    last: bool = False,
) -> Result:
    """Train an experiment, or take the result of having done so; see `Experiment`, `run_kept`."""
    experiment = Experiment(
        name, recipe, split, data, accept_leak=accept_leak, keep_weights=keep_weights, last=last
    )
    return result_of(run_kept(context, experiment))


def run_kept(context: Context, experiment: Experiment) -> Mapping[str, Any]:
    """Train an experiment and keep its result, or take the one that is kept.

    Parameters
    ----------
    context : Context
    experiment : Experiment

    Returns
    -------
    mapping
        The result as JSON values; see `result_of`.

    Raises
    ------
    InputError
        See `train`; or the folder holds another experiment, or the training diverged.
    """
    folder = context.work / experiment.name
    key = experiment.key()
    kept = _kept(context, folder, key)
    if kept is not None:
        return kept
    with told(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
    write_split(folder / "split.json", experiment.split, experiment.data)
    _log.info("%s: training", experiment.name)
    recipe_path = folder / "recipe.yaml"
    run = folder / "run"
    resume = (run / LAST).is_file()
    if not resume and run.exists():
        # Stopped in its first epoch: nothing is lost by beginning again.
        with told(str(run)):
            shutil.rmtree(run)
    text = yaml.safe_dump(dict(experiment.recipe), sort_keys=False).encode()
    write_files({recipe_path: text})
    began = time.monotonic()
    with data_folder(context.data):
        train(
            recipe_path,
            run,
            split=None if resume else SplitChoice(folder / "split.json"),
            accept_leak=experiment.accept_leak,
            resume=resume,
        )
        body = _measure(run, recipe_path, LAST if experiment.last else BEST)
    certificate = certify(experiment.split, experiment.data)
    body |= {
        "key": key,
        "certificate": certificate["sha256"],
        "leaks": certificate["folds"][0]["leaks"],
        "seconds": None if resume else round(time.monotonic() - began),
        "made_with": provenance(),
    }
    write_files({folder / RESULT: _document(body, folder)})
    for checkpoint in (run / "checkpoints").glob("*.ckpt"):
        if not (experiment.keep_weights and checkpoint == run / BEST):
            checkpoint.unlink()  # the result is what is kept
    context.commits.add(body["made_with"]["commit"])
    return body


def _document(body: Mapping[str, Any], folder: Path) -> bytes:
    """Write a result as JSON, which has no NaN."""
    try:
        return (json.dumps(body, allow_nan=False) + "\n").encode()
    except ValueError:
        raise InputError(
            f"{folder}: the training diverged (a figure is not a number); change its recipe and "
            "remove the folder"
        ) from None


def _measure(run: Path, recipe_path: Path, checkpoint: str) -> dict[str, Any]:
    """Answer the report part's images with one of the run's checkpoints."""
    recipe = read_recipe(recipe_path)
    network = build_network(recipe)
    load_weights(network, run / checkpoint)
    network.eval()
    data = prepare_again(run, recipe, recipe_path)
    report = data.split.indices("report")
    collection = data.collection
    logits, evidence = _answers(network, data, recipe, report)
    return {
        "classes": list(recipe.classes),
        "epochs": _epochs(run / METRICS),
        "files": [collection.files[i] for i in report],
        "patients": [data.identity.patient_keys[i] for i in report],
        "labels": [recipe.classes[collection.labels[i]] for i in report],
        "probabilities": np.round(calibrated(logits, 1.0), 6).tolist(),
        "evidence": evidence,
        "images": {part: len(data.split.indices(part)) for part in PARTS},
    }


def _answers(
    network: Network, data: PreparedData, recipe: Recipe, indices: NDArray[np.int64]
) -> tuple[NDArray[np.float64], list[list[list[float]]] | None]:
    """Logits (images, classes) by each image's own head, and the maps of the class shown."""
    if recipe.evidence is None:
        return logits_of(network, data, recipe, indices), None
    answers = answers_of(network, data, recipe, indices)
    logits = answers.logits[np.arange(len(indices)), groups_of(recipe, data)[indices]]
    if answers.evidence is None:
        return logits, None
    shown = answers.evidence[:, recipe.evidence.classes.index(recipe.evidence.shown)]
    return logits, np.round(shown.astype(np.float64), 4).tolist()


def _epochs(path: Path) -> list[dict[str, float]]:
    """Gather the rows that Lightning writes for training and for validation, by epoch."""
    epochs: dict[int, dict[str, float]] = {}
    with path.open(newline="") as stream:
        for row in csv.DictReader(stream):
            values = {k: float(v) for k, v in row.items() if v and k not in ("epoch", "step")}
            epochs.setdefault(int(row["epoch"]), {}).update(values)
    return [epochs[number] for number in sorted(epochs)]


def _kept(context: Context, folder: Path, key: str) -> Mapping[str, Any] | None:
    """Read the result of this very experiment, if there is one."""
    try:
        body = json.loads((folder / RESULT).read_bytes(), parse_constant=_not_json)
        if body["key"] == key:
            result_of(body)
            context.commits.add(body["made_with"]["commit"])
            return dict(body)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{folder / RESULT}: is damaged; remove {folder}") from None
    raise InputError(
        f"{folder}: holds the result of another recipe, split or data; remove it, or give another "
        "--work"
    )


def _not_json(constant: str) -> None:
    """Refuse NaN and the infinities, which Python would read."""
    raise ValueError(constant)


@contextmanager
def data_folder(folder: Path) -> Iterator[None]:
    """Let recipes find their sources in the study's data folder."""
    before = os.environ.get(DATA_VARIABLE)
    os.environ[DATA_VARIABLE] = str(folder.resolve())
    try:
        yield
    finally:
        if before is None:
            del os.environ[DATA_VARIABLE]
        else:
            os.environ[DATA_VARIABLE] = before
