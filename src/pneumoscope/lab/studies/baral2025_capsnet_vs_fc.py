"""Baral 2025, Table 10: the capsule head against a plain one, by the published test and others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pneumoscope.lab.datasets import By
from pneumoscope.lab.networks import count_parameters, create
from pneumoscope.lab.studies.answers import Answers, Result
from pneumoscope.lab.studies.baral2025_data import (
    AUTHORS_SET,
    OPEN_SETS,
    identify_sources,
    study_set,
    write_data,
)
from pneumoscope.lab.studies.baral2025_protocol import (
    HEADLINE,
    REDUCED_TRAINING,
    arm_of,
    departures,
    experiments_of,
    study_recipe,
    write_certificates,
)
from pneumoscope.lab.studies.folds import signed, spread
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.progress import run_experiments
from pneumoscope.lab.studies.study import Context, FromAnswers, Study
from pneumoscope.metrics import (
    NO_TEST,
    ComparisonSummary,
    Estimate,
    accuracy,
    auroc_macro,
    bootstrap_band,
    compare_predictions,
    confusion_counts,
    rates_of_confusion,
    resampled_t_test,
    resampled_t_tests,
)

Floats = NDArray[np.float64]

HEADS = {"capsules": "densenet_capsnet", "plain": "densenet_fc"}
POSITIVE = "PNEUMONIA"
FIGURES = (
    "accuracy",
    "precision, macro",
    "recall, macro",
    "F1, macro",
    "specificity, macro",
    "AUROC, macro",
)
PUBLISHED = (
    (0.9876, 0.9821),
    (0.9873, 0.9810),
    (0.9889, 0.9845),
    (0.9881, 0.9827),
    (0.9937, 0.9912),
    (0.9995, 0.9991),
)
MANY_RESAMPLES = 100


@dataclass(frozen=True, slots=True, eq=False)
class _Arm:
    """Both heads on the same folds."""

    by: By
    capsules: tuple[Result, ...]
    plain: tuple[Result, ...]

    @property
    def pairs(self) -> list[tuple[Result, Result]]:
        return list(zip(self.capsules, self.plain, strict=True))


def _sides(context: Context) -> tuple[By, ...]:
    sides = study_set(context).sides
    return sides[-1:] if context.smoke else sides


def _measure(context: Context) -> Answers:
    data, answers = identify_sources(context)
    planned = [
        experiments_of(context, _recipe(context, head), data, HEADLINE, by, prefix=f"{head}-")
        for by in _sides(context)
        for head in HEADS
    ]
    # By turns, so that an interrupted study has both heads of a fold.
    run_experiments(
        context, answers, [each for fold in zip(*planned, strict=True) for each in fold]
    )
    return answers


def _recipe(context: Context, head: str) -> dict[str, Any]:
    return study_recipe(context, {"network.name": HEADS[head]})


def _write(context: Context, answers: Answers, page: Page) -> None:
    arms = [_arm(context, answers, by) for by in _sides(context)]
    page.text(
        "Baral 2025 compares its capsules with a plain fully connected head on the same backbone, "
        "by a paired t-test over five bootstrap resamples of the test predictions. Here both heads "
        "are trained on the same stratified folds from the same seed, and the published test "
        "stands beside tests between models."
    )
    page.published_text("Published: the capsules are better with p < 0.05.")
    write_data(context, answers, page)
    _write_heads(context, page)
    drawn = study_set(context).drawn
    _write_differences(page, arms, drawn)
    _write_tests(page, arms, drawn)
    page.heading("Where this departs from the publication")
    page.text(
        "The publication does not describe its plain head. Here it is DenseNet's own average pool "
        "in the place of the capsules, before the same two linear layers. " + departures(context)
    )
    write_certificates(page, answers)
    page.values("recipe of the capsules", study_recipe(context))


def _arm(context: Context, answers: Answers, by: By) -> _Arm:
    capsules, plain = (
        arm_of(context, answers, _recipe(context, head), HEADLINE, by, f"{head}-").results
        for head in HEADS
    )
    return _Arm(by, capsules, plain)


def _write_heads(context: Context, page: Page) -> None:
    page.heading("The two heads")
    chosen = study_recipe(context)
    options = chosen["network"]["options"] | {"pretrained": False}
    rows = []
    for head, name in HEADS.items():
        with torch.device("meta"):
            network = create(name, classes=3, size=chosen["input"]["size"], options=options)
        trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
        rows.append([f"{head} (`{name}`)", f"{count_parameters(network):,}", f"{trained:,}"])
    page.table(["head", "parameters", "trained"], rows)


def head_figures(result: Result, weights: Floats) -> Floats:
    """The six figures of Table 10 under weights of the images.

    Parameters
    ----------
    result : Result
    weights : ndarray of float64, shape (sets, images)

    Returns
    -------
    ndarray of float64, shape (sets, 6)
        In the order of `FIGURES`; NaN where one is undefined.
    """
    truth, predicted = result.truth, result.probabilities.argmax(axis=1)
    number = len(result.classes)
    confusion = confusion_counts(truth, predicted, number, weights)
    present = np.bincount(truth, minlength=number) > 0
    macro = rates_of_confusion(confusion, present)[:, number + 1]
    first = accuracy(truth, predicted, weights)
    area = auroc_macro(result.probabilities, truth, weights)
    return np.column_stack([first, macro, area])


def mean_differences(
    pairs: Sequence[tuple[Result, Result]], resamples: int = 1000, seed: int = 42
) -> list[Estimate]:
    """Capsules minus plain, mean over the folds, with 95% intervals over the test set's patients.

    Every fold is tested on the same images, so one resample of their patients serves all networks.

    Parameters
    ----------
    pairs : sequence of (Result, Result)
        Both heads on each fold.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    list of Estimate
        In the order of `FIGURES`.

    Raises
    ------
    ValueError
        The networks were not tested on the same images.
    """
    files = pairs[0][0].files
    if any(result.files != files for pair in pairs for result in pair):
        raise ValueError("networks can be compared on the same images only")

    def difference(weights: Floats) -> Floats:
        return np.mean([head_figures(a, weights) - head_figures(b, weights) for a, b in pairs], 0)

    band = bootstrap_band(difference, pairs[0][0].patients, resamples, seed)
    return [band.estimate(index) for index in range(len(FIGURES))]


def _write_differences(page: Page, arms: Sequence[_Arm], drawn: str) -> None:
    page.heading("Capsules against plain (Table 10)")
    rows = []
    for arm in arms:
        alone = {
            head: np.concatenate([head_figures(r, np.ones((1, len(r.files)))) for r in results])
            for head, results in (("capsules", arm.capsules), ("plain", arm.plain))
        }
        estimates = mean_differences(arm.pairs)
        for row, (name, estimate) in enumerate(zip(FIGURES, estimates, strict=True)):
            cells = [spread(alone[head][:, row]) for head in HEADS]
            a, b = PUBLISHED[row]
            told = page.published(f"{a:.4f} / {b:.4f} ({a - b:+.4f})")
            each = spread(alone["capsules"][:, row] - alone["plain"][:, row])
            rows.append([f"{name}, by {arm.by}", told, *cells, each, signed(estimate)])
        page.values(
            f"differences by {arm.by}",
            {name: e.as_dict() for name, e in zip(FIGURES, estimates, strict=True)},
        )
    page.table(
        [
            "",
            "published: capsules / plain",
            "capsules",
            "plain",
            "difference",
            "mean difference (95% interval)",
        ],
        rows,
    )
    page.text(
        "Measured: mean and standard deviation over the folds. The interval is of the mean "
        f"difference, from a paired bootstrap that draws the test set's {drawn}: it says what "
        f"other {drawn} would change, and the deviation over the folds what another training would."
    )


def _write_tests(page: Page, arms: Sequence[_Arm], drawn: str) -> None:
    page.heading("Tests, fold by fold")
    rows, forms = [], set()
    for arm in arms:
        found = [_compare(*pair) for pair in arm.pairs]
        forms |= {t.method for summary in found for t in (summary.mcnemar, summary.delong) if t}
        rows += [
            [f"{arm.by}, {number + 1}", *_test_row(summary, *pair)]
            for number, (summary, pair) in enumerate(zip(found, arm.pairs, strict=True))
        ]
        page.values(f"tests by {arm.by}", [summary.as_dict() for summary in found])
    page.table(
        [
            "split by, fold",
            "accuracy: difference (95% interval)",
            "right: only capsules / only plain",
            "p, McNemar",
            f"p, DeLong ({POSITIVE})",
            "p, five resamples (as published)",
            f"p, {MANY_RESAMPLES} resamples",
        ],
        rows,
    )
    page.text("As published, p of each figure over five resamples, fold by fold:")
    page.table(["split by, fold", *FIGURES], [row for arm in arms for row in _as_published(arm)])
    page.text(
        f"{NO_TEST} The last column of the first table shows it. McNemar's and DeLong's tests are "
        f"of one trained pair on the {drawn} of the test set ({'; '.join(sorted(forms))}); five "
        f"folds are five pairs on the same {drawn}, so their p-values are neither independent nor "
        "corrected for being several."
    )


def _as_published(arm: _Arm) -> list[list[str]]:
    """Each fold's p-values by the published test, which is none between models."""
    rows = []
    for number, (a, b) in enumerate(arm.pairs, start=1):

        def difference(weights: Floats, a: Result = a, b: Result = b) -> Floats:
            return head_figures(a, weights) - head_figures(b, weights)

        tests = resampled_t_tests(difference, len(a.files))
        told = ["-" if test.p_value is None else f"{test.p_value:.2g}" for test in tests]
        rows.append([f"{arm.by}, {number}", *told])
    return rows


