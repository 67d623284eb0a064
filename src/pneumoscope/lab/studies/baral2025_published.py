"""Baral 2025, Tables 3, 8 and 9: what its authors' own notebooks say, fold by fold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import ttest_ind

from pneumoscope.lab.studies.baral2025_figures import (
    NOTEBOOKS_HEADER,
    NOTEBOOKS_SOURCE,
    REPOSITORY,
    Published,
    published,
)
from pneumoscope.lab.studies.baral2025_protocol import SCHEMES
from pneumoscope.lab.studies.folds import AVERAGES, RATES, corrected_interval, signed, spread
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.study import Context, Study
from pneumoscope.metrics import Estimate, wilson_interval

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")
REFERENCE, OTHERS = 201, (169, 121)
# Okabe and Ito's colours, which the colour blind can tell apart.
_COLOURS = {201: "#0072b2", 169: "#e69f00", 121: "#009e73"}


def _run(context: Context, page: Page) -> None:
    page.text(
        "Nothing is trained here. What Tables 3, 8 and 9 of Baral 2025 were made of stands in its "
        "authors' public repository. These are those figures, and what follows from them by this "
        "project's own functions."
    )
    if context.smoke:
        return  # every figure is a published one
    figures = published()
    page.source("authors' public repository", REPOSITORY)
    page.heading("Sixty trainings (Table 8)")
    page.table(NOTEBOOKS_HEADER, [figures.row(notebook) for notebook in figures.notebooks])
    page.text(f"{NOTEBOOKS_SOURCE} A test accuracy is of {figures.images.test:,} images.")
    page.figure(
        "folds",
        _folds(figures),
        "Test accuracy of every fold by scheme and backbone; bars: means; dashed: the quoted fold.",
    )
    _write_highest(page, figures)
    _write_backbones(page, figures)
    _write_fold(page, figures)
    _write_counts(page, figures)
    _write_measuring(page, figures)
    page.values("published", figures.model_dump())


def highest_runs(figures: Published) -> list[tuple[float, int, str, int]]:
    """List the folds that are at least as good as the quoted one, the best first.

    Returns
    -------
    list of tuple
        Test accuracy, backbone, scheme, and place among the folds printed, from 1.
    """
    runs = [
        (accuracy, n.backbone, n.scheme, place)
        for n in figures.notebooks
        for place, accuracy in enumerate(figures.folds(n.backbone, n.scheme), start=1)
    ]
    return sorted((run for run in runs if run[0] >= figures.quoted), reverse=True)


def difference(mine: Sequence[float], others: Sequence[float]) -> Estimate:
    """Mean of some folds less the mean of others, with Welch's 95% interval (1947)."""
    ends = ttest_ind(mine, others, equal_var=False).confidence_interval()
    return Estimate(float(np.mean(mine) - np.mean(others)), float(ends.low), float(ends.high))


def _write_highest(page: Page, figures: Published) -> None:
    test, runs = figures.images.test, highest_runs(figures)
    above = [accuracy for accuracy, *_ in runs if accuracy > figures.quoted]
    page.heading("The quoted fold is not the best of them")
    page.table(
        ["test accuracy", "images called wrong", "backbone", "scheme", "fold"],
        [
            [f"{accuracy:.4f}", str(_wrong(accuracy, test)), f"DenseNet-{b}", scheme, str(place)]
            for accuracy, b, scheme, place in runs
        ],
    )
    everything = [a for n in figures.notebooks for a in figures.folds(n.backbone, n.scheme)]
    ends = wilson_interval(np.array([figures.quoted]), np.array([test]))
    low, high = float(ends[0][0]), float(ends[1][0])
    page.text(
        f'The abstract has "99.01%" for the "highest performance". {len(above)} of the authors\' '
        f"own runs are higher: {', '.join(f'{a:.4f}' for a in above)}; all of these lie within "
        f"{_wrong(figures.quoted, test) - _wrong(above[0], test)} images of {test:,}. The highest "
        f"of {len(everything)} runs on one test set is no estimate of what a new one would give: "
        f"their mean is {np.mean(everything):.4f}, that of the quoted notebook "
        f"{np.mean(figures.headline_folds):.4f}. By the chance of {test:,} images alone, were each "
        f"of another patient, {figures.quoted:.4f} has a 95% interval (Wilson) of {low:.4f} to "
        f"{high:.4f}, in which {sum(low <= a <= high for a in everything)} of the runs lie."
    )
    page.values("runs_at_least_as_high_as_the_quoted", [list(run) for run in runs])


