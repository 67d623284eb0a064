"""The capsule head against the plain one in the default bundle's recipe, at a small size."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import yaml
from matplotlib.figure import Figure

from pneumoscope.files import write_files
from pneumoscope.lab.datasets import SchemeSettings, draw
from pneumoscope.lab.studies.answers import Result
from pneumoscope.lab.studies.binary_metrics import told_leaks
from pneumoscope.lab.studies.chest_heads_measure import (
    FLOORS,
    Pooled,
    by_fold,
    compare,
    pool,
)
from pneumoscope.lab.studies.experiment import (
    data_folder,
    recipe_contents,
    run_experiment,
)
from pneumoscope.lab.studies.folds import one_by_one, signed
from pneumoscope.lab.studies.page import Page, with_interval
from pneumoscope.lab.studies.study import Context, Study
from pneumoscope.lab.training import read_recipe
from pneumoscope.lab.training.prepare import draw_measured, read_images, read_source_boxes
from pneumoscope.metrics import Estimate, place_of

RECIPE = "chest-heads"
HEADS = ("plain", "capsules")
DIFFERENCE = "capsules - plain"
FOLDS, STOP = 5, 0.05
SMOKE: dict[str, Any] = {
    "input.size": 64,
    "network.options.pretrained": False,
    "training.epochs": 1,
    "training.samples_per_epoch": 16,
    "training.batch_size": 8,
}


def _run(context: Context, page: Page) -> None:
    changes, folds, stop = (SMOKE, 2, 0.3) if context.smoke else ({}, FOLDS, STOP)
    path = context.work / f"{RECIPE}.yaml"
    write_files({path: yaml.safe_dump(recipe_contents(RECIPE, changes)).encode()})
    with data_folder(context.data):
        recipe = read_recipe(path)
        collection, data = read_images(recipe, path)
        boxes = read_source_boxes(recipe, path, collection)
    settings = SchemeSettings(folds=folds, stop=stop, calibrate=0.0)
    drawn = draw_measured(recipe, collection, data, "patient", partial(draw, settings=settings))
    results: dict[str, list[Result]] = {head: [] for head in HEADS}
    for number, split in enumerate(one_by_one(drawn), start=1):
        # By turns, so that an interrupted study has whole folds.
        for head in HEADS:
            contents = recipe_contents(RECIPE, {**changes, "network.options.head": head})
            # The loss on the stop part can be lowest after one epoch, where hardly anything is
            # learnt yet: the best epoch would compare beginnings.
            found = run_experiment(context, f"{head}-{number}", contents, split, data, last=True)
            results[head].append(found)
        page.source(f"split {number}", f"certificate {found.certificate[:16]}")
    page.source("data", f"sha256 {data.sha256[:16]}, {len(data.files)} images")
    page.values("recipe", recipe_contents(RECIPE, changes))
    pooled = pool(recipe, collection, boxes, results)
    _write_design(page, pooled, results, folds)
    _write_differences(page, compare(pooled))
    _write_folds(page, by_fold(pooled))


def _write_design(
    page: Page, pooled: Pooled, results: Mapping[str, list[Result]], folds: int
) -> None:
    adults = int((~pooled.children).sum())
    page.text(
        "Does a capsule head earn its place in the default bundle's recipe? Two networks are "
        "trained on each fold from the same ImageNet weights, seed and draws of the images. One "
        "reads the mean of the last feature map (`plain`), the other routes it to one capsule per "
        "class with three iterations (`capsules`); nothing else differs. "
        f"{folds} folds by patient: linked images (of one patient, or identical) "
        "stay together, over all sources, as those of the adults share patients. The lung fields "
        "of `rsna-lungs` only train, and never where their patient is tested. "
        f"Measured are the last weights, averaged over the steps; no part chooses the epoch, and "
        f"{STOP:.0%} of the training side, set aside, only show the course of the training. (At "
        "first the best epoch by that part was to be measured. After the first training it was the "
        "first of four, while the accuracy rose to the last: the rule was changed for both heads "
        "before any test answer was looked at. Three folds were trained and read before all five "
        "were trained anew, after a change of the dropout; nothing else of the study changed.)"
    )
    page.text(
        "**This is a small version of the recipe** of the default bundle's first stage: "
        "EfficientNet-Lite0 instead of Lite2, 4,800 draws instead of 38,400, with more lung fields "
        "and fewer children among them, a shorter average of the weights, and no second stage. So "
        "the levels are not the bundle's: read the differences; and a head that needs long "
        "training to pay may gain more in the full recipe than here. Each head was trained once "
        "per fold: the intervals tell what other patients would change, the folds what another "
        "training would."
    )
    page.text(
        "Pooled over the folds, every test image is answered once, by a network that saw "
        f"none of its patient: {len(pooled.true):,} images of {len(set(pooled.patients)):,} "
        f"patients, {adults:,} of them of adults. Probabilities are uncalibrated. What the splits "
        f"leak, by their certificates: {told_leaks(results['plain'])}."
    )


def _write_differences(page: Page, found: Mapping[str, Mapping[str, Estimate]]) -> None:
    page.heading("Capsules minus plain")
    page.table(
        ["", *HEADS, "difference (95% interval)"],
        [
            [name, *(with_interval(each[head]) for head in HEADS), signed(each[DIFFERENCE])]
            for name, each in found.items()
        ],
    )
    page.text(verdict({name: each[DIFFERENCE] for name, each in found.items()}))
    page.text(
        "Intervals from 1,000 paired bootstrap draws of whole patients; the networks stay as they "
        f"are, and none is corrected for being one of {len(found)}. A calibration slope of 1 is "
        "right, so that a difference of slopes is no gain by itself. AUPRC and the pointing game "
        "hold the map of PNEUMONIA against radiologists' boxes, on images that have some.\n\n"
        "The accuracy at 0.5 is of uncalibrated probabilities, so it is mostly a figure of how far "
        "they are off. A bundle calibrates them, which leaves the AUROC as it is: it is the figure "
        "that tells whether a head separates the classes better."
    )
    page.figure("differences", _figure(found), "Capsules minus plain, with 95% intervals.")
    page.heading("Against guides that read no lung")
    page.table(
        ["", "guide", "its figure", *(f"{head} minus guide" for head in HEADS)],
        [
            [
                name,
                floor,
                with_interval(found[name][floor]),
                *(signed(found[name][f"{head} - {floor}"]) for head in HEADS),
            ]
            for name, floor in FLOORS.items()
        ],
    )
    page.text(
        "The view alone answers AP with PNEUMONIA: who could not stand was more often ill. The "
        "fixed map is the mean of the other tested patients' boxes. Paired as above."
    )
    page.values(
        "figures",
        {name: {key: e.as_dict() for key, e in each.items()} for name, each in found.items()},
    )


def verdict(differences: Mapping[str, Estimate]) -> str:
    """Say which differences an interval tells apart from nothing, and which way.

    Parameters
    ----------
    differences : mapping of str to Estimate
        Capsules minus plain, by figure.
    """
    told = {"above": "Higher with capsules", "below": "Lower with capsules"}
    sentences = []
    for place, words in told.items():
        names = [name for name, each in differences.items() if place_of(each) == place]
        if names:
            sentences.append(f"**{words}, told apart from nothing: {'; '.join(names)}.**")
    return " ".join(sentences) or "**No figure tells the two heads apart.**"


def _write_folds(page: Page, found: Mapping[str, Mapping[str, list[float | None]]]) -> None:
    page.heading("Fold by fold")
    count = len(next(iter(found.values()))["plain"])
    rows = []
    for name, heads in found.items():
        pairs = zip(*(heads[head] for head in HEADS), strict=True)
        rows.append([name, *(_pair(plain, capsules) for plain, capsules in pairs)])
    page.table(["plain / capsules", *(f"fold {n + 1}" for n in range(count))], rows)
    page.values("folds", found)


def _pair(*values: float | None) -> str:
    return " / ".join("-" if value is None else f"{value:.3f}" for value in values)


def _figure(found: Mapping[str, Mapping[str, Estimate]]) -> Figure:
    # The slopes have a scale of their own.
    names = [name for name in found if "slope" not in name]
    figure = Figure(figsize=(8, 0.35 * len(names) + 1), layout="constrained")
    axis = figure.subplots()
    for place, name in enumerate(names):
        each = found[name][DIFFERENCE]
        if each.low is not None and each.high is not None:
            axis.plot([each.low, each.high], [place, place], color="#0072b2")
        if each.value is not None:
            axis.plot(each.value, place, "o", color="#0072b2")
    axis.axvline(0, color="black", linestyle="--", linewidth=1)
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set_xlabel(DIFFERENCE)
    axis.grid(axis="x", alpha=0.3)
    return figure


STUDY = Study(
    name="chest-heads",
    title="The default recipe, small: the capsule head against the plain one",
    reaches="no published figure; the capsules' gain on the same folds, whichever way it goes",
    cost="two trainings a fold at 160 pixels: about six minutes each on one core",
    run=_run,
    needs=("guangzhou", "rsna", "nih-graded", "rsna-lungs", "rsna-labels"),
)
