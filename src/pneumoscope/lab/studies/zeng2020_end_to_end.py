"""Zeng 2020 end to end: whole networks trained with the searched rate and with 0.5, for a GPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from pneumoscope.evaluation import Estimate
from pneumoscope.files import told, write_files
from pneumoscope.lab.datasets import (
    DataIdentity,
    SchemeSettings,
    Split,
    draw,
    identify,
    linked_groups,
    units_of,
    write_split,
)
from pneumoscope.lab.studies.experiment import (
    Result,
    data_folder,
    recipe_contents,
    run_experiment,
)
from pneumoscope.lab.studies.folds import one_by_one, signed
from pneumoscope.lab.studies.page import Page, with_interval
from pneumoscope.lab.studies.study import Context, Study
from pneumoscope.lab.studies.zeng2020_backbone import CHILDREN
from pneumoscope.lab.studies.zeng2020_covid_ct import (
    LIST,
    PUBLISHED_ACCURACY,
    RECIPE,
    SLICES,
    official_list,
    read_slices,
)
from pneumoscope.lab.studies.zeng2020_page import HARD_LABELS
from pneumoscope.lab.studies.zeng2020_radiographs import PUBLISHED
from pneumoscope.lab.studies.zeng2020_trials import FIGURES, measured, with_intervals
from pneumoscope.lab.training import SplitChoice
from pneumoscope.lab.tuning import JOURNAL, SearchSettings, TuningResult, WarmUp, tune_dropout

USUAL = 0.5
# As many as the official test set of 624 beside the 5,232 that train.
HELD_OUT, STOP = 624 / 5856, 0.1
SMOKE = {
    "input.size": 80,
    "network.options": {"dropout": USUAL},
    "training.epochs": 1,
    "training.sampling": "balanced_sources",
    "training.samples_per_epoch": 64,
}
CT = {
    "classes": ["NON_COVID", "COVID"],
    "positive_class": "COVID",
    "sources": recipe_contents(RECIPE)["sources"],
}


@dataclass(frozen=True, slots=True)
class _Task:
    """A network on one set, and what was published of it: accuracy, F1, hard-label AUROC."""

    network: str
    source: str
    published: tuple[float | str, float | str, float | str]

    @property
    def name(self) -> str:
        return f"{self.network}-{self.source}"


TASKS = (
    *(_Task(network, CHILDREN, figures) for network, figures in PUBLISHED.items()),
    _Task("resnet152", SLICES, (PUBLISHED_ACCURACY, "-", "-")),
)
SMOKE_TASKS = (_Task("inception_v3", SLICES, ("-", "-", "-")),)


def _run(context: Context, page: Page) -> None:
    page.text(
        "Zeng 2020's networks as a whole, from ImageNet weights: each is trained with dropout "
        f"{USUAL}, and with the p* that a genetic search finds for it after a warm-up of the same "
        "recipe. Everything else is the same, the seed too. One pair per task: the repeats are on "
        "the pages of [radiographs](zeng2020-radiographs.md) and [CT](zeng2020-covid-ct.md), on "
        f"frozen features. {HARD_LABELS}"
    )
    for task in SMOKE_TASKS if context.smoke else TASKS:
        _write_task(context, page, task)
    page.heading("Where this departs from the publication")
    page.text(
        "The publication merges the public radiographs with a set of Shenzhen Third People's "
        "Hospital, without saying which (a public one of it has no pneumonia), "
        "and reports the official test set; here a part of the public set, by patient, is reported "
        "and that test set is kept for the release. For CT the official validation list is "
        "reported. How the published images of CT were split is not stated."
    )


def _write_task(context: Context, page: Page, task: _Task) -> None:
    data, split = _split(context, task)
    contents = _recipe(context, task, USUAL)
    found = _search(context, task, contents, data, split)
    results = {
        f"p = {USUAL}": run_experiment(context, f"{task.name}-usual", contents, split, data),
        f"p* = {found.rate:.2f}": run_experiment(
            context, f"{task.name}-searched", _recipe(context, task, found.rate), split, data
        ),
    }
    usual, searched = results.values()
    page.source(f"split of {task.name}", f"certificate {usual.certificate[:16]}")
    page.heading(f"{task.network} on {task.source}")
    accuracy, f1, as_published = (page.published(figure) for figure in task.published)
    rows = [["published, p*", accuracy, f1, "-", as_published]]
    for name, result in results.items():
        rows.append([name, *(with_interval(each) for each in _estimates(result).values())])
    gains = _gain(searched, usual)
    rows.append(["difference", *(signed(gain) for gain in gains.values())])
    page.table(["", *FIGURES], rows)
    page.text(
        f"{len(usual.labels):,} reported images; 95% intervals from a bootstrap of their "
        "patients (papers), paired for the difference: of other patients, not of other trainings. "
        f"The search took {found.seconds:.0f} seconds for {found.evaluations:,} masks, beside its "
        "warm-up."
    )
    page.values(
        task.name,
        {
            "recipe": contents,
            "search": found.as_dict(),
            "figures": {
                name: {figure: each.as_dict() for figure, each in _estimates(result).items()}
                for name, result in results.items()
            },
            "difference": {figure: gain.as_dict() for figure, gain in gains.items()},
        },
    )


def _recipe(context: Context, task: _Task, rate: float) -> dict[str, Any]:
    changes: dict[str, Any] = {"network.name": task.network}
    if task.network == "inception_v3":
        changes["input.size"] = 299
    if task.source == SLICES:
        changes |= CT
    if context.smoke:
        changes |= SMOKE
    return recipe_contents("zeng2020-full", changes | {"network.options.dropout": rate})


def _split(context: Context, task: _Task) -> tuple[DataIdentity, Split]:
    if task.source == SLICES:
        data, images = read_slices(context)
        lists = np.array([image.extra[LIST] for image in images])
        return data, official_list(data, lists, seed=0)
    data = identify([context.data / task.source])
    groups = linked_groups(data.patients, data.fingerprints)
    settings = SchemeSettings(
        scheme="monte-carlo", folds=1, holdout=HELD_OUT, stop=STOP, calibrate=0.0
    )
    (split,) = one_by_one(draw(units_of(data.strata, groups, "patient"), settings))
    return data, split


def _search(
    context: Context, task: _Task, contents: dict[str, Any], data: DataIdentity, split: Split
) -> TuningResult:
    """Search p* after a warm-up on the split's train part, or go on with that search."""
    folder = context.work / f"{task.name}-search"
    with told(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
    recipe, out = folder / "recipe.yaml", folder / "search"
    write_files({recipe: yaml.safe_dump(contents, sort_keys=False).encode()})
    write_split(folder / "split.json", split, data)
    begun = (out / JOURNAL).exists() or (out / "warm-up").exists()
    epochs = 1 if context.smoke else 3
    choice = None if begun else SplitChoice(folder / "split.json")
    with data_folder(context.data):
        return tune_dropout(
            recipe,
            out,
            SearchSettings(generations=3 if context.smoke else 30, batches=2),
            warm_up=WarmUp(epochs=epochs, split=choice),
            resume=begun,
        )


def _estimates(result: Result) -> dict[str, Estimate]:
    return with_intervals(lambda weights: _figures(result, weights), result.patients)


def _gain(searched: Result, usual: Result) -> dict[str, Estimate]:
    def gained(weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        mine, other = _figures(searched, weights), _figures(usual, weights)
        return {name: mine[name] - other[name] for name in FIGURES}

    return with_intervals(gained, usual.patients)


def _figures(result: Result, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    # The positive class is the second of both tasks.
    return measured(result.truth == 1, result.probabilities[:, 1], weights)


STUDY = Study(
    name="zeng2020-end-to-end",
    title="Zeng 2020 end to end: the searched rate against 0.5",
    reaches="the figures of Inception-v3 and ResNet-152, radiographs and COVID-CT; other test sets",
    cost="six trainings and three warm-ups at 224 and 299 pixels, ImageNet weights: for a GPU",
    run=_run,
    needs=(CHILDREN, SLICES),
)