def _wrong(accuracy: float, images: int) -> int:
    return round((1 - accuracy) * images)


def _write_backbones(page: Page, figures: Published) -> None:
    page.heading(f"DenseNet-{REFERENCE} against the others, scheme by scheme")
    found, by_fold = {}, []
    for scheme, other in product(SCHEMES, OTHERS):
        mine, others = figures.folds(REFERENCE, scheme), figures.folds(other, scheme)
        found[scheme, other] = difference(mine, others)
        # The fold that was not printed is a last one.
        steps = [a - b for a, b in zip(mine, others, strict=False)]
        by_fold.append(corrected_interval(steps, 0.0))
    page.table(
        ["scheme", *(f"less DenseNet-{other}" for other in OTHERS)],
        [[s, *(signed(found[s, other]) for other in OTHERS)] for s in SCHEMES],
    )
    scheme, other = max(found, key=lambda key: abs(found[key].value or 0))
    folds = sorted(figures.folds(other, scheme))
    page.text(
        "Difference of the mean test accuracies, with Welch's 95% interval over the folds: "
        f"{_told(found.values())} of {len(found)} are told from nothing, and {_told(by_fold)} with "
        "the folds of two backbones in pairs (95% interval by t). The intervals are of the chance "
        "of the training and not of other patients: every fold reports the same test images. The "
        f"largest difference, by {scheme} against DenseNet-{other}, is made by one fold of "
        f"{folds[0]:.4f}; on its other folds DenseNet-{other} has {spread(folds[1:])}. Nor would a "
        "difference be the backbone's: by the settings above the networks differ in the "
        "convolution and in what was trained, too. **Table 8 does not support the choice of "
        f"DenseNet-{REFERENCE}.**"
    )
    page.values(
        "differences",
        {f"{s}, {REFERENCE} less {other}": e.as_dict() for (s, other), e in found.items()},
    )


def _told(differences: Iterable[Estimate]) -> int:
    """Count the differences whose whole interval lies on one side of 0."""
    ends = [(e.low, e.high) for e in differences]
    return sum(low is not None and high is not None and low * high > 0 for low, high in ends)


def _write_fold(page: Page, figures: Published) -> None:
    """Set what follows from fold 5's confusion matrix beside what was quoted for it."""
    headline = figures.headline
    counts = headline.counts(CLASSES)
    rates = dict(zip([*CLASSES, *AVERAGES], headline.rates(CLASSES), strict=True))
    page.heading(f"The quoted fold, {headline.fold} (Figure 9 and Table 9)")
    page.table(
        ["true", *(f"called {name}" for name in CLASSES)],
        [[n, *(f"{c:.0f}" for c in row)] for n, row in zip(CLASSES, counts, strict=True)],
    )
    page.text("What follows from this matrix, and what the article quotes as that fold's averages:")
    rows = []
    for name, values in rates.items():
        quoted = headline.averages.get(name)
        said = " / ".join(f"{value:.4f}" for value in quoted) if quoted else "-"
        rows.append([name, *(f"{value:.4f}" for value in values), said])
    page.table(["", *RATES, "quoted: precision / recall / F1"], rows)
    page.text(
        f"**The quoted averages are not of this fold.** Its accuracy, {figures.quoted:.4f}, is by "
        "definition its precision, recall and F1 averaged micro and its recall averaged weighted; "
        "the article has others for them. Which run they are of is not said."
    )
    page.values(
        "quoted_fold",
        {name: dict(zip(RATES, map(float, row), strict=True)) for name, row in rates.items()},
    )


