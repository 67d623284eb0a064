"""The capsule head against the plain one in the default bundle's recipe, at a small size."""

from __future__ import annotations

from functools import partial
from typing import Any

import yaml

from pneumoscope.files import write_files
from pneumoscope.lab.datasets import SchemeSettings, draw
from pneumoscope.lab.studies.experiment import (
    Result,
    data_folder,
    recipe_contents,
    run_experiment,
)
from pneumoscope.lab.studies.folds import one_by_one
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.study import Context, Study
from pneumoscope.lab.training import read_recipe
from pneumoscope.lab.training.prepare import draw_measured, read_images

HEADS = ("plain", "capsules")
FOLDS, STOP = 5, 0.05
SMOKE: dict[str, Any] = {
    "input.size": 64,
    "network.options.pretrained": False,
    "training.epochs": 1,
    "training.samples_per_epoch": 16,
    "training.batch_size": 8,
}


def _run(context: Context, page: Page) -> None:
    changes = SMOKE if context.smoke else {}
    path = context.work / "chest-heads.yaml"
    write_files({path: yaml.safe_dump(recipe_contents("chest-heads", changes)).encode()})
    with data_folder(context.data):
        recipe = read_recipe(path)
        collection, data = read_images(recipe, path)
    settings = SchemeSettings(folds=2 if context.smoke else FOLDS, stop=STOP, calibrate=0.0)
    drawn = draw_measured(recipe, collection, data, "patient", partial(draw, settings=settings))
    results: dict[str, list[Result]] = {head: [] for head in HEADS}
    for number, split in enumerate(one_by_one(drawn), start=1):
        # By turns, so that an interrupted study has whole folds.
        for head in HEADS:
            contents = recipe_contents("chest-heads", {**changes, "network.options.head": head})
            found = run_experiment(context, f"{head}-{number}", contents, split, data)
            results[head].append(found)


STUDY = Study(
    name="chest-heads",
    title="The default recipe, small: the capsule head against the plain one on five folds",
    reaches="no published figure; the capsules' gain on the same folds, whichever way it goes",
    cost="ten trainings at 160 pixels: about an hour on one core",
    run=_run,
    needs=("guangzhou", "rsna", "nih-graded", "rsna-lungs", "rsna-labels"),
)