def _compare(capsules: Result, plain: Result) -> ComparisonSummary:
    return compare_predictions(
        capsules.probabilities,
        plain.probabilities,
        list(capsules.labels),
        capsules.classes,
        patients=list(capsules.patients),
        positive=POSITIVE,
    )


def _test_row(summary: ComparisonSummary, capsules: Result, plain: Result) -> list[str]:
    right = [result.probabilities.argmax(axis=1) == result.truth for result in (capsules, plain)]
    many = resampled_t_test(right[0], right[1], resamples=MANY_RESAMPLES)
    discordant = summary.mcnemar
    counts = "-" if discordant is None else f"{discordant.only_a} / {discordant.only_b}"
    tests = (discordant, summary.delong, summary.as_published, many)
    p_values = [None if test is None else test.p_value for test in tests]
    return [
        signed(summary.differences["accuracy"].estimate),
        counts,
        *("-" if p is None else f"{p:.2g}" for p in p_values),
    ]


STUDY = Study(
    name="baral2025-capsnet-vs-fc",
    title="Baral 2025: the capsule head against a plain one",
    reaches="Table 10: the published t-test, and tests between models; on other data unless --set",
    cost="twenty trainings of DenseNet-201 at 224 pixels, with ImageNet weights: for a GPU",
    run=FromAnswers(_measure, _write),
    needs=OPEN_SETS,
    sets=(AUTHORS_SET,),
    reduced=REDUCED_TRAINING,
)
