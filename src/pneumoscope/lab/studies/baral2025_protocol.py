"""What the studies of Baral 2025 share: its data's stand-in, its folds, its recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pneumoscope.lab.datasets import (
    By,
    DataIdentity,
    Scheme,
    SchemeSettings,
    Split,
    draw,
    identify,
    linked_groups,
    units_of,
)
from pneumoscope.lab.studies.experiment import Result, recipe_contents, run_experiment
from pneumoscope.lab.studies.folds import one_by_one
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.study import Context

SOURCES = ("guangzhou", "rsna")
FOLDS, SEED = 5, 42
TEST = 2229 / 17229
HELD_OUT = 0.2
SMOKE_FOLDS = 2
ARMS: tuple[By, ...] = ("image", "patient")
SMOKE_ARMS: tuple[By, ...] = ("patient",)
# Small enough for minutes on two cores.
SMOKE = {
    "input.size": 96,
    "network.options": {"backbone": 121, "extra_convolution": True, "frozen": True},
    "training.epochs": 1,
    "training.sampling": "balanced_sources",
    "training.samples_per_epoch": 160,
}

DATA_DIFFER = (
    "**The data differ.** Baral 2025 has 17,229 images of a merged public set whose patients are "
    "not known. Here the three classes come from two sets whose patients are known: children from "
    "Guangzhou (NORMAL, PNEUMONIA) and adults of the RSNA challenge (NORMAL, ABNORMAL, PNEUMONIA). "
    "All ABNORMAL images are of adults, so telling the source helps to tell the class: the "
    "accuracy on the adults alone is the harder figure. The share of the test set is the published "
    "one, 2,229 of 17,229. The publication groups no patients; *by image* is its protocol, *by "
    "patient* the honest one."
)
DEPARTURES = (
    "At full scale the backbone starts from torchvision's ImageNet weights and gets its input on "
    "their scale; the publication had Keras' weights and fed 0..1 as it was. Images are reduced "
    "before CLAHE, which runs on the grey image; the published text has CLAHE first, its training "
    "code after the augmentation. A bootstrap keeps the images that it drew twice, which the "
    "authors' copying by file name dropped. The validation figures, which choose the epoch and the "
    "rate, are means of the two sources; the test figures count every image once. An epoch "
    "leaves out the last, incomplete batch."
)


def identify_sources(context: Context, page: Page) -> DataIdentity:
    """Read the two sets far enough to split them, and name them on the page."""
    data = identify([context.data / name for name in SOURCES])
    names = ", ".join(SOURCES)
    page.source(names, f"sha256 {data.sha256[:16]}, {len(data.files)} images")
    return data


def study_folds(context: Context, data: DataIdentity, scheme: Scheme, by: By) -> list[Split]:
    """Draw the five folds beside the fixed test set, which depends on `by` alone.

    A smoke run takes the first two of them.
    """
    groups = linked_groups(data.patients, data.fingerprints)
    settings = SchemeSettings(
        scheme=scheme, folds=FOLDS, seed=SEED, holdout=HELD_OUT, test=TEST, calibrate=0.0
    )
    folds = one_by_one(draw(units_of(data.strata, groups, by), settings))
    return folds[:SMOKE_FOLDS] if context.smoke else folds


def study_recipe(context: Context, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give the published recipe, or what a smoke run trains instead, with further changes."""
    smoke = SMOKE if context.smoke else {}
    return recipe_contents("baral2025-full", {**smoke, **(changes or {})})


def run_fold(
    context: Context,
    page: Page,
    name: str,
    recipe: Mapping[str, Any],
    fold: Split,
    data: DataIdentity,
) -> Result:
    """Train a fold, and name its certificate on the page."""
    result = run_experiment(context, name, recipe, fold, data, accept_leak=fold.by == "image")
    page.source(f"split {name}", f"certificate {result.certificate[:16]}")
    return result
