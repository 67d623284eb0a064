"""Baral 2025, Table 8's comparison of DenseNet-121, -169 and -201, with all else the same."""

from __future__ import annotations

from typing import Any

import torch

from pneumoscope.lab.datasets import By, Scheme
from pneumoscope.lab.networks import count_parameters, create
from pneumoscope.lab.studies.answers import Answers
from pneumoscope.lab.studies.baral2025_data import (
    AUTHORS_SET,
    OPEN_SETS,
    identify_sources,
    study_set,
    write_data,
)
from pneumoscope.lab.studies.baral2025_figures import published
from pneumoscope.lab.studies.baral2025_protocol import (
    HEADLINE,
    REDUCED_TRAINING,
    SCHEME_HEADER,
    SCHEMES,
    Arm,
    arm_of,
    departures,
    experiments_of,
    study_recipe,
    write_certificates,
    write_notebooks,
)
from pneumoscope.lab.studies.folds import spread
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.progress import run_experiments
from pneumoscope.lab.studies.study import Context, FromAnswers, Study

BACKBONES: dict[str, dict[str, Any]] = {
    f"DenseNet-{depth}": {"network.options.backbone": depth} for depth in (121, 169, 201)
}
# Future work of Baral 2025; without its capsules, as it has no map of features for them.
REDUCED_BACKBONES: dict[str, dict[str, Any]] = {
    "ViT-B/16": {"network.name": "vision_transformer", "network.options": {}},
    **BACKBONES,
}
SMOKE_BACKBONES: dict[str, dict[str, Any]] = {
    name: BACKBONES[name] for name in ("DenseNet-121", "DenseNet-169")
}
REDUCED_FOLDS = 3


def _arms(context: Context) -> list[tuple[Scheme, By]]:
    """Which schemes are trained, and by what they split."""
    sides = study_set(context).sides
    if context.scale == "full":
        return [(scheme, by) for scheme in SCHEMES for by in sides]
    return [(HEADLINE, sides[-1])]


def _recipes(context: Context) -> dict[str, dict[str, Any]]:
    smaller = {"smoke": SMOKE_BACKBONES, "reduced": REDUCED_BACKBONES}
    chosen = smaller.get(context.scale, BACKBONES)
    return {name: study_recipe(context, changes) for name, changes in chosen.items()}


def _folds(context: Context) -> int | None:
    return REDUCED_FOLDS if context.scale == "reduced" else None


def _in_files(backbone: str) -> str:
    """The backbone's name as it may stand in a file's."""
    return backbone.replace("/", "-")


def _measure(context: Context) -> Answers:
    data, answers = identify_sources(context)
    planned = [
        experiments_of(context, recipe, data, scheme, by, f"{_in_files(backbone)}-")[
            : _folds(context)
        ]
        for scheme, by in _arms(context)
        for backbone, recipe in _recipes(context).items()
    ]
    # By turns, so that an interrupted study has whole folds.
    run_experiments(
        context, answers, [each for fold in zip(*planned, strict=True) for each in fold]
    )
    return answers


def _write(context: Context, answers: Answers, page: Page) -> None:
    recipes = _recipes(context)
    arms = {
        backbone: [
            arm_of(context, answers, recipe, scheme, by, f"{_in_files(backbone)}-", _folds(context))
            for scheme, by in _arms(context)
        ]
        for backbone, recipe in recipes.items()
    }
    page.text(
        "Baral 2025 chooses DenseNet-201 over DenseNet-121 and -169 by Table 8. By the authors' "
        "notebooks the networks differ in more than the backbone: the headline's DenseNet-201 has "
        "no extra convolution before its capsules and a frozen backbone, DenseNet-121 and -169 "
        "have the convolution and are mostly trained end to end. So the table cannot tell which of "
        "these made a difference. Here the recipe is the headline's, and **only the "
        "backbone changes**, on the same folds from the same seed."
    )
    write_data(context, answers, page)
    _write_parameters(page, recipes)
    page.heading("The schemes (Table 8)")
    rows = [[b, *arm.row()] for b, found in arms.items() for arm in found]
    page.table(["backbone", *SCHEME_HEADER], rows)
    if not context.smoke:
        page.text(
            "Published, by image, with settings that differ. In no scheme does the interval of a "
            "difference between two backbones exclude 0; see "
            "[the notebooks](baral2025-published.md)."
        )
        write_notebooks(page, published().notebooks)
    _write_differences(page, arms)
    page.heading("Where this departs from the publication")
    page.text(departures(context))
    write_certificates(page, answers)
    page.values("recipes", recipes)
    page.values(
        "arms",
        {
            f"{b}, {arm.name}": [figures.as_dict() for figures in arm.figures]
            for b, found in arms.items()
            for arm in found
        },
    )


def _write_parameters(page: Page, recipes: dict[str, dict[str, Any]]) -> None:
    rows = []
    for backbone, recipe in recipes.items():
        chosen = recipe["network"]
        options = chosen["options"] | {"pretrained": False}
        with torch.device("meta"):
            network = create(
                chosen["name"], classes=3, size=recipe["input"]["size"], options=options
            )
        trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
        rows.append([backbone, f"{count_parameters(network):,}", f"{trained:,}"])
    page.heading("The networks")
    page.table(["backbone", "parameters, running statistics counted", "trained"], rows)


def _write_differences(page: Page, arms: dict[str, list[Arm]]) -> None:
    """Set each backbone against the largest, fold by fold."""
    *smaller, largest = arms
    page.heading(f"Against {largest}, fold by fold")
    rows = []
    for backbone in smaller:
        for arm, reference in zip(arms[backbone], arms[largest], strict=True):
            pairs = list(zip(arm.figures, reference.figures, strict=True))
            rows.append(
                [
                    backbone,
                    arm.name,
                    spread([mine.accuracy - other.accuracy for mine, other in pairs]),
                    spread([mine.loss - other.loss for mine, other in pairs]),
                ]
            )
    page.table(["backbone", "scheme", "test accuracy", "test loss"], rows)
    page.text(
        "Means of the differences with their standard deviation over the folds. All folds of a "
        "scheme report the same test images, so this is the spread of the training and no interval "
        "for other patients."
    )


STUDY = Study(
    name="baral2025-backbones",
    title="Baral 2025: DenseNet-121, -169 and -201 with all else the same",
    reaches="Table 8's comparison of backbones, which was confounded; on other data unless --set",
    cost="120 trainings at 224 pixels, with ImageNet weights: for a GPU",
    run=FromAnswers(_measure, _write),
    needs=OPEN_SETS,
    sets=(AUTHORS_SET,),
    reduced=REDUCED_TRAINING.replace("DenseNet-121 with", "Each backbone with")
    + f" The stratified scheme is trained alone, on {REDUCED_FOLDS} of its five folds, by patient "
    "where patients are known. ViT-B/16 is trained likewise, without capsules.",
)
