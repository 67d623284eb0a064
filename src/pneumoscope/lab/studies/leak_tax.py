"""What a split by image adds to a figure: the same recipe, patients crossing and kept together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pneumoscope.errors import DataError
from pneumoscope.evaluation import read_manifest
from pneumoscope.lab.datasets import (
    By,
    DataIdentity,
    SchemeSettings,
    Split,
    draw,
    identify,
    linked_groups,
    units_of,
)
from pneumoscope.lab.studies.answers import Result
from pneumoscope.lab.studies.binary_metrics import METRICS, POSITIVE, told_leaks, two_class_metrics
from pneumoscope.lab.studies.experiment import recipe_contents, run_experiment
from pneumoscope.lab.studies.folds import corrected_interval, one_by_one, signed
from pneumoscope.lab.studies.leaked_images import (
    MANY,
    HeldOut,
    held_out_images,
    leak_differences,
)
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.study import Context, Study
from pneumoscope.metrics import Estimate

CHILDREN, ETIOLOGY = "guangzhou", "etiology"
REPEATS = 10
HELD_OUT, STOP = 0.2, 0.1


def _run(context: Context, page: Page) -> None:
    kinds = _kinds(context.data / CHILDREN)
    data = identify([context.data / CHILDREN])
    page.source("guangzhou", f"sha256 {data.sha256[:16]}, {len(data.files)} images")
    changes: dict[str, Any] = {}
    repeats = REPEATS
    if context.smoke:
        repeats = 2
        changes = {"training.epochs": 2, "input.size": 32}
    groups = linked_groups(data.patients, data.fingerprints)
    arms: tuple[By, ...] = ("image", "patient")
    drawn = {by: _splits(data, groups, by, repeats) for by in arms}
    results: dict[By, list[Result]] = {"image": [], "patient": []}
    # By turns, so that an interrupted study has as many of each.
    for number in range(repeats):
        # Both arms of a repeat begin with the same weights, each repeat with its own.
        recipe = recipe_contents("leak-tax", {**changes, "seed": 42 + number})
        for by, found in results.items():
            name = f"{by}-{number + 1}"
            found.append(
                run_experiment(context, name, recipe, drawn[by][number], data, accept_leak=True)
            )
            page.source(f"split {name}", f"certificate {found[-1].certificate[:16]}")
    page.values("recipe", recipe_contents("leak-tax", changes))
    _write_arms(page, drawn, results)
    rows = held_out_images(data, groups, kinds, drawn["image"], results["image"], POSITIVE)
    _write_within(page, rows, leak_differences(rows))


def _kinds(folder: Path) -> list[str]:
    """Give each image's kind (normal, bacterial, viral), in the order of the identity's."""
    images = read_manifest(folder).images
    if ETIOLOGY not in images[0].extra:
        raise DataError(
            f"{folder}: no column {ETIOLOGY!r} in labels.csv, which tells bacterial from viral "
            "pneumonias and makes the strata of the study; add it"
        )
    return [f"{image.label} {image.extra[ETIOLOGY]}" for image in images]


def _splits(data: DataIdentity, groups: NDArray[np.int64], by: By, count: int) -> list[Split]:
    """Draw the repeats; the moment to stop is chosen on a part of its own in both arms."""
    settings = SchemeSettings(
        scheme="monte-carlo", folds=count, holdout=HELD_OUT, stop=STOP, calibrate=0.0
    )
    return one_by_one(draw(units_of(data.strata, groups, by), settings))


def _write_arms(page: Page, drawn: dict[By, list[Split]], results: dict[By, list[Result]]) -> None:
    repeats = len(results["image"])
    page.text(
        "Splits by image let a patient's images stand on both sides. Here one recipe (Li 2025's "
        f"network at a smaller size) is trained {repeats} times on the Guangzhou children's "
        f"radiographs split **by image**, and {repeats} times split **by patient**, where linked "
        f"images (of one patient, or identical) stay together. Every repeat draws {HELD_OUT:.0%} "
        "to be "
        f"reported, and {(1 - HELD_OUT) * STOP:.0%} that choose the epoch, in the same way: of the "
        "images, or of the linked groups. Nothing else differs between the arms, and nothing was "
        "tuned on the reported images."
    )
    metrics = {by: [two_class_metrics(result) for result in found] for by, found in results.items()}
    folds = [split.folds[0] for splits in drawn.values() for split in splits]
    ratio = max(len(fold.indices("report")) / len(fold.indices("train")) for fold in folds)
    taxes = {
        name: corrected_interval(
            [a[name] - b[name] for a, b in zip(*metrics.values(), strict=True)], ratio
        )
        for name in METRICS
    }
    page.heading("The tax: by image minus by patient")
    _write_tax(page, metrics, taxes)
    page.text(
        "Patients on both sides, by the splits' certificates. By image: "
        f"{told_leaks(results['image'])}. By patient: {told_leaks(results['patient'])}."
    )
    page.figure("repeats", _figure(metrics), "Every repeat of both arms; bars: the means.")
    page.values("metrics", metrics)
    page.values("tax", {name: tax.as_dict() for name, tax in taxes.items()})
    page.values("held_out_by_training", ratio)


def _write_tax(
    page: Page,
    metrics: dict[By, list[dict[str, float]]],
    taxes: dict[str, Estimate],
) -> None:
    rows = []
    for name, tax in taxes.items():
        arms = [[each[name] for each in arm] for arm in metrics.values()]
        cells = [f"{np.mean(a):.4f} ({min(a):.4f} to {max(a):.4f})" for a in arms]
        rows.append([name.replace("_", " "), *cells, signed(tax)])
    page.table(["", "by image", "by patient", "difference (95% interval)"], rows)
    page.text(verdict(taxes))
    page.text(
        "Means over the repeats, with the least and the most. The two networks of a repeat begin "
        "with the same weights but hold out different images. The repeats draw from the same "
        "images and overlap, so they are not independent: the interval is a t-interval of the "
        "differences, repeat by repeat, with the correction of Nadeau and Bengio (2003), and "
        f"approximate; it is not corrected for being one of {len(METRICS)}."
    )


def verdict(taxes: dict[str, Estimate]) -> str:
    """Say in a sentence which differences an interval tells apart from nothing."""
    ends = {
        n: (t.low, t.high) for n, t in taxes.items() if t.low is not None and t.high is not None
    }
    apart = [name.replace("_", " ") for name, (low, high) in ends.items() if low > 0 or high < 0]
    if apart:
        return f"**Told apart from nothing: {', '.join(apart)}.**"
    bound = ""
    if "accuracy" in ends:
        bound = f" It hardly adds more than {ends['accuracy'][1]:.4f} to the accuracy."
    return (
        "**No difference is told apart from nothing: with this recipe, on this set, a split by "
        f"image does not flatter measurably.**{bound} Another network, a longer training or a set "
        "with more images per patient may differ: it is no licence to split by image."
    )


def _write_within(
    page: Page, rows: HeldOut, within: dict[str, tuple[Estimate, Estimate, Estimate]]
) -> None:
    page.heading("Within the arm by image: patients that trained against patients that did not")
    page.values("within", {name: [e.as_dict() for e in row] for name, row in within.items()})
    table = [
        [name, _value(shared), _value(alone), signed(difference)]
        for name, (shared, alone, difference) in within.items()
    ]
    page.table(
        ["", "patient in training", "patient not in training", "difference (95% interval)"], table
    )
    page.text(
        "The answers to the held-out images of all repeats, an image counting in every repeat that "
        f"held it out: {int(rows.shared.sum()):,} of patients with an image in the part that "
        f"trains and {int((~rows.shared).sum()):,} of others, each given by the network of its own "
        "repeat and compared within it. Intervals from a bootstrap that "
        "draws whole patients; the networks stay as they are. A patient whose other images only "
        "chose the epoch counts as not in training.\n\n"
        "**The plain rows are confounded.** A patient with one image can never be on both sides, "
        "one with many nearly always is, and in this set those with many images are mostly "
        "bacterial pneumonias. The rows *among alike* therefore compare only images of the same "
        "repeat, the same kind (normal, bacterial, viral) and the same number of the patient's "
        f"images ({MANY} or more count as one): with these fixed, hardly more than chance decided "
        f"who stands where. {rows.comparable():,} answers have such a counterpart; their strata "
        "count by Mantel and Haenszel's weights. They are of patients with several images, the "
        "ones that leak, so this is the difference on those images and not on the whole set."
    )


def _value(estimate: Estimate) -> str:
    return "-" if estimate.value is None else f"{estimate.value:.4f}"


def _figure(metrics: dict[By, list[dict[str, float]]]) -> Figure:
    """Dots side by side, not joined: no split of one arm belongs to a split of the other."""
    shown = ("accuracy", "balanced_accuracy", "auroc")
    figure = Figure(figsize=(9, 3.2))
    for axis, name in zip(figure.subplots(1, len(shown)), shown, strict=True):
        for place, arm in enumerate(metrics.values()):
            values = [each[name] for each in arm]
            beside = place + np.linspace(-0.12, 0.12, len(values))
            axis.plot(beside, values, "o", color="#999999", markersize=3)
            mean = np.mean(values)
            axis.plot([place - 0.2, place + 0.2], [mean, mean], color="#b3541e", linewidth=2)
        axis.set_xticks(range(len(metrics)), [f"by {by}" for by in metrics])
        axis.set_xlim(-0.5, 1.5)
        axis.set_title(name.replace("_", " "))
        axis.grid(axis="y", alpha=0.3)
    figure.tight_layout()
    return figure


STUDY = Study(
    name="leak-tax",
    title="The leak tax: what a split by image adds",
    reaches="no published figure; the same recipe by image and by patient, with the inflation",
    cost="twenty trainings at 96 pixels: about an hour on one core",
    run=_run,
    needs=(CHILDREN,),
)