def _write_counts(page: Page, figures: Published) -> None:
    images, bootstrap = figures.images, figures.bootstrap
    pool = images.train + images.stop
    expected = pool * (1 - (1 - 1 / pool) ** bootstrap.draws)
    test = f"{images.test:,}"
    page.heading("Images of a fold (Table 3)")
    page.table(
        ["scheme", "train", "stop", "test"],
        [
            [", ".join(SCHEMES[:-1]), f"{images.train:,}", f"{images.stop:,}", test],
            [SCHEMES[-1], _range(bootstrap.train), _range(bootstrap.stop), test],
        ],
    )
    page.text(
        f"The authors' program (`Dataset_Splitter.ipynb`) draws {bootstrap.draws:,} of {pool:,} "
        "images with replacement, stratified: as many as the other schemes train. "
        f"{expected:,.0f} different ones are to be expected. It copies them by file name, so one "
        "that was drawn twice trains once; those never drawn stop the training. The scheme "
        "`bootstrap` of `pneumoscope split` makes as many draws, and keeps the repeats."
    )
    page.values("bootstrap_expected_images", expected)


def _range(ends: tuple[int, int]) -> str:
    return f"{ends[0]:,} to {ends[1]:,}"


def _write_measuring(page: Page, figures: Published) -> None:
    headline = figures.headline
    noisy = [notebook for notebook in figures.notebooks if notebook.plot_noise]
    names = " and ".join(f"-{b}" for b in sorted({n.backbone for n in noisy}))
    copied = figures.folds(headline.backbone, "kfold")
    page.heading("How the notebooks measured")
    page.text(
        f"- {len(noisy)} of the {len(figures.notebooks)} notebooks, all of DenseNet{names}, add "
        f"Gaussian noise (standard deviation {noisy[0].plot_noise}) to the probabilities before "
        'they draw the confusion matrix and the ROC curves ("Noisy Probabilities") and compute the '
        "AUC. The test accuracies above are without it. This project never alters an answer before "
        "it measures it.\n"
        "- Validation and test figures in one row of Table 8 are of different weights: those of "
        "the last epoch, and those of the best, which were restored. The headline's "
        f"{headline.validation.accuracy} and {headline.validation.loss} are of its best epoch, "
        f"{headline.validation_epoch}.\n"
        "- In the manuscript of March 2025, in the same repository, the picture of Table 8's "
        f"averages gives DenseNet-{headline.backbone} by k-fold the very numbers of its stratified "
        f"row. Its notebook has others: {spread(copied)} on the {len(copied)} folds printed, "
        f"against {spread(figures.headline_folds)}."
    )


def _folds(figures: Published) -> Figure:
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axis = figure.subplots()
    for column, backbone in enumerate(_COLOURS):
        for place, scheme in enumerate(SCHEMES):
            values = figures.folds(backbone, scheme)
            at = place + (column - 1) * 0.25
            label = f"DenseNet-{backbone}" if not place else None
            axis.plot(
                [at] * len(values), values, "o", color=_COLOURS[backbone], label=label, alpha=0.7
            )
            axis.hlines(float(np.mean(values)), at - 0.1, at + 0.1, color="black", linewidth=1.5)
    axis.axhline(figures.quoted, color="black", linestyle="--", linewidth=0.8)
    axis.set_xticks(range(len(SCHEMES)), SCHEMES)
    axis.set_ylabel("test accuracy")
    axis.grid(axis="y", alpha=0.3)
    axis.legend(loc="lower left")
    return figure


STUDY = Study(
    name="baral2025-published",
    title="Baral 2025: the sixty trainings behind Tables 3, 8 and 9",
    reaches="the published figures themselves, and what follows from them; trains nothing",
    cost="a second",
    run=_run,
)
