"""What the studies of Baral 2025 share: its folds, its recipe, and how a page tells them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pneumoscope.lab.datasets import (
    PARTS,
    By,
    Scheme,
    SchemeSettings,
    Split,
    draw,
    linked_groups,
    units_of,
)
from pneumoscope.lab.studies.answers import Answers, Result
from pneumoscope.lab.studies.baral2025_data import StudyData, study_set
from pneumoscope.lab.studies.baral2025_figures import (
    NOTEBOOKS_HEADER,
    NOTEBOOKS_SOURCE,
    Notebook,
    published,
)
from pneumoscope.lab.studies.experiment import Experiment, recipe_contents
from pneumoscope.lab.studies.folds import (
    AVERAGES,
    RATES,
    FoldFigures,
    fold_figures,
    one_by_one,
    spread,
)
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.study import Context

FOLDS, SEED = 5, 42
TEST = published().images.test / published().images.total
HELD_OUT = 0.2
SMOKE_FOLDS = 2
SCHEMES: tuple[Scheme, ...] = ("stratified-kfold", "kfold", "monte-carlo", "bootstrap")
HEADLINE: Scheme = "stratified-kfold"
SCHEME_HEADER = (
    "scheme",
    "images: train / stop / test",
    "validation accuracy, kept epoch",
    "validation loss, kept epoch",
    "test accuracy",
    "least to most",
    "test loss",
    *(f"{rate}, macro" for rate in RATES),
)
# Small enough for minutes on two cores.
SMOKE = {
    "input.size": 96,
    "network.options": {"backbone": 121, "extra_convolution": True, "frozen": True},
    "training.epochs": 1,
    "training.sampling": "balanced_sources",
    "training.samples_per_epoch": 160,
}

# One or two hours on two cores, a training on each. The same for all studies, so that one takes
# what another has trained.
REDUCED = {
    "input.size": 96,
    "network.options": {"backbone": 121, "extra_convolution": True, "frozen": False},
    "training.epochs": 5,
    "training.batch_size": 32,
    "training.plateau.patience": 1,
    "training.threads": 1,
}
REDUCED_TRAINING = (
    "DenseNet-121 with the extra convolution is trained end to end in place of a frozen "
    "DenseNet-201, from random weights in place of ImageNet's, on 96 pixels in place of 224, for 5 "
    "epochs in place of at most 30, in batches of 32."
)


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """One recipe by one scheme, by image or by patient, on all its folds."""

    scheme: Scheme
    by: By
    results: tuple[Result, ...]
    figures: tuple[FoldFigures, ...]

    @property
    def name(self) -> str:
        """Scheme and unit in words."""
        return f"{self.scheme}, by {self.by}"

    def of_folds(self, figure: Callable[[FoldFigures], float]) -> list[float]:
        """One figure of every fold."""
        return [figure(fold) for fold in self.figures]

    def rate(self, row: str, rate: str) -> list[float]:
        """One rate of a class or an average, of every fold."""
        rows = [*self.figures[0].classes, *AVERAGES]
        at = rows.index(row), RATES.index(rate)
        return self.of_folds(lambda fold: float(fold.rates[at]))

    def at_kept_epoch(self, figure: str) -> list[float]:
        """A figure of the epoch whose checkpoint was kept: the lowest loss on the stop part."""
        kept = [min(r.epochs, key=lambda epoch: epoch["stop_loss"]) for r in self.results]
        return [epoch[figure] for epoch in kept]

    def at_last_epoch(self, figure: str) -> list[float]:
        """A figure of the last epoch, as Table 8 has the validation."""
        return [result.epochs[-1][figure] for result in self.results]

    def row(self) -> list[str]:
        """One line of Table 8 under `SCHEME_HEADER`: the scheme, then means over the folds."""
        accuracy = self.of_folds(lambda fold: fold.accuracy)
        counts = [
            sorted({result.images[part] for result in self.results})
            for part in PARTS
            if part != "calibrate"
        ]
        sizes = " / ".join(f"{c[0]:,}" if len(c) == 1 else f"{c[0]:,} to {c[-1]:,}" for c in counts)
        return [
            self.name,
            sizes,
            spread(self.at_kept_epoch("stop_accuracy")),
            spread(self.at_kept_epoch("stop_loss")),
            spread(accuracy),
            f"{min(accuracy):.4f} to {max(accuracy):.4f}",
            spread(self.of_folds(lambda fold: fold.loss)),
            *(spread(self.rate("macro", rate)) for rate in RATES),
        ]


def write_notebooks(page: Page, notebooks: Sequence[Notebook]) -> None:
    """Show what the authors' notebooks report, which a smoke page must not."""
    page.table(NOTEBOOKS_HEADER, [published().row(notebook) for notebook in notebooks])
    page.text(NOTEBOOKS_SOURCE)


