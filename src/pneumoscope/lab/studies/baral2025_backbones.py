"""Baral 2025, Table 8's comparison of DenseNet-121, -169 and -201, with all else the same."""

from __future__ import annotations

from typing import Any

import torch

from pneumoscope.lab.networks import count_parameters, create
from pneumoscope.lab.studies.baral2025_figures import published
from pneumoscope.lab.studies.baral2025_protocol import (
    ARMS,
    DATA_DIFFER,
    DEPARTURES,
    HEADLINE,
    SCHEME_HEADER,
    SCHEMES,
    SMOKE_ARMS,
    SOURCES,
    Arm,
    identify_sources,
    run_arm,
    study_recipe,
    write_notebooks,
)
from pneumoscope.lab.studies.folds import spread
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.study import Context, Study

BACKBONES = (121, 169, 201)
SMOKE_BACKBONES = (121, 169)


def _run(context: Context, page: Page) -> None:
    data = identify_sources(context, page)
    smoke = context.smoke
    schemes, sides = ((HEADLINE,), SMOKE_ARMS) if smoke else (SCHEMES, ARMS)
    recipes = {b: _recipe(context, b) for b in (SMOKE_BACKBONES if smoke else BACKBONES)}
    arms = {
        backbone: [
            run_arm(context, page, recipe, data, scheme, by, prefix=f"{backbone}-")
            for scheme in schemes
            for by in sides
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
    page.text(DATA_DIFFER)
    _write_parameters(page, recipes)
    page.heading("The schemes (Table 8)")
    rows = [[f"DenseNet-{b}", *arm.row()] for b, found in arms.items() for arm in found]
    page.table(["backbone", *SCHEME_HEADER], rows)
    if not smoke:
        page.text(
            "Published, by image, with settings that differ. No difference between two backbones "
            "is told from nothing by any scheme; see [the notebooks](baral2025-published.md)."
        )
        write_notebooks(page, published().notebooks)
    _write_differences(page, arms)
    page.heading("Where this departs from the publication")
    page.text(DEPARTURES)
    page.values("recipes", {str(b): recipe for b, recipe in recipes.items()})
    page.values(
        "arms",
        {
            f"{b}, {arm.name}": [figures.as_dict() for figures in arm.figures]
            for b, found in arms.items()
            for arm in found
        },
    )


def _recipe(context: Context, backbone: int) -> dict[str, Any]:
    return study_recipe(context, {"network.options.backbone": backbone})


def _write_parameters(page: Page, recipes: dict[int, dict[str, Any]]) -> None:
    rows = []
    for backbone, recipe in recipes.items():
        options = recipe["network"]["options"] | {"pretrained": False}
        with torch.device("meta"):
            network = create(
                "densenet_capsnet", classes=3, size=recipe["input"]["size"], options=options
            )
        trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
        rows.append([f"DenseNet-{backbone}", f"{count_parameters(network):,}", f"{trained:,}"])
    page.heading("The networks")
    page.table(["backbone", "parameters, running statistics counted", "trained"], rows)


def _write_differences(page: Page, arms: dict[int, list[Arm]]) -> None:
    """Set each backbone against the largest, fold by fold."""
    *smaller, largest = arms
    page.heading(f"Against DenseNet-{largest}, fold by fold")
    rows = []
    for backbone in smaller:
        for arm, reference in zip(arms[backbone], arms[largest], strict=True):
            pairs = list(zip(arm.figures, reference.figures, strict=True))
            rows.append(
                [
                    f"DenseNet-{backbone}",
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
    reaches="Table 8's comparison of backbones, which was confounded; on other data",
    cost="120 trainings at 224 pixels, with ImageNet weights: for a GPU",
    run=_run,
    needs=SOURCES,
)