def study_folds(context: Context, data: StudyData, scheme: Scheme, by: By) -> list[Split]:
    """Draw the five folds beside the fixed test set: the official one, or one by `by` alone.

    A smoke run takes the first two of them.

    Raises
    ------
    ValueError
        The official test set is one of images, and `by` is "patient".
    """
    if data.test is not None and by != "image":
        raise ValueError("an official test set is one of images")
    images = data.identity
    groups = linked_groups(images.patients, images.fingerprints)
    settings = SchemeSettings(
        scheme=scheme,
        folds=FOLDS,
        seed=SEED,
        holdout=HELD_OUT,
        test=TEST if data.test is None else 0.0,
        calibrate=0.0,
    )
    folds = one_by_one(draw(units_of(images.strata, groups, by), settings, data.test))
    return folds[:SMOKE_FOLDS] if context.smoke else folds


def study_recipe(context: Context, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give the published recipe, or what a smaller scale trains instead, with further changes."""
    smaller = {"smoke": SMOKE, "reduced": REDUCED}.get(context.scale, {})
    sources = study_set(context).recipe
    return recipe_contents("baral2025-full", {**smaller, **sources, **(changes or {})})


def experiments_of(
    context: Context,
    recipe: Mapping[str, Any],
    data: StudyData,
    scheme: Scheme,
    by: By,
    prefix: str = "",
) -> list[Experiment]:
    """Plan a recipe on all folds of a scheme; `prefix` tells recipes of one study apart."""
    return [
        Experiment(
            f"{prefix}{scheme}-{by}-{number}",
            recipe,
            split,
            data.identity,
            accept_leak=by == "image",
        )
        for number, split in enumerate(study_folds(context, data, scheme, by), start=1)
    ]


def arm_of(
    context: Context,
    answers: Answers,
    recipe: Mapping[str, Any],
    scheme: Scheme,
    by: By,
    prefix: str = "",
    folds: int | None = None,
) -> Arm:
    """Gather what `experiments_of` has planned, once it is trained; the first `folds`, or all."""
    folds = folds or (SMOKE_FOLDS if context.smoke else FOLDS)
    names = [f"{prefix}{scheme}-{by}-{number}" for number in range(1, folds + 1)]
    results = tuple(answers.result(name, recipe) for name in names)
    return Arm(scheme, by, results, tuple(fold_figures(result) for result in results))


def departures(context: Context) -> str:
    """Tell where the studies depart from the publication, the data aside."""
    means = "" if len(study_set(context).sources) == 1 else "means of the two sources, "
    return (
        "At full scale the backbone starts from torchvision's ImageNet weights and gets its input "
        "on their scale; the publication had Keras' weights and fed 0..1 as it was. Images are "
        "reduced before CLAHE, which runs on the grey image; the published text has CLAHE first, "
        "its training code after the augmentation. Trainings end after 30 epochs at the latest, as "
        "the headline's; the other published ones had 50. A bootstrap makes as many draws as the "
        "published one, 0.8 of the images that are not in the test set, and keeps the images that "
        "it drew twice, which the authors' copying by file name dropped. The validation figures, "
        f"which choose the epoch and the rate, are {means}of the epoch that was kept; Table 8's "
        "are of the last epoch. The test figures count every image once. An epoch leaves out the "
        "last, incomplete batch."
    )


def write_certificates(page: Page, answers: Answers) -> None:
    """Name the certificate of every experiment's split on the page."""
    for name in answers.experiments:
        page.source(f"split {name}", f"certificate {answers.result(name).certificate[:16]}")
